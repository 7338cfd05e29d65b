package presence

import (
	"fmt"
	"time"

	"longshore/internal/state"
)

// verdict on an instance: its tasks are lost for a reason, or will be at a time, or neither.
type verdict struct {
	reason string
	at     time.Time
}

// judge an instance. started is when the loop began to look.
func judge(i *state.Instance, started time.Time, lostAfter time.Duration, now time.Time) verdict {
	if i.Status == state.StatusInactive {
		return verdict{reason: "Container instance deregistration forced by user"}
	}
	if i.Connected {
		return verdict{}
	}
	since := i.DisconnectedAt
	for _, t := range []time.Time{i.RegisteredAt, started} {
		if t.After(since) {
			since = t
		}
	}
	at := since.Add(lostAfter)
	if now.Before(at) {
		return verdict{at: at}
	}
	return verdict{reason: fmt.Sprintf("Host %s (instance %s) was disconnected for more than %s.",
		i.Kind, nameOf(i), lostAfter)}
}

func nameOf(i *state.Instance) string {
	if i.EC2InstanceID != "" {
		return i.EC2InstanceID
	}
	return i.Key.ID()
}

// lose ends a task whose instance is gone. Exit codes stay unknown.
func lose(t *state.Task, reason string, now time.Time) {
	t.Stop(state.StopTerminationNotice, reason, now)
	t.Last = state.Stopped
	t.Waiting = nil
	t.Connectivity, t.ConnectivityAt = "DISCONNECTED", now
	t.ExecutionStoppedAt, t.StoppedAt, t.Released = now, now, now
	for i := range t.Containers {
		c := &t.Containers[i]
		if c.Last != state.Stopped {
			c.Last, c.Health = state.Stopped, state.HealthUnknown
		}
	}
	t.Version++
}
