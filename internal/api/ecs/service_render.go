package ecs

import (
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// renderService writes what a service is; counts and events are the caller's to add.
func renderService(s *state.Service, deployments []counted) ecswire.Service {
	w := ecswire.Service{
		ServiceArn:                    ptr(s.Key.ARN()),
		ServiceName:                   ptr(s.Key.Name()),
		ClusterArn:                    ptr(s.Key.Cluster().ARN()),
		LoadBalancers:                 []ecswire.LoadBalancer{},
		ServiceRegistries:             []ecswire.ServiceRegistry{},
		Status:                        &s.Status,
		DesiredCount:                  ptr(int32(s.DesiredCount)),
		LaunchType:                    opt(s.LaunchType),
		CapacityProviderStrategy:      renderGiven(s.CapacityStrategy),
		PlatformVersion:               opt(s.PlatformVersion),
		PlatformFamily:                familyOf(s.PlatformVersion),
		TaskDefinition:                ptr(s.TaskDefinition.ARN()),
		DeploymentConfiguration:       renderDeploy(s.Deploy),
		Deployments:                   make([]ecswire.Deployment, 0, len(deployments)),
		RoleArn:                       opt(serviceRole(s)),
		CreatedAt:                     wire.At(s.CreatedAt),
		PlacementConstraints:          renderConstraints(s.Constraints),
		PlacementStrategy:             renderPlacementStrategy(s.Strategy),
		NetworkConfiguration:          renderNetwork(s.Network),
		HealthCheckGracePeriodSeconds: ptr(int32(0)),
		SchedulingStrategy:            &s.Scheduling,
		DeploymentController:          &ecswire.DeploymentController{Type: ptr(controllerECS)},
		CreatedBy:                     opt(s.CreatedBy),
		EnableECSManagedTags:          &s.EnableECSManagedTags,
		PropagateTags:                 &s.PropagateTags,
		EnableExecuteCommand:          &s.EnableExecuteCommand,
		AvailabilityZoneRebalancing:   opt(s.AZRebalancing),
	}
	for _, d := range deployments {
		if d.Status == state.DeploymentPrimary {
			renderPrimary(s, d, &w)
		}
		w.Deployments = append(w.Deployments, renderDeployment(s, d))
		w.CurrentServiceRevisions = append(w.CurrentServiceRevisions, ecswire.ServiceCurrentRevisionSummary{
			Arn: ptr(d.Revision.ARN()), RequestedTaskCount: ptr(desiredOf(s, d)),
			RunningTaskCount: &d.running, PendingTaskCount: &d.pending})
	}
	return w
}

// renderPrimary shows at the service what its PRIMARY deployment runs: after a rollback that differs from what
// was last asked for. The count of a daemon service is what control/rollout found to be right.
func renderPrimary(s *state.Service, d counted, w *ecswire.Service) {
	w.TaskDefinition = ptr(d.TaskDefinition.ARN())
	w.DesiredCount = ptr(desiredOf(s, d))
	w.CurrentServiceDeployment = ptr(d.ServiceDeployment.ARN())
}

// desiredOf is what a deployment shall have: the PRIMARY one of a replica service follows the service at once.
func desiredOf(s *state.Service, d counted) int32 {
	if d.Status == state.DeploymentPrimary && s.Scheduling != state.SchedulingDaemon {
		return int32(s.DesiredCount)
	}
	return int32(d.DesiredCount)
}

func renderDeployment(s *state.Service, d counted) ecswire.Deployment {
	return ecswire.Deployment{
		Id:                       ptr(d.Key.ID()),
		Status:                   &d.Status,
		TaskDefinition:           ptr(d.TaskDefinition.ARN()),
		DesiredCount:             ptr(desiredOf(s, d)),
		PendingCount:             &d.pending,
		RunningCount:             &d.running,
		FailedTasks:              ptr(int32(d.FailedTasks)),
		CreatedAt:                wire.At(d.CreatedAt),
		UpdatedAt:                wire.At(d.UpdatedAt),
		CapacityProviderStrategy: renderGiven(d.CapacityStrategy),
		LaunchType:               opt(d.LaunchType),
		PlatformVersion:          opt(d.PlatformVersion),
		PlatformFamily:           familyOf(d.PlatformVersion),
		NetworkConfiguration:     renderNetwork(d.Network),
		RolloutState:             opt(d.Rollout),
		RolloutStateReason:       opt(d.RolloutReason),
	}
}

func renderDeploy(d state.DeployConfig) *ecswire.DeploymentConfiguration {
	w := &ecswire.DeploymentConfiguration{
		DeploymentCircuitBreaker: &ecswire.DeploymentCircuitBreaker{Enable: ptr(d.CircuitBreaker),
			Rollback: ptr(d.Rollback)},
		MaximumPercent:        ptr(int32(d.MaximumPercent)),
		MinimumHealthyPercent: ptr(int32(d.MinimumHealthyPercent)),
		Strategy:              ptr(d.Strategy),
		BakeTimeInMinutes:     ptr(int32(d.BakeMinutes)),
	}
	if d.Alarms != nil {
		names := d.Alarms.Names
		if names == nil {
			names = []string{}
		}
		w.Alarms = &ecswire.DeploymentAlarms{AlarmNames: names, Enable: ptr(d.Alarms.Enable),
			Rollback: ptr(d.Alarms.Rollback)}
	}
	return w
}

func renderNetwork(n *state.NetworkConfig) *ecswire.NetworkConfiguration {
	if n == nil {
		return nil
	}
	groups := n.SecurityGroups
	if groups == nil {
		groups = []string{}
	}
	return &ecswire.NetworkConfiguration{AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{
		Subnets: n.Subnets, SecurityGroups: groups, AssignPublicIp: ptr(n.AssignPublicIP)}}
}

func renderConstraints(in []state.PlacementConstraint) []ecswire.PlacementConstraint {
	out := make([]ecswire.PlacementConstraint, 0, len(in))
	for _, c := range in {
		out = append(out, ecswire.PlacementConstraint{Type: ptr(c.Type), Expression: opt(c.Expression)})
	}
	return out
}

func renderPlacementStrategy(in []state.PlacementStrategy) []ecswire.PlacementStrategy {
	out := make([]ecswire.PlacementStrategy, 0, len(in))
	for _, s := range in {
		out = append(out, ecswire.PlacementStrategy{Type: ptr(s.Type), Field: opt(s.Field)})
	}
	return out
}

// familyOf is the platform's family, for services on Fargate.
func familyOf(platform string) *string {
	if platform == "" {
		return nil
	}
	return ptr(platformFamily)
}

// serviceRole is the service-linked role that AWS shows for services with interfaces of their own.
func serviceRole(s *state.Service) string {
	if s.Network == nil {
		return s.RoleARN
	}
	return "arn:aws:iam::" + s.Key.Cluster().Scope().Account +
		":role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
}

// renderGiven leaves the member out of services that have a launch type: clients take an empty list for a change.
func renderGiven(items []state.StrategyItem) []ecswire.CapacityProviderStrategyItem {
	if len(items) == 0 {
		return nil
	}
	return renderStrategy(items)
}
