package ecs

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// DeleteCluster makes an empty cluster INACTIVE. The built-in instance of this machine is no obstacle: it joined
// by itself and leaves with the cluster.
func (a *API) DeleteCluster(ctx context.Context, c front.Caller, in *ecswire.DeleteClusterRequest,
) (*ecswire.DeleteClusterResponse, error) {
	shown := (*state.Cluster)(nil)
	now := a.Now()
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		v := tx.View()
		cluster, err := activeCluster(v, c, in.Cluster)
		if err != nil {
			return err
		}
		err = emptyCluster(v, cluster.Key)
		if err != nil {
			return err
		}
		for i := range tx.Instances().OfCluster(cluster.Key) {
			if i.Managed && i.Status != state.StatusInactive {
				left := *i
				left.Status = state.StatusInactive
				left.Version++
				tx.Instances().Put(&left)
			}
		}
		next := *cluster
		next.Status = state.StatusInactive
		next.DeletedAt = now
		next.Tags = nil
		tx.Clusters().Put(&next)
		shown = &next
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.DeleteClusterResponse{Cluster: a.renderWholeCluster(shown)}, nil
}

// emptyCluster names what still keeps a cluster from being deleted, each kind with its own exception.
func emptyCluster(v store.View, k state.ClusterKey) error {
	for i := range v.Instances().OfCluster(k) {
		if !i.Managed && i.Status != state.StatusInactive {
			return clusterContainsInstances()
		}
	}
	for s := range v.Services().OfCluster(k) {
		if s.Status != state.StatusInactive {
			return clusterContainsServices()
		}
	}
	for t := range v.Tasks().OfCluster(k) {
		if t.Live() {
			return clusterContainsTasks()
		}
	}
	return nil
}
