package ecs

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// DeleteService sets a service on its way out: DRAINING until control/rollout has stopped its tasks, then INACTIVE.
func (a *API) DeleteService(ctx context.Context, c front.Caller, in *ecswire.DeleteServiceRequest) (
	*ecswire.DeleteServiceResponse, error,
) {
	cluster, err := activeCluster(a.Store.View(), c, in.Cluster)
	if err != nil {
		return nil, err
	}
	key, err := serviceKey(cluster.Key, deref(in.Service))
	if err != nil {
		return nil, err
	}
	view := store.View{}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		err := deleteService(tx, cluster.Key, key, deref(in.Force))
		view = tx.View()
		return err
	})
	if err != nil {
		return nil, err
	}
	left, _ := view.Services().Get(key)
	return &ecswire.DeleteServiceResponse{Service: ptr(describeService(view, left, false))}, nil
}

func deleteService(tx *store.Tx, cluster state.ClusterKey, key state.ServiceKey, force bool) error {
	s, ok := tx.Services().Get(key)
	if !ok || key.Cluster() != cluster || s.Status == state.StatusInactive {
		return serviceNotFound()
	}
	if s.Status == state.StatusDraining {
		return nil
	}
	if !force {
		err := mayLeave(tx.View(), s)
		if err != nil {
			return err
		}
	}
	leaving := *s
	leaving.Status, leaving.DesiredCount, leaving.Tags = state.StatusDraining, 0, nil
	tx.Services().Put(&leaving)
	return nil
}

// mayLeave refuses what only force may delete (API_DeleteService); daemon services need none.
func mayLeave(v store.View, s *state.Service) error {
	if s.Scheduling == state.SchedulingDaemon {
		return nil
	}
	if s.DesiredCount > 0 {
		return invalid("The service cannot be stopped while it is scaled above 0.")
	}
	live := 0
	for d := range v.Deployments().OfService(s.Key) {
		if d.Status != state.DeploymentInactive {
			live++
		}
	}
	if live > 1 {
		return invalid("The service cannot be stopped while deployments are active.")
	}
	return nil
}
