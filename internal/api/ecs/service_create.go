package ecs

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// CreateService writes the service and its first deployment; control/rollout starts the tasks.
func (a *API) CreateService(ctx context.Context, c front.Caller, in *ecswire.CreateServiceRequest) (
	*ecswire.CreateServiceResponse, error,
) {
	if in.NetworkConfiguration != nil {
		err := a.ensureNetwork(ctx, scopeOf(c))
		if err != nil {
			return nil, err
		}
	}
	s, err := a.newService(a.Store.View(), c, in)
	if err != nil {
		return nil, err
	}
	d, view := newDeployment(s, a.draw()), store.View{}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		again, err := repeated(tx.View(), s)
		if err == nil && !again {
			err = createService(tx, s, d)
		}
		view = tx.View()
		return err
	})
	if err != nil {
		return nil, err
	}
	made, _ := view.Services().Get(s.Key)
	return &ecswire.CreateServiceResponse{Service: ptr(describeService(view, made, true))}, nil
}

// newService reads the request into a record.
func (a *API) newService(v store.View, c front.Caller, in *ecswire.CreateServiceRequest) (*state.Service, error) {
	err := createFeatures(in).refuse()
	if err != nil {
		return nil, err
	}
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	s := &state.Service{Status: state.StatusActive, CreatedAt: a.Now(), CreatedBy: c.Principal,
		Scheduling: deref(in.SchedulingStrategy), AZRebalancing: disabled,
		EnableECSManagedTags: deref(in.EnableECSManagedTags), PropagateTags: parsePropagate(in.PropagateTags)}
	if s.Scheduling == "" {
		s.Scheduling = state.SchedulingReplica
	}
	err = nameService(cluster.Key, in, s)
	if err != nil {
		return nil, err
	}
	s.DesiredCount, err = parseDesired(s.Scheduling, in.DesiredCount)
	if err != nil {
		return nil, err
	}
	s.Deploy, err = parseDeploy(s.Scheduling, defaultDeploy(s.Scheduling), in.DeploymentConfiguration)
	if err != nil {
		return nil, err
	}
	s.Tags, err = parseTags(in.Tags)
	if err != nil {
		return nil, err
	}
	err = runService(v, c, cluster, in, s)
	if err != nil {
		return nil, err
	}
	return s, setRebalancing(s, in.AvailabilityZoneRebalancing)
}

// nameService checks the name and the token, and signs the request for its idempotency.
func nameService(cluster state.ClusterKey, in *ecswire.CreateServiceRequest, s *state.Service) error {
	name := deref(in.ServiceName)
	if !nameForm.MatchString(name) {
		return invalid("Service name must be between 1 and 255 letters, numbers, hyphens and underscores.")
	}
	if len(deref(in.ClientToken)) > maxServiceToken {
		return invalid("clientToken can have at most %d characters.", maxServiceToken)
	}
	if deref(in.Role) != "" {
		return notServed("role")
	}
	s.Key = state.NewServiceKey(cluster, name)
	same := *in
	same.ClientToken, same.Cluster = nil, nil
	hash, err := hashOf(same)
	s.CreateHash = hash
	return err
}

// runService reads what the tasks run and where.
func runService(v store.View, c front.Caller, cluster *state.Cluster, in *ecswire.CreateServiceRequest,
	s *state.Service,
) error {
	if deref(in.TaskDefinition) == "" {
		return invalid("TaskDefinition can not be blank.")
	}
	td, err := runnableDefinition(v, c, *in.TaskDefinition)
	if err != nil {
		return err
	}
	where, err := parseCapacity(v, cluster, td,
		askedCapacity{launch: in.LaunchType, platform: in.PlatformVersion,
			strategy: in.CapacityProviderStrategy})
	if err != nil {
		return err
	}
	if s.Scheduling == state.SchedulingDaemon {
		err = daemonRules(where.launch, in.PlacementStrategy)
		if err != nil {
			return err
		}
	}
	s.TaskDefinition, s.PlatformVersion = td.Key, where.platform
	setCapacity(s, where)
	s.Constraints, s.Strategy, err = parsePlacement(td, where.launch, in.PlacementConstraints, in.PlacementStrategy)
	if err != nil {
		return err
	}
	s.Network, err = resolveNetwork(v, scopeOf(c), td.NetworkMode, where.launch, in.NetworkConfiguration)
	return err
}

// setCapacity keeps the launch type or the strategy, never both.
func setCapacity(s *state.Service, c capacity) {
	s.LaunchType, s.CapacityStrategy = c.launch, c.strategy
	if len(c.strategy) > 0 {
		s.LaunchType = ""
	}
}

// tasksLaunch is the launch type that placement goes by: providers other than Fargate are EC2.
func tasksLaunch(s *state.Service) string {
	switch {
	case len(s.CapacityStrategy) == 0:
		return s.LaunchType
	case isFargate(s.CapacityStrategy[0].Provider):
		return state.LaunchFargate
	}
	return state.LaunchEC2
}

func createFeatures(in *ecswire.CreateServiceRequest) serviceFeatures {
	return serviceFeatures{controller: in.DeploymentController, exec: in.EnableExecuteCommand,
		balancers: in.LoadBalancers, registries: in.ServiceRegistries, connect: in.ServiceConnectConfiguration,
		volumes: in.VolumeConfigurations, lattice: in.VpcLatticeConfigurations,
		grace: in.HealthCheckGracePeriodSeconds}
}

// repeated says whether the same request made the service already. The name of an INACTIVE one is free.
func repeated(v store.View, s *state.Service) (bool, error) {
	cluster, ok := v.Clusters().Get(s.Key.Cluster())
	if !ok || cluster.Status != state.StatusActive {
		return false, clusterInactive()
	}
	old, ok := v.Services().Get(s.Key)
	switch {
	case !ok || old.Status == state.StatusInactive:
		return false, nil
	case old.Status == state.StatusDraining:
		return false, invalid("Unable to Start a service that is still Draining.")
	case old.CreateHash != s.CreateHash:
		return false, invalid("Creation of service was not idempotent.")
	}
	return true, nil
}

// createService puts the records of a service under a name that is free.
func createService(tx *store.Tx, s *state.Service, d deployment) error {
	td, ok := tx.TaskDefinitions().Get(s.TaskDefinition)
	if !ok || td.Status != state.StatusActive {
		return taskDefinitionInactive()
	}
	fresh := *s
	old, ok := tx.Services().Get(s.Key)
	if ok {
		fresh.Generation = old.Generation + 1
		forgetDeployments(tx, s.Key)
	}
	tx.Services().Put(&fresh)
	d.put(tx)
	return nil
}

// forgetDeployments clears what an INACTIVE service of the same name left behind.
func forgetDeployments(tx *store.Tx, k state.ServiceKey) {
	for d := range tx.Deployments().OfService(k) {
		tx.Deployments().Delete(d.Key)
	}
}
