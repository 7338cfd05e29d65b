package attach

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"longshore/internal/state"
)

// codeENI is the code of a task that waits for an address.
const codeENI = "RESOURCE:ENI"

// detached says whether the task has an instance but is not the agent's yet.
func detached(t *state.Task) bool { return t.Instance != "" && t.Last == state.Provisioning }

// frees says whether a change of a task gives an address back.
func frees(old, now *state.Task) bool {
	if old == nil || old.Interface == nil || !old.Live() || !old.Released.IsZero() {
		return false
	}
	return now == nil || !now.Live() || !now.Released.IsZero()
}

// order puts the tasks that wait longest first.
func order(tasks []*state.Task) {
	slices.SortFunc(tasks, func(a, b *state.Task) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(string(a.Key), string(b.Key)))
	})
}

// prefer puts the subnets of the zone first; turn rotates among those that are equally good, so that the
// subnets of one zone fill evenly.
func prefer(subnets []*state.Subnet, zone string, turn int) []*state.Subnet {
	if len(subnets) < 2 {
		return subnets
	}
	turn %= len(subnets)
	out := slices.Concat(subnets[turn:], subnets[:turn])
	slices.SortStableFunc(out, func(a, b *state.Subnet) int {
		return cmp.Compare(far(a, zone), far(b, zone))
	})
	return out
}

func far(s *state.Subnet, zone string) int {
	if s.Zone == zone {
		return 0
	}
	return 1
}

// pending hands the task to its agent.
func pending(t *state.Task) {
	t.Waiting = nil
	t.Last = state.Pending
	t.Version++
}

// waits writes the reason down; it says whether that is news.
func waits(t *state.Task, now time.Time) bool {
	reason := "None of the subnets " + strings.Join(t.Network.Subnets, ", ") + " has a free address."
	if t.Waiting != nil && t.Waiting.Code == codeENI && t.Waiting.Reason == reason {
		return false
	}
	t.Waiting = &state.Waiting{Code: codeENI, Reason: reason, Since: now}
	return true
}

// ended is the stop of a task that the agent was never told of.
func ended(t *state.Task, now time.Time) {
	t.Last = state.Stopped
	t.Waiting = nil
	t.ExecutionStoppedAt, t.StoppedAt, t.Released = now, now, now
	for i := range t.Containers {
		t.Containers[i].Last = state.Stopped
	}
	t.Version++
}

func notice(s *state.Service, reason, id string, now time.Time) *state.Event {
	return &state.Event{ID: id, Service: s.Key, At: now, // its key is the store's to give
		Message: "(service " + s.Key.Name() + ") was unable to place a task. Reason: " + reason}
}
