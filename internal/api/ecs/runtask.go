package ecs

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Limits of RunTask and StartTask (API_RunTask, Amazon ECS service quotas).
const (
	maxRun          = 10
	maxRunToken     = 64
	maxStartedBy    = 128
	maxServiceToken = 36
)

// RunTask places and starts up to ten tasks. What does not fit is no fault: it comes as failures[] under HTTP 200.
// It waits until the Board knows what the caller may have seen: room that came free, instances that joined.
func (a *API) RunTask(ctx context.Context, c front.Caller, in *ecswire.RunTaskRequest) (
	*ecswire.RunTaskResponse, error,
) {
	count := 1
	if in.Count != nil {
		count = int(*in.Count)
	}
	if count < 1 || count > maxRun {
		return nil, invalid("count should be between 1 and %d.", maxRun)
	}
	o, err := a.runOrder(ctx, c, in)
	if err != nil {
		return nil, err
	}
	unsigned := *in
	unsigned.ClientToken = nil
	tok, err := newToken(o.cluster, "RunTask", in.ClientToken, maxRunToken, unsigned)
	if err != nil {
		return nil, err
	}
	err = a.Board.Await(ctx, a.Store.View().Revision())
	if err != nil {
		return nil, err
	}
	tasks, out := a.newTasks(o, count), outcome{}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		out = outcome{}
		return a.run(tx, o, tok, tasks, &out)
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.RunTaskResponse{Tasks: out.render(a.Store.View()), Failures: out.failed()}, nil
}

// runOrder reads a RunTask request.
func (a *API) runOrder(ctx context.Context, c front.Caller, in *ecswire.RunTaskRequest) (order, error) {
	err := refuseTaskFeatures(in.EnableExecuteCommand, in.VolumeConfigurations)
	if err != nil {
		return order{}, err
	}
	ask := ask{cluster: in.Cluster, definition: in.TaskDefinition, network: in.NetworkConfiguration,
		overrides: in.Overrides, group: in.Group, startedBy: in.StartedBy, propagate: in.PropagateTags,
		managedTags: deref(in.EnableECSManagedTags), tags: in.Tags,
		capacity: askedCapacity{launch: in.LaunchType, platform: in.PlatformVersion,
			strategy: in.CapacityProviderStrategy}}
	o, err := a.newOrder(ctx, c, ask)
	if err != nil {
		return o, err
	}
	o.model.Constraints, o.model.Strategy, err = parsePlacement(o.definition, o.capacity.launch,
		in.PlacementConstraints, in.PlacementStrategy)
	return o, err
}

// outcome is what one RunTask or StartTask call came to.
type outcome struct {
	tasks    []*state.Task
	failures []ecswire.Failure
}

func (o *outcome) fail(arn, reason, detail string) {
	o.failures = append(o.failures, failure(arn, reason, detail))
}

func (o *outcome) render(v store.View) []ecswire.Task {
	out := make([]ecswire.Task, 0, len(o.tasks))
	for _, t := range o.tasks {
		out = append(out, describeTask(v, t, true))
	}
	return out
}

func (o *outcome) failed() []ecswire.Failure {
	if o.failures == nil {
		return []ecswire.Failure{}
	}
	return o.failures
}

// run answers an earlier call's tasks under the same token, or places new ones.
func (a *API) run(tx *store.Tx, o order, tok token, tasks []*state.Task, out *outcome) error {
	v := tx.View()
	err := o.stillValid(v)
	if err != nil {
		return err
	}
	made, err := tok.seen(v)
	if err != nil {
		return err
	}
	if made != nil {
		return out.recall(v, o.cluster, made)
	}
	err = a.placeTasks(tx, o, tasks, out)
	if err != nil {
		return err
	}
	arns := []string(nil)
	for _, t := range out.tasks {
		tx.Tasks().Put(t)
		arns = append(arns, t.Key.ARN())
	}
	tok.remember(tx, arns, a.Now())
	return nil
}

// recall finds the tasks that the first call with a token made; those forgotten meanwhile are MISSING.
func (o *outcome) recall(v store.View, cluster state.ClusterKey, arns []string) error {
	for _, arn := range arns {
		key, err := taskKey(cluster, arn)
		if err != nil {
			return err
		}
		t, ok := v.Tasks().Get(key)
		if !ok {
			o.failures = append(o.failures, missing(arn))
			continue
		}
		o.tasks = append(o.tasks, t)
	}
	return nil
}
