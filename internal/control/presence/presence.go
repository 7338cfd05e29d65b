package presence

import (
	"context"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Config of the promise.
type Config struct {
	Store *store.Store
	Now   func() time.Time
	// LostAfter is how long an agent may be silent before its tasks are given up; 0 = 5 minutes. Shorter
	// replaces tasks sooner and doubles them when only the network was down.
	LostAfter time.Duration
}

// Presence is the promise; its keys are instances.
type Presence struct {
	Config

	started time.Time
}

var _ loop.Promise = (*Presence)(nil)

// New makes the promise; its silence is counted from now on.
func New(c Config) *Presence {
	if c.LostAfter == 0 {
		c.LostAfter = 5 * time.Minute
	}
	return &Presence{Config: c, started: c.Now()}
}

// Name of the promise.
func (p *Presence) Name() string { return "presence" }

// Keys: an instance that went silent or away, and a task that came to such a one.
func (p *Presence) Keys(c store.Change) []string {
	switch x := c.New.(type) {
	case *state.Instance:
		if absent(x) {
			return []string{string(x.Key)}
		}
	case *state.Task:
		old, _ := c.Old.(*state.Task)
		if x.Instance == "" || !x.Live() || (old != nil && old.Instance != "") {
			return nil
		}
		i, ok := p.Store.View().Instances().Get(x.Instance)
		if ok && absent(i) {
			return []string{string(i.Key)}
		}
	}
	return nil
}

func absent(i *state.Instance) bool { return !i.Connected || i.Status == state.StatusInactive }

// All absent instances with tasks.
func (p *Presence) All(v store.View) []string {
	var out []string
	for i := range v.Instances().All() {
		if absent(i) && hasTasks(v, i.Key) {
			out = append(out, string(i.Key))
		}
	}
	return out
}

func hasTasks(v store.View, k state.InstanceKey) bool {
	for range v.Tasks().OfInstance(k) {
		return true
	}
	return false
}

// Reconcile ends the tasks of an instance that is lost, or says when it will be.
func (p *Presence) Reconcile(ctx context.Context, key string) (time.Time, error) {
	k, now := state.InstanceKey(key), p.Now()
	v := p.Store.View()
	i, ok := v.Instances().Get(k)
	if !ok || !hasTasks(v, k) {
		return time.Time{}, nil
	}
	d := judge(i, p.started, p.LostAfter, now)
	if d.reason == "" {
		return d.at, nil
	}
	return time.Time{}, p.Store.Update(ctx, func(tx *store.Tx) error {
		i, ok := tx.Instances().Get(k)
		if !ok {
			return nil
		}
		d := judge(i, p.started, p.LostAfter, now) // it may have come back in between
		if d.reason == "" {
			return nil
		}
		for t := range tx.Tasks().OfInstance(k) {
			lost := t.Clone()
			lose(lost, d.reason, now)
			tx.Tasks().Put(lost)
		}
		return nil
	})
}
