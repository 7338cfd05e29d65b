package ecs

import (
	"context"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

const maxDescribedClusters = 100

// CreateCluster makes a cluster, or answers the ACTIVE one of that name as it is: the call is idempotent.
func (a *API) CreateCluster(ctx context.Context, c front.Caller, in *ecswire.CreateClusterRequest,
) (*ecswire.CreateClusterResponse, error) {
	cluster, err := a.newCluster(c, in)
	if err != nil {
		return nil, err
	}
	shown := cluster
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		old, ok := tx.Clusters().Get(cluster.Key)
		if ok && old.Status == state.StatusActive {
			shown = old
			return nil
		}
		err := attachable(tx.View(), cluster.Key.Scope(), cluster.CapacityProviders)
		if err != nil {
			return err
		}
		if ok {
			forget(tx, cluster.Key)
		}
		kept := *cluster
		tx.Clusters().Put(&kept)
		shown = &kept
		return nil
	})
	if err != nil {
		return nil, err
	}
	if a.Joined != nil {
		a.Joined(ctx, shown.Key)
	}
	return &ecswire.CreateClusterResponse{Cluster: a.renderWholeCluster(shown)}, nil
}

func (a *API) newCluster(c front.Caller, in *ecswire.CreateClusterRequest) (*state.Cluster, error) {
	name := deref(in.ClusterName)
	if name == "" {
		name = defaultCluster
	}
	if !nameForm.MatchString(name) {
		return nil, invalid("Cluster name '%s' is not valid. It can have up to 255 letters, digits, underscores and "+
			"hyphens.", name)
	}
	cluster := &state.Cluster{
		Key: state.NewClusterKey(scopeOf(c), name), Status: state.StatusActive, CreatedAt: a.Now(),
		ContainerInsights: a.setting(a.Store.View(), c, "containerInsights"),
	}
	err := configureCluster(cluster, in.Settings, in.Configuration, in.ServiceConnectDefaults)
	if err != nil {
		return nil, err
	}
	cluster.Tags, err = parseTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return cluster, setProviders(cluster, in.CapacityProviders, in.DefaultCapacityProviderStrategy)
}

// forget removes the past of a name that is used again: its stopped tasks, deleted services and machines that
// left must not appear in the new cluster.
func forget(tx *store.Tx, k state.ClusterKey) {
	for t := range tx.Tasks().OfCluster(k) {
		tx.Tasks().Delete(t.Key)
	}
	for s := range tx.Services().OfCluster(k) {
		tx.Services().Delete(s.Key)
	}
	prefix := string(k) + "/"
	for d := range tx.ServiceDeployments().Prefix(prefix) {
		tx.ServiceDeployments().Delete(d.Key)
	}
	for r := range tx.ServiceRevisions().Prefix(prefix) {
		tx.ServiceRevisions().Delete(r.Key)
	}
	for e := range tx.Events().Prefix(prefix) {
		tx.Events().Delete(e.Key)
	}
	for i := range tx.Instances().OfCluster(k) {
		if i.Status == state.StatusInactive && !i.Managed {
			tx.Instances().Delete(i.Key)
		}
	}
}

// DescribeClusters shows clusters, INACTIVE ones too; without names it shows "default".
func (a *API) DescribeClusters(_ context.Context, c front.Caller, in *ecswire.DescribeClustersRequest,
) (*ecswire.DescribeClustersResponse, error) {
	refs := in.Clusters
	if len(refs) == 0 {
		refs = []string{defaultCluster}
	}
	if len(refs) > maxDescribedClusters {
		return nil, invalid("clusters can have at most %d items.", maxDescribedClusters)
	}
	v := a.Store.View()
	out := &ecswire.DescribeClustersResponse{Clusters: []ecswire.Cluster{}, Failures: []ecswire.Failure{}}
	for _, ref := range refs {
		key, err := clusterKey(c, &ref)
		if err != nil {
			return nil, err
		}
		cluster, ok := v.Clusters().Get(key)
		if !ok {
			out.Failures = append(out.Failures, missing(key.ARN()))
			continue
		}
		out.Clusters = append(out.Clusters, *renderCluster(a.tally.counts(v, cluster.Key), cluster, in.Include))
	}
	return out, nil
}

// ListClusters lists the ACTIVE clusters.
func (a *API) ListClusters(_ context.Context, c front.Caller, in *ecswire.ListClustersRequest,
) (*ecswire.ListClustersResponse, error) {
	p, err := newPaging(c, "ListClusters", "", in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, err
	}
	arns := []string{}
	for cluster := range a.Store.View().Clusters().Prefix(scopeOf(c).String() + "/") {
		if cluster.Status == state.StatusActive {
			arns = append(arns, cluster.Key.ARN())
		}
	}
	shown, next := cut(p, arns, func(s string) string { return s })
	return &ecswire.ListClustersResponse{ClusterArns: shown, NextToken: next}, nil
}

// UpdateCluster changes what was given and leaves the rest.
func (a *API) UpdateCluster(ctx context.Context, c front.Caller, in *ecswire.UpdateClusterRequest,
) (*ecswire.UpdateClusterResponse, error) {
	shown, err := a.changeCluster(ctx, c, in.Cluster, func(_ *store.Tx, next *state.Cluster) error {
		return configureCluster(next, in.Settings, in.Configuration, in.ServiceConnectDefaults)
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.UpdateClusterResponse{Cluster: shown}, nil
}

// UpdateClusterSettings changes containerInsights.
func (a *API) UpdateClusterSettings(ctx context.Context, c front.Caller, in *ecswire.UpdateClusterSettingsRequest,
) (*ecswire.UpdateClusterSettingsResponse, error) {
	if len(in.Settings) == 0 {
		return nil, invalid("settings can not be empty.")
	}
	shown, err := a.changeCluster(ctx, c, in.Cluster, func(_ *store.Tx, next *state.Cluster) error {
		return configureCluster(next, in.Settings, nil, nil)
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.UpdateClusterSettingsResponse{Cluster: shown}, nil
}

// PutClusterCapacityProviders replaces the whole list of providers and the default strategy.
func (a *API) PutClusterCapacityProviders(ctx context.Context, c front.Caller,
	in *ecswire.PutClusterCapacityProvidersRequest,
) (*ecswire.PutClusterCapacityProvidersResponse, error) {
	shown, err := a.changeCluster(ctx, c, in.Cluster, func(tx *store.Tx, next *state.Cluster) error {
		before := next.CapacityProviders
		err := setProviders(next, in.CapacityProviders, in.DefaultCapacityProviderStrategy)
		if err != nil {
			return err
		}
		v := tx.View()
		err = attachable(v, next.Key.Scope(), next.CapacityProviders)
		if err != nil {
			return err
		}
		for _, name := range before {
			if !slices.Contains(next.CapacityProviders, name) && providerUsed(v, next.Key, name) {
				return resourceInUse("The specified capacity provider is in use and cannot be removed.")
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.PutClusterCapacityProvidersResponse{Cluster: shown}, nil
}

// changeCluster edits a copy of an ACTIVE cluster and puts it back.
func (a *API) changeCluster(ctx context.Context, c front.Caller, ref *string,
	change func(*store.Tx, *state.Cluster) error,
) (*ecswire.Cluster, error) {
	shown := (*state.Cluster)(nil)
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		cluster, err := activeCluster(tx.View(), c, ref)
		if err != nil {
			return err
		}
		next := *cluster
		err = change(tx, &next)
		if err != nil {
			return err
		}
		tx.Clusters().Put(&next)
		shown = &next
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.renderWholeCluster(shown), nil
}
