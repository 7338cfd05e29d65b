package ecs

import (
	"context"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// taskFilter is what ListTasks keeps.
type taskFilter struct {
	desired  state.Status
	family   string
	instance state.InstanceKey
	service  state.ServiceKey
	by       string
	launch   string
}

// ListTasks answers the ARNs of a cluster's tasks whose desired status is RUNNING, or another one.
func (a *API) ListTasks(_ context.Context, c front.Caller, in *ecswire.ListTasksRequest) (
	*ecswire.ListTasksResponse, error,
) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	f, err := newTaskFilter(v, cluster.Key, in)
	if err != nil {
		return nil, err
	}
	p, err := newPaging(c, "ListTasks", f.about(cluster.Key), in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, err
	}
	if f.wide() && a.tally.none(v, cluster.Key, f.desired, f.launch) {
		return &ecswire.ListTasksResponse{TaskArns: []string{}}, nil
	}
	keys, token := cut(p, a.collect(f, v, cluster.Key, p), func(k state.TaskKey) string { return string(k) })
	out := &ecswire.ListTasksResponse{TaskArns: make([]string, 0, len(keys)), NextToken: token}
	for _, k := range keys {
		out.TaskArns = append(out.TaskArns, k.ARN())
	}
	return out, nil
}

// newTaskFilter reads the filters: startedBy must be the only one (API_ListTasks).
func newTaskFilter(v store.View, cluster state.ClusterKey, in *ecswire.ListTasksRequest) (taskFilter, error) {
	f := taskFilter{desired: state.Running, family: deref(in.Family), by: deref(in.StartedBy),
		launch: deref(in.LaunchType)}
	if in.DesiredStatus != nil {
		f.desired = state.Status(*in.DesiredStatus)
	}
	if deref(in.DaemonName) != "" {
		return f, invalid("daemonName is not served by Longshore.")
	}
	others := f.family + f.launch + deref(in.ContainerInstance) + deref(in.ServiceName)
	if f.by != "" && others != "" {
		return f, invalid("When specifying startedBy, no other filter can be specified.")
	}
	if deref(in.ContainerInstance) != "" {
		key, err := instanceKey(cluster, *in.ContainerInstance)
		if err != nil {
			return f, err
		}
		f.instance = key
	}
	if deref(in.ServiceName) != "" {
		key, err := serviceKey(cluster, *in.ServiceName)
		if err != nil {
			return f, err
		}
		_, ok := v.Services().Get(key)
		if !ok {
			return f, serviceNotFound()
		}
		f.service = key
	}
	return f, nil
}

// about ties a page token to the listing it belongs to.
func (f taskFilter) about(cluster state.ClusterKey) string {
	return strings.Join([]string{string(cluster), string(f.desired), f.family, string(f.instance),
		string(f.service), f.by, f.launch}, "\x00")
}

// wide says that no index narrows the search.
func (f taskFilter) wide() bool {
	return f.service == "" && f.instance == "" && f.by == "" && f.family == ""
}

func (f taskFilter) keeps(t *state.Task) bool {
	return t.Desired == f.desired && (f.launch == "" || t.LaunchType == f.launch) &&
		(f.instance == "" || t.Instance == f.instance) && (f.service == "" || t.Service == f.service) &&
		(f.by == "" || t.StartedBy == f.by) &&
		(f.family == "" || t.TaskDefinition.Family().Name() == f.family)
}
