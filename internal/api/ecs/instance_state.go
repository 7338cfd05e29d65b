package ecs

import (
	"context"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// maxInstancesChanged is the batch limit of UpdateContainerInstancesState.
const maxInstancesChanged = 10

// UpdateContainerInstancesState sets instances DRAINING, so that control/rollout moves their service tasks away,
// or ACTIVE again.
func (a *API) UpdateContainerInstancesState(ctx context.Context, c front.Caller,
	in *ecswire.UpdateContainerInstancesStateRequest,
) (*ecswire.UpdateContainerInstancesStateResponse, error) {
	cluster, err := activeCluster(a.Store.View(), c, in.Cluster)
	if err != nil {
		return nil, err
	}
	status := deref(in.Status)
	if status != state.StatusActive && status != state.StatusDraining {
		return nil, invalid("Container instance status should be one of [ACTIVE, DRAINING]")
	}
	if len(in.ContainerInstances) == 0 || len(in.ContainerInstances) > maxInstancesChanged {
		return nil, invalid("containerInstances should have between 1 and %d items.", maxInstancesChanged)
	}
	keys := make([]state.InstanceKey, 0, len(in.ContainerInstances))
	for _, ref := range in.ContainerInstances {
		key, err := instanceKey(cluster.Key, ref)
		if err == nil {
			err = mayChange(c, key)
		}
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	out := &ecswire.UpdateContainerInstancesStateResponse{}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		*out = ecswire.UpdateContainerInstancesStateResponse{ContainerInstances: []ecswire.ContainerInstance{},
			Failures: []ecswire.Failure{}}
		for _, key := range keys {
			i, reason := setStatus(tx, cluster.Key, key, status)
			if reason != "" {
				out.Failures = append(out.Failures, failure(key.ARN(), reason, ""))
				continue
			}
			out.ContainerInstances = append(out.ContainerInstances, describeInstance(tx.View(), i))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// mayChange keeps an agent from speaking for another instance: the keys that it joined for are bound to its own.
func mayChange(c front.Caller, key state.InstanceKey) error {
	if c.Instance != "" && c.Instance != key.ARN() {
		return fault.New("AccessDeniedException", "These credentials belong to another container instance.")
	}
	return nil
}

// setStatus changes one instance, or says why not.
func setStatus(tx *store.Tx, cluster state.ClusterKey, key state.InstanceKey, status string) (*state.Instance, string) {
	i, ok := tx.Instances().Get(key)
	switch {
	case !ok || key.Cluster() != cluster:
		return nil, "MISSING"
	case i.Status == state.StatusInactive:
		return nil, "INACTIVE"
	case i.Status == status:
		return i, ""
	}
	changed := *i
	changed.Status = status
	changed.Version++
	tx.Instances().Put(&changed)
	return &changed, ""
}

// DeregisterContainerInstance ends an instance's membership. With force, what still runs there is told to stop and
// no longer counts; dispatch turns the agent away from then on.
func (a *API) DeregisterContainerInstance(ctx context.Context, c front.Caller,
	in *ecswire.DeregisterContainerInstanceRequest,
) (*ecswire.DeregisterContainerInstanceResponse, error) {
	cluster, err := activeCluster(a.Store.View(), c, in.Cluster)
	if err != nil {
		return nil, err
	}
	key, err := instanceKey(cluster.Key, deref(in.ContainerInstance))
	if err == nil {
		err = mayChange(c, key)
	}
	if err != nil {
		return nil, err
	}
	left, now := ecswire.ContainerInstance{}, a.Now()
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		i, ok := tx.Instances().Get(key)
		if !ok || key.Cluster() != cluster.Key || i.Status == state.StatusInactive {
			return instanceNotFound()
		}
		for t := range tx.Tasks().OfInstance(key) {
			if !deref(in.Force) {
				return invalid("Found running tasks on the instance.")
			}
			stopped := t.Clone()
			if stopped.Stop(state.StopTerminationNotice, "Container instance deregistration forced by user", now) {
				tx.Tasks().Put(stopped)
			}
		}
		gone := *i
		gone.Status, gone.Tags = state.StatusInactive, nil
		gone.Version++
		tx.Instances().Put(&gone)
		left = describeInstance(tx.View(), &gone)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.DeregisterContainerInstanceResponse{ContainerInstance: &left}, nil
}
