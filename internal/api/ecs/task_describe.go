package ecs

import (
	"context"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// maxDescribed is the batch limit of DescribeTasks and DescribeContainerInstances.
const maxDescribed = 100

// includeTags is the value of include that asks for tags.
const includeTags = "TAGS"

// DescribeTasks answers what is known of up to 100 tasks; those that are not known come as failures.
func (a *API) DescribeTasks(_ context.Context, c front.Caller, in *ecswire.DescribeTasksRequest) (
	*ecswire.DescribeTasksResponse, error,
) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if len(in.Tasks) == 0 {
		return nil, invalid("Tasks cannot be empty.")
	}
	if len(in.Tasks) > maxDescribed {
		return nil, invalid("Tasks can have at most %d items.", maxDescribed)
	}
	keys := make([]state.TaskKey, len(in.Tasks))
	for i, ref := range in.Tasks {
		keys[i], err = taskKey(cluster.Key, ref)
		if err != nil {
			return nil, err
		}
	}
	return a.describeTasks(cluster.Key, keys, slices.Contains(in.Include, includeTags)), nil
}

func (a *API) describeTasks(cluster state.ClusterKey, keys []state.TaskKey, tags bool) *ecswire.DescribeTasksResponse {
	out := &ecswire.DescribeTasksResponse{Tasks: make([]ecswire.Task, 0, len(keys)), Failures: []ecswire.Failure{}}
	known, v := a.knownTasks(keys)
	found := []*knownTask{}
	for i, key := range keys {
		k := known[i]
		if k == nil {
			t, ok := v.Tasks().Get(key)
			if ok {
				k = &knownTask{t, a.shown.task(v, t)}
				found = append(found, k)
			}
		}
		if k == nil || key.Cluster() != cluster {
			out.Failures = append(out.Failures, missing(key.ARN()))
			continue
		}
		out.Tasks = append(out.Tasks, withTags(k.wire, k.task, tags))
	}
	if len(found) > 0 {
		a.tally.remember(v, found)
	}
	return out
}

func describeTask(v store.View, t *state.Task, tags bool) ecswire.Task {
	return withTags(renderTask(v, t), t, tags)
}

// withTags adds the tags where they are asked for.
func withTags(w ecswire.Task, t *state.Task, tags bool) ecswire.Task {
	if tags {
		w.Tags = renderTags(t.Tags)
	}
	return w
}

// missing is the failure of everything that a Describe call does not find.
func missing(arn string) ecswire.Failure { return failure(arn, "MISSING", "") }

func failure(arn, reason, detail string) ecswire.Failure {
	return ecswire.Failure{Arn: opt(arn), Reason: &reason, Detail: opt(detail)}
}
