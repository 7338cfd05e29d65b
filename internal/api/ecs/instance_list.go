package ecs

import (
	"context"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/place/cql"
	"longshore/internal/state"
	"longshore/internal/store"
)

// ListContainerInstances answers the ARNs of a cluster's instances that a query picks; without a status those
// that are not INACTIVE.
func (a *API) ListContainerInstances(_ context.Context, c front.Caller, in *ecswire.ListContainerInstancesRequest) (
	*ecswire.ListContainerInstancesResponse, error,
) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	query, err := parseQuery(deref(in.Filter))
	if err != nil {
		return nil, err
	}
	status := deref(in.Status)
	about := strings.Join([]string{string(cluster.Key), status, query.String()}, "\x00")
	p, err := newPaging(c, "ListContainerInstances", about, in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, err
	}
	found := []string{}
	for i := range v.Instances().After(string(cluster.Key)+"/", state.InstanceKey(p.after)) {
		if !inStatus(i, status) || !picks(v, query, i) {
			continue
		}
		found = append(found, string(i.Key))
		if len(found) > p.limit {
			break
		}
	}
	keys, token := cut(p, found, func(k string) string { return k })
	out := &ecswire.ListContainerInstancesResponse{ContainerInstanceArns: make([]string, 0, len(keys)), NextToken: token}
	for _, k := range keys {
		out.ContainerInstanceArns = append(out.ContainerInstanceArns, state.InstanceKey(k).ARN())
	}
	return out, nil
}

// parseQuery reads a filter; without one every instance is picked.
func parseQuery(text string) (cql.Expr, error) {
	if text == "" {
		return cql.Expr{}, nil
	}
	e, err := cql.Parse(text)
	if err != nil {
		return e, invalid("%s", err)
	}
	return e, nil
}

func inStatus(i *state.Instance, status string) bool {
	if status == "" {
		return i.Status != state.StatusInactive
	}
	return i.Status == status
}

func picks(v store.View, query cql.Expr, i *state.Instance) bool {
	if !query.Live() {
		return query.Eval(cql.Subject{Instance: i})
	}
	running := 0
	for t := range v.Tasks().OfInstance(i.Key) {
		if t.Last == state.Running {
			running++
		}
	}
	return query.Eval(cql.Subject{Instance: i, RunningTasks: running, Groups: func(yield func(string) bool) {
		for t := range v.Tasks().OfInstance(i.Key) {
			if !yield(t.Group) {
				return
			}
		}
	}})
}
