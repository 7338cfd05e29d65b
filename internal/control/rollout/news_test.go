package rollout

import (
	"testing"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

func TestAServiceIsLookedAtOnlyForWhatAPlanLooksAt(t *testing.T) {
	old := &state.Task{Key: state.NewTaskKey(web.Cluster(), "t"), Service: web, Desired: state.Running, Last: state.Pending}
	cases := map[string]struct {
		from state.Status
		do   func(*state.Task)
		want bool
	}{
		"placed":           {state.Provisioning, func(t *state.Task) { t.Instance, t.Zone, t.Last = "i", "a", state.Pending }, false},
		"pulling":          {state.Pending, func(t *state.Task) { t.PullStartedAt = time.Unix(1, 0) }, false},
		"activating":       {state.Pending, func(t *state.Task) { t.Last = state.Activating }, false},
		"waits":            {state.Provisioning, func(t *state.Task) { t.Waiting = &state.Waiting{} }, true},
		"running":          {state.Activating, func(t *state.Task) { t.Last = state.Running }, true},
		"healthy":          {state.Running, func(t *state.Task) { t.Health = state.HealthHealthy }, true},
		"protected":        {state.Running, func(t *state.Task) { t.ProtectedUntil = time.Unix(1, 0) }, true},
		"to stop":          {state.Running, func(t *state.Task) { t.Desired = state.Stopped }, true},
		"deactivating":     {state.Running, func(t *state.Task) { t.Last = state.Deactivating }, true},
		"stopping":         {state.Deactivating, func(t *state.Task) { t.Last = state.Stopping }, false},
		"stopped":          {state.Stopping, func(t *state.Task) { t.Last = state.Stopped }, true},
		"its end was seen": {state.Stopped, func(t *state.Task) { t.SeenStopped = true }, true},
	}
	r := New(Config{})
	for name, c := range cases {
		was := old.Clone()
		was.Last = c.from
		now := was.Clone()
		c.do(now)
		if got := len(r.Keys(store.Change{Old: was, New: now})) > 0; got != c.want {
			t.Errorf("%s: looked at %v, want %v", name, got, c.want)
		}
	}
	if len(r.Keys(store.Change{New: old})) != 1 || len(r.Keys(store.Change{Old: old})) != 1 {
		t.Error("a new task and a forgotten one are news")
	}
}
