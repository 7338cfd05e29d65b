package ecs

import (
	"context"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// UpdateService changes what is asked for. Only a change of what the tasks run or where makes a new deployment.
func (a *API) UpdateService(ctx context.Context, c front.Caller, in *ecswire.UpdateServiceRequest) (
	*ecswire.UpdateServiceResponse, error,
) {
	err := updateFeatures(in).refuse()
	if err != nil {
		return nil, err
	}
	if in.NetworkConfiguration != nil {
		err = a.ensureNetwork(ctx, scopeOf(c))
		if err != nil {
			return nil, err
		}
	}
	cluster, err := activeCluster(a.Store.View(), c, in.Cluster)
	if err != nil {
		return nil, err
	}
	key, err := serviceKey(cluster.Key, deref(in.Service))
	if err != nil {
		return nil, err
	}
	from, view := a.draw(), store.View{}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		err := updateService(tx, c, cluster, key, in, from)
		view = tx.View()
		return err
	})
	if err != nil {
		return nil, err
	}
	made, _ := view.Services().Get(key)
	return &ecswire.UpdateServiceResponse{Service: ptr(describeService(view, made, true))}, nil
}

func updateService(tx *store.Tx, c front.Caller, cluster *state.Cluster, key state.ServiceKey,
	in *ecswire.UpdateServiceRequest, from draw,
) error {
	v := tx.View()
	s, ok := v.Services().Get(key)
	if !ok || key.Cluster() != cluster.Key {
		return serviceNotFound()
	}
	if s.Status != state.StatusActive {
		return serviceNotActive()
	}
	now := current(v, s)
	next := *now
	err := changeService(v, c, cluster, &next, in)
	if err != nil {
		return err
	}
	tx.Services().Put(&next)
	if deref(in.ForceNewDeployment) || redeploys(now, &next) {
		newDeployment(&next, from).put(tx)
	}
	return nil
}

// current is the service with what its PRIMARY deployment really runs: after a rollback that is not what was
// last asked for, and asking for it again must deploy again.
func current(v store.View, s *state.Service) *state.Service {
	out := *s
	for d := range v.Deployments().OfService(s.Key) {
		if d.Status != state.DeploymentPrimary {
			continue
		}
		out.TaskDefinition, out.LaunchType, out.CapacityStrategy = d.TaskDefinition, d.LaunchType, d.CapacityStrategy
		out.Network = d.Network
		if platformOf(s.PlatformVersion) != d.PlatformVersion {
			out.PlatformVersion = d.PlatformVersion
		}
	}
	return &out
}

// redeploys says whether the tasks of a service must be replaced to become what is asked for (API_UpdateService).
func redeploys(old, next *state.Service) bool {
	return old.TaskDefinition != next.TaskDefinition || old.LaunchType != next.LaunchType ||
		platformOf(old.PlatformVersion) != platformOf(next.PlatformVersion) ||
		!slices.Equal(old.CapacityStrategy, next.CapacityStrategy) || !sameNetwork(old.Network, next.Network)
}

// sameNetwork compares sets: clients send subnets and groups in any order.
func sameNetwork(a, b *state.NetworkConfig) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.AssignPublicIP == b.AssignPublicIP && sameSet(a.Subnets, b.Subnets) &&
		sameSet(a.SecurityGroups, b.SecurityGroups)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// changeService lays the request over the service.
func changeService(v store.View, c front.Caller, cluster *state.Cluster, s *state.Service,
	in *ecswire.UpdateServiceRequest,
) error {
	err := changeSize(s, in)
	if err != nil {
		return err
	}
	td, err := changeDefinition(v, c, s, in)
	if err != nil {
		return err
	}
	err = changeCapacity(v, cluster, td, s, in)
	if err != nil {
		return err
	}
	err = changePlacement(td, s, in)
	if err != nil {
		return err
	}
	err = setRebalancing(s, in.AvailabilityZoneRebalancing)
	if err != nil {
		return err
	}
	return changeNetwork(v, c, td, s, in)
}

func changeSize(s *state.Service, in *ecswire.UpdateServiceRequest) error {
	if in.DesiredCount != nil {
		n, err := parseDesired(s.Scheduling, in.DesiredCount)
		if err != nil {
			return err
		}
		s.DesiredCount = n
	}
	if in.EnableECSManagedTags != nil {
		s.EnableECSManagedTags = *in.EnableECSManagedTags
	}
	if in.PropagateTags != nil {
		s.PropagateTags = parsePropagate(in.PropagateTags)
	}
	deploy, err := parseDeploy(s.Scheduling, s.Deploy, in.DeploymentConfiguration)
	s.Deploy = deploy
	return err
}

// changeDefinition gives the definition that the service runs from now on. A service may stay on one that became
// INACTIVE; it cannot move to one.
func changeDefinition(v store.View, c front.Caller, s *state.Service, in *ecswire.UpdateServiceRequest) (
	*state.TaskDefinition, error,
) {
	if in.TaskDefinition == nil {
		td, ok := v.TaskDefinitions().Get(s.TaskDefinition)
		if !ok {
			return nil, taskDefinitionNotFound()
		}
		return td, nil
	}
	same, err := findTaskDefinition(v, c, *in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	if same != nil && same.Key == s.TaskDefinition {
		return same, nil
	}
	td, err := runnableDefinition(v, c, *in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	s.TaskDefinition = td.Key
	return td, nil
}

// changeCapacity moves the service to other providers; an empty strategy moves it back to a launch type.
func changeCapacity(v store.View, cluster *state.Cluster, td *state.TaskDefinition, s *state.Service,
	in *ecswire.UpdateServiceRequest,
) error {
	launch := tasksLaunch(s)
	ask := askedCapacity{launch: &launch, platform: in.PlatformVersion}
	if len(in.CapacityProviderStrategy) > 0 {
		ask.launch, ask.strategy = nil, in.CapacityProviderStrategy
	}
	where, err := parseCapacity(v, cluster, td, ask)
	if err != nil {
		return err
	}
	if in.CapacityProviderStrategy != nil {
		setCapacity(s, where)
	}
	if in.PlatformVersion != nil || where.launch != launch {
		s.PlatformVersion = where.platform
	}
	return nil
}

func changePlacement(td *state.TaskDefinition, s *state.Service, in *ecswire.UpdateServiceRequest) error {
	if s.Scheduling == state.SchedulingDaemon {
		err := daemonRules(tasksLaunch(s), in.PlacementStrategy)
		if err != nil {
			return err
		}
	}
	constraints, strategies, err := parsePlacement(td, tasksLaunch(s), in.PlacementConstraints, in.PlacementStrategy)
	if err != nil {
		return err
	}
	if in.PlacementConstraints != nil {
		s.Constraints = constraints
	}
	if in.PlacementStrategy != nil {
		s.Strategy = strategies
	}
	return nil
}

// changeNetwork checks what is given, or what the service has, against the definition's network mode.
func changeNetwork(v store.View, c front.Caller, td *state.TaskDefinition, s *state.Service,
	in *ecswire.UpdateServiceRequest,
) error {
	if in.NetworkConfiguration == nil && td.NetworkMode == state.NetworkAWSVPC && s.Network != nil {
		return nil
	}
	n, err := resolveNetwork(v, scopeOf(c), td.NetworkMode, tasksLaunch(s), in.NetworkConfiguration)
	s.Network = n
	return err
}

func updateFeatures(in *ecswire.UpdateServiceRequest) serviceFeatures {
	return serviceFeatures{controller: in.DeploymentController, exec: in.EnableExecuteCommand,
		balancers: in.LoadBalancers, registries: in.ServiceRegistries, connect: in.ServiceConnectConfiguration,
		volumes: in.VolumeConfigurations, lattice: in.VpcLatticeConfigurations,
		grace: in.HealthCheckGracePeriodSeconds}
}
