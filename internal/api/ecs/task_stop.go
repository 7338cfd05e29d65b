package ecs

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// stoppedByUser is the stoppedReason of a StopTask without one.
const stoppedByUser = "Task stopped by user"

// maxReason is the longest text that a reason keeps (API_Container, reason).
const maxReason = 1024

// StopTask asks for the end of one task; it answers at once, the containers get their stop signal and timeout.
// Stopping a task drops its tags (API_StopTask).
func (a *API) StopTask(ctx context.Context, c front.Caller, in *ecswire.StopTaskRequest) (
	*ecswire.StopTaskResponse, error,
) {
	cluster, err := activeCluster(a.Store.View(), c, in.Cluster)
	if err != nil {
		return nil, err
	}
	key, err := taskKey(cluster.Key, deref(in.Task))
	if err != nil {
		return nil, err
	}
	reason := deref(in.Reason)
	if reason == "" {
		reason = stoppedByUser
	}
	if len(reason) > maxReason {
		return nil, invalid("reason can have at most %d characters.", maxReason)
	}
	now, stopped := a.Now(), (*state.Task)(nil)
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		t, ok := tx.Tasks().Get(key)
		if !ok || key.Cluster() != cluster.Key {
			return taskNotFound()
		}
		stopped = t
		if t.Desired == state.Stopped {
			return nil
		}
		stopped = t.Clone()
		stopped.Stop(state.StopUserInitiated, reason, now)
		stopped.Tags = nil
		tx.Tasks().Put(stopped)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.StopTaskResponse{Task: ptr(renderTask(a.Store.View(), stopped))}, nil
}
