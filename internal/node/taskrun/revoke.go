package taskrun

import (
	"context"
	"time"
)

// revocable is for what a stop need not wait for: pulls, creates and starts, which a hung engine answers after minutes
// or never. The context ends with the one given, with done, or when the task is condemned.
func (r *runner) revocable(ctx context.Context) (call context.Context, done func()) {
	call, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revokes[&cancel] = true
	if r.v.Condemned {
		cancel()
	}
	return call, func() {
		cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.revokes, &cancel)
	}
}

func (r *runner) revoke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revokeLocked()
}

func (r *runner) revokeLocked() {
	for cancel := range r.revokes {
		(*cancel)()
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
