package ecs

import (
	"context"
	"iter"
	"slices"
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

// collect gives the keys that match, sorted, from the page's start to one behind its end.
func (a *API) collect(f taskFilter, v store.View, cluster state.ClusterKey, p paging) []state.TaskKey {
	candidates := []iter.Seq[*state.Task](nil)
	if f.wide() && f.desired == state.Stopped {
		candidates = a.stopped(v, cluster)
	}
	if candidates == nil {
		candidates = f.candidates(v, cluster, state.TaskKey(p.after))
	}
	out := make([]state.TaskKey, 0, p.limit+1)
	for _, seq := range candidates {
		found := 0
		for t := range seq {
			if string(t.Key) <= p.after || !f.keeps(t) {
				continue
			}
			out = append(out, t.Key)
			found++
			if found > p.limit {
				break
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// stopped are the tasks of a cluster whose desired status is STOPPED, without those that run: what is past is filed by
// family, what leaves is known by name. nil where looking through all tasks is the shorter way.
func (a *API) stopped(v store.View, cluster state.ClusterKey) []iter.Seq[*state.Task] {
	leaving, ok := a.tally.leaving(v, cluster)
	if !ok {
		return nil
	}
	v = a.Store.View() // at least as new as what was said of the leaving: who has left since is past in it
	if v.Families().Len() > v.Tasks().Len() {
		return nil
	}
	out := []iter.Seq[*state.Task]{func(yield func(*state.Task) bool) {
		for _, key := range leaving {
			t, ok := v.Tasks().Get(key)
			if ok && !yield(t) {
				return
			}
		}
	}}
	for f := range v.Families().Prefix(cluster.Scope().String() + "/") {
		out = append(out, v.Tasks().StoppedOfFamily(cluster, f.Key.Name()))
	}
	return out
}

func (f taskFilter) keeps(t *state.Task) bool {
	return t.Desired == f.desired && (f.launch == "" || t.LaunchType == f.launch) &&
		(f.instance == "" || t.Instance == f.instance) && (f.service == "" || t.Service == f.service) &&
		(f.family == "" || t.TaskDefinition.Family().Name() == f.family)
}

// candidates are sorted runs of tasks, from the narrowest index that the filter allows. Tasks that are gone are
// filed apart, and only those whose desired status is STOPPED can be among them.
func (f taskFilter) candidates(v store.View, cluster state.ClusterKey, after state.TaskKey) []iter.Seq[*state.Task] {
	tasks := v.Tasks()
	live, past := iter.Seq[*state.Task](nil), iter.Seq[*state.Task](nil)
	switch {
	case f.service != "":
		live, past = tasks.OfService(f.service), tasks.StoppedOfService(f.service)
	case f.instance != "":
		live, past = tasks.OfInstance(f.instance), tasks.StoppedOfInstance(f.instance)
	case f.by != "":
		live, past = tasks.StartedBy(cluster, f.by), tasks.StoppedStartedBy(cluster, f.by)
	case f.family != "":
		live, past = tasks.OfFamily(cluster, f.family), tasks.StoppedOfFamily(cluster, f.family)
	default:
		return []iter.Seq[*state.Task]{tasks.After(string(cluster)+"/", after)}
	}
	if f.desired != state.Stopped {
		return []iter.Seq[*state.Task]{live}
	}
	return []iter.Seq[*state.Task]{live, past}
}
