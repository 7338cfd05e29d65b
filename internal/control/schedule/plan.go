package schedule

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"longshore/internal/place"
	"longshore/internal/state"
)

// order puts the tasks that wait longest first.
func order(tasks []*state.Task) {
	slices.SortFunc(tasks, func(a, b *state.Task) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(string(a.Key), string(b.Key)))
	})
}

// unplaced says whether the task still waits for an instance.
func unplaced(t *state.Task) bool { return t.Instance == "" && t.Desired == state.Running && t.Live() }

// stillborn says whether the task is to stop before it got an instance.
func stillborn(t *state.Task) bool { return t.Instance == "" && t.Desired == state.Stopped && t.Live() }

// placed ends the wait of a task that has an instance now. Without an interface to wait for it is the
// agent's at once.
func placed(t *state.Task) {
	t.Waiting = nil
	t.Version++
	if t.Network == nil {
		t.Last = state.Pending
	}
}

// waits writes the reason down; it says whether that is news.
func waits(t *state.Task, why []place.Refusal, now time.Time) bool {
	reason := place.Explain(why)
	if t.Waiting != nil && t.Waiting.Code == why[0].Code && t.Waiting.Reason == reason {
		return false
	}
	since := now
	if t.Waiting != nil {
		since = t.Waiting.Since
	}
	t.Waiting = &state.Waiting{Code: why[0].Code, Reason: reason, Since: since}
	return true
}

// ended is the stop of a task that no instance ever had.
func ended(t *state.Task, now time.Time) {
	t.Last = state.Stopped
	t.Waiting = nil
	t.ExecutionStoppedAt, t.StoppedAt, t.Released = now, now, now
	for i := range t.Containers {
		t.Containers[i].Last = state.Stopped
	}
	t.Version++
}

// notice is the event of a service whose task found no room.
func notice(s *state.Service, why []place.Refusal, id string, now time.Time) *state.Event {
	text := "(service " + s.Key.Name() + ") was unable to place a task because " + place.Explain(why)
	return &state.Event{ID: id, Service: s.Key, At: now, Message: text} // its key is the store's to give
}

// makesRoom says whether a change of a task may let another one in: it gave back what it held, or left its
// group.
func makesRoom(old, now *state.Task) bool {
	if old == nil || old.Instance == "" {
		return false
	}
	if now == nil {
		return holds(old)
	}
	return holds(old) && !holds(now) || old.Desired != now.Desired
}

func holds(t *state.Task) bool { return t.Live() && t.Released.IsZero() }

// opens says whether a change of an instance may let a task in.
func opens(old, now *state.Instance) bool {
	if now == nil || now.Status != state.StatusActive || !now.Connected {
		return false
	}
	return old == nil || old.Status != now.Status || old.Connected != now.Connected || old.CPU != now.CPU ||
		old.Memory != now.Memory || old.CapacityProvider != now.CapacityProvider ||
		old.AgentVersion != now.AgentVersion || !slices.Equal(old.Attributes, now.Attributes) ||
		!slices.Equal(old.GPUs, now.GPUs) || !slices.Equal(old.ReservedTCP, now.ReservedTCP) ||
		!slices.Equal(old.ReservedUDP, now.ReservedUDP)
}
