package ecs

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
)

// StartTask starts one task on each of the named instances: no scheduler, no constraints, only room.
func (a *API) StartTask(ctx context.Context, c front.Caller, in *ecswire.StartTaskRequest) (
	*ecswire.StartTaskResponse, error,
) {
	err := refuseTaskFeatures(in.EnableExecuteCommand, in.VolumeConfigurations)
	if err != nil {
		return nil, err
	}
	if len(in.ContainerInstances) == 0 || len(in.ContainerInstances) > maxRun {
		return nil, invalid("containerInstances should have between 1 and %d items.", maxRun)
	}
	o, err := a.newOrder(ctx, c, ask{cluster: in.Cluster, definition: in.TaskDefinition,
		network: in.NetworkConfiguration, overrides: in.Overrides, group: in.Group, startedBy: in.StartedBy,
		propagate: in.PropagateTags, managedTags: deref(in.EnableECSManagedTags), tags: in.Tags,
		capacity: askedCapacity{start: true}})
	if err != nil {
		return nil, err
	}
	keys := make([]state.InstanceKey, 0, len(in.ContainerInstances))
	for _, ref := range in.ContainerInstances {
		key, err := instanceKey(o.cluster, ref)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	err = a.Board.Await(ctx, a.Store.View().Revision())
	if err != nil {
		return nil, err
	}
	tasks, out := a.newTasks(o, len(keys)), outcome{}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		out = outcome{}
		return a.startTasks(tx, o, keys, tasks, &out)
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.StartTaskResponse{Tasks: out.render(a.Store.View()), Failures: out.failed()}, nil
}

func (a *API) startTasks(tx *store.Tx, o order, keys []state.InstanceKey, tasks []*state.Task, out *outcome) error {
	err := o.stillValid(tx.View())
	if err != nil {
		return err
	}
	s := a.Board.Begin(tx.Instances(), tx.Tasks())
	defer s.End()
	for i, key := range keys {
		t := tasks[i].Clone()
		why := place.Refusal{Code: place.CodeMissing, Instance: key}
		if key.Cluster() == o.cluster {
			refusal := s.Start(place.Request{Task: t, Definition: o.definition}, key)
			if refusal == nil {
				startOn(tx, t)
				out.tasks = append(out.tasks, t)
				continue
			}
			why = *refusal
		}
		out.refuse([]place.Refusal{why})
	}
	return nil
}

// startOn writes the task; on an instance from elsewhere it is an EXTERNAL one.
func startOn(tx *store.Tx, t *state.Task) {
	i, ok := tx.Instances().Get(t.Instance)
	if ok && i.Kind == state.KindExternal {
		t.LaunchType = state.LaunchExternal
	}
	placed(t)
	tx.Tasks().Put(t)
}
