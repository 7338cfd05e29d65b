package taskrun

import (
	"context"
	"time"
)

// patience is how long a stop waits for a create or start under way: one that is answered ends as it should, with its
// stop signal, and leaves nothing that has to be looked for.
const patience = 3 * time.Second

// revocable is for what a stop need not wait for: pulls, creates and starts, which a hung engine answers after minutes
// or never. The context ends with the one given, with done, or so long after the task is condemned; at once if it is
// already.
func (r *runner) revocable(ctx context.Context, after time.Duration) (call context.Context, done func()) {
	call, cancel := context.WithCancel(ctx)
	v := &revocation{cancel: cancel, after: after}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revocations[v] = true
	if r.v.Condemned {
		cancel()
	}
	return call, func() {
		cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.revocations, v)
		if v.timer != nil {
			v.timer.Stop()
		}
	}
}

// revocation ends a call that is under way.
type revocation struct {
	cancel context.CancelFunc
	after  time.Duration
	timer  *time.Timer // runs since the task was condemned
}

// revoke ends what may be ended when the task stops; r.mu is held.
func (r *runner) revoke() {
	for v := range r.revocations {
		if v.timer == nil {
			v.timer = time.AfterFunc(v.after, v.cancel)
		}
	}
}

// revokeAll ends at once what is still under way.
func (r *runner) revokeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for v := range r.revocations {
		v.cancel()
	}
}

// leave says that a step was given up before it had any effect.
func (r *runner) leave(c *containerView) {
	r.post(func(_ *view, _ time.Time) { c.Busy = opNone })
}

// remove takes away a container whose start got no answer. Nothing else keeps it from coming up after the task has
// stopped: an engine works on a call that nobody waits for any more.
func (r *runner) remove(ctx context.Context, c *containerView) {
	err := r.m.cfg.Engine.Remove(ctx, c.ID)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		r.m.cfg.Log.Warn("cannot remove a container that may start late, will try again", "task", r.arn, "op", "remove",
			"err", err)
	}
	r.post(func(_ *view, now time.Time) {
		if err != nil {
			c.retry(now)
			return
		}
		c.Busy, c.Unsure = opNone, false
		c.Phase, c.NoRestart = phaseStopped, true
	})
}
