package ecs

import (
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// Controllers and strategies of deployments (API_DeploymentController, API_DeploymentConfiguration).
const (
	controllerECS   = "ECS"
	strategyRolling = "ROLLING"
	disabled        = "DISABLED"
	enabled         = "ENABLED"
)

// maxDesired is the quota of tasks per service (Amazon ECS service quotas).
const maxDesired = 5000

// serviceFeatures are the members of CreateService and UpdateService that Longshore does not serve.
type serviceFeatures struct {
	controller *ecswire.DeploymentController
	exec       *bool
	balancers  []ecswire.LoadBalancer
	registries []ecswire.ServiceRegistry
	connect    *ecswire.ServiceConnectConfiguration
	volumes    []ecswire.ServiceVolumeConfiguration
	lattice    []ecswire.VpcLatticeConfiguration
	grace      *int32
}

// refuse names the first member that would be accepted and ignored. Empty lists and switched-off features are
// harmless: deployment tools send them always.
func (f serviceFeatures) refuse() error {
	kind := controllerECS
	if f.controller != nil {
		kind = deref(f.controller.Type)
	}
	switch {
	case kind != controllerECS:
		return notServed("The deployment controller " + kind)
	case len(f.balancers) > 0:
		return notServed("loadBalancers")
	case len(f.registries) > 0:
		return notServed("serviceRegistries")
	case f.connect != nil && deref(f.connect.Enabled):
		return notServed("serviceConnectConfiguration")
	case len(f.volumes) > 0:
		return notServed("volumeConfigurations")
	case len(f.lattice) > 0:
		return notServed("vpcLatticeConfigurations")
	case deref(f.exec):
		return notServed("enableExecuteCommand")
	case deref(f.grace) != 0:
		return invalid("Health check grace period is only valid for services configured to use load balancers")
	}
	return nil
}

// parseDeploy lays what is given over a deployment configuration: the defaults, or what the service had.
func parseDeploy(scheduling string, base state.DeployConfig, in *ecswire.DeploymentConfiguration) (
	state.DeployConfig, error,
) {
	out := base
	if in == nil {
		return out, nil
	}
	err := refuseDeploy(in)
	if err != nil {
		return out, err
	}
	if in.MaximumPercent != nil {
		out.MaximumPercent = int(*in.MaximumPercent)
	}
	if in.MinimumHealthyPercent != nil {
		out.MinimumHealthyPercent = int(*in.MinimumHealthyPercent)
	}
	if b := in.DeploymentCircuitBreaker; b != nil {
		out.CircuitBreaker, out.Rollback = deref(b.Enable), deref(b.Rollback)
	}
	if a := in.Alarms; a != nil {
		out.Alarms = &state.DeployAlarms{Names: a.AlarmNames, Enable: deref(a.Enable), Rollback: deref(a.Rollback)}
	}
	return out, deployLimits(scheduling, out)
}

// defaultDeploy is what a service gets that says nothing (API_DeploymentConfiguration).
func defaultDeploy(scheduling string) state.DeployConfig {
	d := state.DeployConfig{Controller: controllerECS, Strategy: strategyRolling,
		MaximumPercent: 200, MinimumHealthyPercent: 100}
	if scheduling == state.SchedulingDaemon {
		d.MaximumPercent, d.MinimumHealthyPercent = 100, 0
	}
	return d
}

func refuseDeploy(in *ecswire.DeploymentConfiguration) error {
	strategy := deref(in.Strategy)
	switch {
	case strategy != "" && strategy != strategyRolling:
		return notServed("The deployment strategy " + strategy)
	case len(in.LifecycleHooks) > 0:
		return notServed("lifecycleHooks")
	case in.LinearConfiguration != nil:
		return notServed("linearConfiguration")
	case in.CanaryConfiguration != nil:
		return notServed("canaryConfiguration")
	case deref(in.BakeTimeInMinutes) != 0:
		return notServed("bakeTimeInMinutes")
	case in.Alarms != nil && deref(in.Alarms.Enable):
		return notServed("deploymentConfiguration.alarms")
	}
	return nil
}

func deployLimits(scheduling string, d state.DeployConfig) error {
	switch {
	case d.MinimumHealthyPercent < 0 || d.MinimumHealthyPercent > 100:
		return invalid("minimumHealthyPercent should be between 0 and 100.")
	case d.MaximumPercent < 100:
		return invalid("maximumPercent should be at least 100.")
	case scheduling == state.SchedulingDaemon && d.MaximumPercent != 100:
		return invalid("maximumPercent must be 100 for services with the DAEMON scheduling strategy.")
	case d.MaximumPercent == 100 && d.MinimumHealthyPercent == 100:
		return invalid("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	}
	return nil
}

// parseDesired reads desiredCount against the scheduling strategy (API_CreateService).
func parseDesired(scheduling string, in *int32) (int, error) {
	if scheduling == state.SchedulingDaemon {
		if in != nil && *in != 0 {
			return 0, invalid("The daemon scheduling strategy does not support a desired count for services. " +
				"Remove the desired count value and try again.")
		}
		return 0, nil
	}
	if in == nil {
		return 0, invalid("desiredCount is required for services with the REPLICA scheduling strategy.")
	}
	if *in < 0 || *in > maxDesired {
		return 0, invalid("desiredCount should be between 0 and %d.", maxDesired)
	}
	return int(*in), nil
}

// daemonRules are what the DAEMON strategy forbids (API_CreateService, schedulingStrategy).
func daemonRules(launch string, strategies []ecswire.PlacementStrategy) error {
	if launch == state.LaunchFargate {
		return invalid("The daemon scheduling strategy is not supported with FARGATE launch type.")
	}
	if len(strategies) > 0 {
		return invalid("The daemon scheduling strategy does not support placement strategies.")
	}
	return nil
}

// parsePropagate reads propagateTags; NONE is what a service has that says nothing.
func parsePropagate(in *string) string {
	if deref(in) == "" {
		return "NONE"
	}
	return *in
}

// setRebalancing turns AZ rebalancing on or off, and holds what was asked for against its needs: room for a task
// more than desired, and placement that spreads over the zones first (API_CreateService,
// availabilityZoneRebalancing).
func setRebalancing(s *state.Service, given *string) error {
	if given != nil {
		s.AZRebalancing = *given
	}
	if s.AZRebalancing != enabled {
		return nil
	}
	switch {
	case s.Scheduling == state.SchedulingDaemon:
		return invalid("availabilityZoneRebalancing is not supported for services with the DAEMON scheduling strategy.")
	case s.Deploy.MaximumPercent <= 100:
		return invalid("availabilityZoneRebalancing requires a maximumPercent greater than 100.")
	case len(s.Strategy) > 0 && (s.Strategy[0].Type != "spread" ||
		s.Strategy[0].Field != "attribute:ecs.availability-zone"):
		return invalid("availabilityZoneRebalancing requires that the first placement strategy, if there is one, is " +
			"spread by attribute:ecs.availability-zone.")
	}
	return nil
}
