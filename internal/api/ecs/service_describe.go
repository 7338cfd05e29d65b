package ecs

import (
	"context"
	"fmt"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

const (
	maxServicesDescribed = 10
	maxEvents            = 100
)

// DescribeServices answers what is known of up to ten services, DRAINING and remembered INACTIVE ones too.
func (a *API) DescribeServices(_ context.Context, c front.Caller, in *ecswire.DescribeServicesRequest) (
	*ecswire.DescribeServicesResponse, error,
) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if len(in.Services) == 0 {
		return nil, invalid("Services cannot be empty.")
	}
	if len(in.Services) > maxServicesDescribed {
		return nil, invalid("Services can have at most %d items.", maxServicesDescribed)
	}
	keys := make([]state.ServiceKey, len(in.Services))
	for i, ref := range in.Services {
		keys[i], err = serviceKey(cluster.Key, ref)
		if err != nil {
			return nil, err
		}
	}
	return a.describeServices(cluster.Key, keys, slices.Contains(in.Include, includeTags)), nil
}

func (a *API) describeServices(cluster state.ClusterKey, keys []state.ServiceKey, tags bool,
) *ecswire.DescribeServicesResponse {
	out := &ecswire.DescribeServicesResponse{Services: make([]ecswire.Service, 0, len(keys)), Failures: []ecswire.Failure{}}
	known, v := a.knownServices(keys, tags)
	found := []*knownService{}
	for i, key := range keys {
		k := known[i]
		if k == nil {
			s, ok := v.Services().Get(key)
			if ok {
				k = &knownService{shownService{key, tags}, describeService(v, s, tags)}
				found = append(found, k)
			}
		}
		if k == nil || key.Cluster() != cluster {
			out.Failures = append(out.Failures, missing(key.ARN()))
			continue
		}
		out.Services = append(out.Services, k.wire)
	}
	if len(found) > 0 {
		a.tally.rememberServices(v, found)
	}
	return out
}

// describeService writes a service with its deployments, their counts and the last events.
func describeService(v store.View, s *state.Service, tags bool) ecswire.Service {
	deployments, running, pending := countTasks(v, s)
	w := renderService(s, deployments)
	w.RunningCount, w.PendingCount = &running, &pending
	w.Events = lastEvents(v, s)
	if tags {
		w.Tags = renderTags(s.Tags)
	}
	return w
}

// counted is a deployment with its tasks as they are now.
type counted struct {
	*state.Deployment
	running, pending int32
}

// countTasks counts a service's live tasks in one pass, deployment by deployment: PRIMARY first, then newer
// before older. Tasks whose deployment is gone already count for the service alone.
func countTasks(v store.View, s *state.Service) (of []counted, running, pending int32) {
	for d := range v.Deployments().OfService(s.Key) {
		if d.Status != state.DeploymentInactive {
			of = append(of, counted{Deployment: d})
		}
	}
	slices.SortFunc(of, func(a, b counted) int {
		primary := a.Status == state.DeploymentPrimary
		if primary != (b.Status == state.DeploymentPrimary) {
			if primary {
				return -1
			}
			return 1
		}
		return b.CreatedAt.Compare(a.CreatedAt)
	})
	for t := range v.Tasks().OfService(s.Key) {
		r, p := weigh(t)
		running, pending = running+r, pending+p
		for i := range of {
			if of[i].Key == t.Deployment {
				of[i].running, of[i].pending = of[i].running+r, of[i].pending+p
				break
			}
		}
	}
	return of, running, pending
}

// weigh says whether a live task counts as running or as pending. One that was told to stop before it ran is
// neither; one that runs counts until its processes are gone.
func weigh(t *state.Task) (running, pending int32) {
	switch {
	case t.Last == state.Running:
		return 1, 0
	case t.Last.Rank() < state.Running.Rank() && t.Desired == state.Running:
		return 0, 1
	}
	return 0, 0
}

// lastEvents are the newest events of this service; an earlier one of the same name keeps its own. A waiter reads
// a hundred lines of ten services at every poll, so the times share one allocation.
func lastEvents(v store.View, s *state.Service) []ecswire.ServiceEvent {
	lines := make([]*state.Event, 0, maxEvents)
	for e := range v.Events().Backward(fmt.Sprintf("%s/%04d/", s.Key, s.Generation)) { // see store.Tx.Tell
		if len(lines) == maxEvents {
			break
		}
		lines = append(lines, e)
	}
	out, at := make([]ecswire.ServiceEvent, len(lines)), make([]wire.Timestamp, len(lines))
	for i, e := range lines {
		at[i].Time = e.At
		out[i] = ecswire.ServiceEvent{Id: &e.ID, CreatedAt: &at[i], Message: &e.Message}
	}
	return out
}
