package taskrun

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// execute does one action against the engine and posts the result. Nothing here reads or writes the view.
func (r *runner) execute(ctx context.Context, a action) {
	switch a.Op {
	case opSetup:
		r.setup(ctx)
	case opTeardown:
		r.teardown(ctx)
	case opPull:
		r.pull(ctx, a.Container)
	case opCreate:
		r.create(ctx, a.Container)
	case opStart, opRestart:
		r.start(ctx, a.Container, a.Op)
	case opStop:
		r.stop(ctx, a.Container)
	case opKill:
		r.kill(ctx, a.Container)
	case opRemove:
		r.remove(ctx, a.Container)
	case opInspect:
		r.inspect(ctx, a.Container)
	}
}

func (r *runner) create(ctx context.Context, c *containerView) {
	call, done := r.revocable(ctx, 0)
	defer done()
	release, err := acquire(call, r.m.cfg.Slots.starts)
	if err != nil {
		r.leave(c)
		return
	}
	defer release()
	n := creation{began: r.m.cfg.Now()}
	spec, ports, reason := r.spec(call, c)
	if reason != "" && call.Err() == nil {
		r.post(func(_ *view, _ time.Time) { c.fail(reason) })
		return
	}
	n.ports = ports
	if call.Err() == nil {
		n.logs = r.prepareLogs(call, c, "")
	}
	answer, over := r.revocable(ctx, patience) // has ended if the task is to stop: nothing is asked for then
	defer over()
	n.made, err = r.m.cfg.Engine.Create(answer, spec)
	if answer.Err() != nil && n.made.ID == "" {
		n.made, err = r.m.cfg.Engine.Made(ctx, spec)
	}
	switch {
	case ctx.Err() != nil:
	case err == nil:
		r.created(ctx, call, c, n)
	case answer.Err() != nil:
		r.m.cfg.Ports.release(ports)
		r.leave(c) // should it come late it is nobody's, and was never started
	default:
		r.m.cfg.Ports.release(ports)
		r.createFailed(c, err)
	}
}

// creation is what create knows of a container that it has made.
type creation struct {
	began time.Time
	made  docker.Created
	ports []docker.Port
	logs  <-chan string
}

func (r *runner) created(ctx, call context.Context, c *containerView, n creation) {
	img := r.m.image(call, c.Spec.Image)
	goOn := make(chan bool, 1)
	r.post(func(v *view, now time.Time) {
		defer func() { goOn <- c.Busy == opStart }()
		c.Busy, c.Attempts = opNone, 0
		c.ID, c.Ports, c.Image, c.CreatedAt = n.made.ID, n.ports, img, now
		c.Labels = n.made.Labels
		c.Bindings = bindings(c.Spec, v.Task.NetworkMode, n.ports)
		if v.PullStartedAt.IsZero() {
			v.PullStartedAt, v.PullStoppedAt = n.began, n.began
		}
		c.Phase = phaseCreated
		switch {
		case n.made.Adopted:
			c.Phase, c.Recheck = phaseUnknown, true
		case !v.Condemned && v.Desired != acs.StatusStopped:
			c.Busy, c.BusySince, c.Slow = opStart, now, false
			// Its gate was open for the creation; the slot is kept, so that starts do not queue again.
		}
	})
	select {
	case start := <-goOn:
		if start {
			r.startHeld(ctx, call, c, opStart, n.logs)
		}
	case <-ctx.Done():
	}
}

func (r *runner) createFailed(c *containerView, err error) {
	missing := errors.Is(err, docker.ErrNotFound) && isMissingImage(err)
	r.post(func(_ *view, now time.Time) {
		switch {
		case missing && !c.Pulled:
			c.Busy, c.NeedPull = opNone, true
		case errors.Is(err, docker.ErrUnavailable) && c.Attempts < maxAttempts:
			c.retry(now)
		case errors.Is(err, docker.ErrTimeout):
			c.fail("DockerTimeoutError: Could not transition to created; " + docker.Text(err))
		default:
			c.fail("CannotCreateContainerError: Error response from daemon: " + docker.Text(err))
		}
	})
}

func (r *runner) start(ctx context.Context, c *containerView, o op) {
	call, done := r.revocable(ctx, 0)
	defer done()
	release, err := acquire(call, r.m.cfg.Slots.starts)
	if err != nil {
		r.leave(c)
		return
	}
	defer release()
	r.startHeld(ctx, call, c, o, nil)
}

// startHeld starts a container once its output has a place to go to; the caller holds a slot. Call ends when the task is
// to stop, ctx with the process.
func (r *runner) startHeld(ctx, call context.Context, c *containerView, o op, logs <-chan string) {
	if o == opStart {
		reason := r.logsReady(call, c, logs)
		if reason != "" && call.Err() == nil {
			r.post(func(_ *view, _ time.Time) { c.fail(reason) })
			return
		}
	}
	if call.Err() != nil {
		r.leave(c)
		return
	}
	answer, over := r.revocable(ctx, patience)
	defer over()
	err := r.m.cfg.Engine.Start(answer, c.ID)
	if ctx.Err() != nil {
		return
	}
	if err != nil && answer.Err() != nil {
		r.post(func(_ *view, _ time.Time) { c.Busy = opNone; c.doubt() })
		return
	}
	portLost := errors.Is(err, docker.ErrPortTaken) && c.otherPorts(docker.Text(err))
	if (portLost || r.filesRefused(c, err)) && c.PortTries < maxAttempts {
		r.rebind(ctx, c)
		return
	}
	if err == nil {
		r.claim(ctx, c)
	}
	r.startDone(ctx, c, o, err)
}

func (r *runner) startDone(ctx context.Context, c *containerView, o op, err error) {
	r.post(func(_ *view, now time.Time) {
		switch {
		case err == nil:
			c.Busy, c.Attempts, c.Unsure = opNone, 0, false
			c.Phase, c.StartedAt = phaseRunning, now
			c.ExitCode, c.FinishedAt, c.Reason = nil, time.Time{}, ""
			c.Health, c.HealthSince = acs.HealthUnknown, now
			if o == opRestart {
				c.Restarts++
			}
			r.follow(ctx, c)
			// The metadata service shows addresses and mounts; they are read off the path to RUNNING.
			c.Addresses = nil
			if r.m.cfg.Metadata != nil && !c.Recheck {
				c.Recheck, c.LookAt = true, now.Add(lookAfterStart)
			}
		case errors.Is(err, docker.ErrUnavailable) && c.Attempts < maxAttempts:
			c.retry(now)
			c.doubt()
		case errors.Is(err, docker.ErrTimeout), errors.Is(err, docker.ErrUnavailable):
			c.fail("DockerTimeoutError: Could not transition to started; " + docker.Text(err))
			c.Recheck, c.Undead, c.Unsure = true, true, true // should it come up later it must go down again
		default:
			c.fail("CannotStartContainerError: Error response from daemon: " + docker.Text(err))
			c.Recheck = true // it may have run and ended before anybody looked
		}
	})
}

// lookAfterStart keeps the look at a new container out of the way of a burst of starts.
const lookAfterStart = 500 * time.Millisecond

// rebind makes the container anew, on other host ports: another process was faster. Or with other limits.
func (r *runner) rebind(ctx context.Context, c *containerView) {
	err := r.m.cfg.Engine.Remove(ctx, c.ID)
	r.post(func(_ *view, now time.Time) {
		if err != nil {
			c.retry(now)
			return
		}
		r.m.cfg.Ports.release(c.Ports) // the allocator has moved past them
		c.PortTries++
		c.ID, c.Ports, c.Bindings, c.Phase, c.Busy, c.Unsure = "", nil, nil, phaseWaiting, opNone, false
	})
}

func (r *runner) stop(ctx context.Context, c *containerView) {
	timeout := r.m.cfg.StopTimeout
	if c.Spec.StopTimeout > 0 {
		timeout = time.Duration(c.Spec.StopTimeout) * time.Second
	}
	if c.Paused {
		// A frozen process cannot honour its stop signal.
		_ = r.m.cfg.Engine.Unpause(ctx, c.ID)
	}
	err := r.m.cfg.Engine.Stop(ctx, c.ID, timeout)
	r.stopDone(ctx, c, err)
}

func (r *runner) kill(ctx context.Context, c *containerView) {
	err := r.m.cfg.Engine.Kill(ctx, c.ID, "")
	if err != nil && !errors.Is(err, docker.ErrNotFound) && !errors.Is(err, docker.ErrConflict) {
		r.m.cfg.Log.Warn("cannot kill container, will try again", "task", r.arn, "op", "kill", "err", err)
	}
	r.stopDone(ctx, c, err)
}

// stopDone believes no answer to a stop: the container is looked at, and tried again if it runs.
func (r *runner) stopDone(ctx context.Context, c *containerView, err error) {
	if ctx.Err() != nil {
		return
	}
	r.post(func(_ *view, now time.Time) {
		c.Busy, c.Recheck, c.LookAt = opNone, true, time.Time{}
		c.StopTry++
		if err != nil && !errors.Is(err, docker.ErrNotFound) {
			c.Attempts++
		}
		c.RetryAt = now.Add(backoff(c.StopTry))
	})
}

// fail ends a container that did not come up.
func (c *containerView) fail(reason string) {
	c.Busy, c.Phase, c.NoRestart = opNone, phaseStopped, true
	c.Reason = truncate(reason)
}

// doubt marks a container that may run although its start got no answer.
func (c *containerView) doubt() { c.Phase, c.Recheck, c.Unsure = phaseUnknown, true, true }

func (c *containerView) retry(now time.Time) {
	c.Busy = opNone
	c.Attempts++
	c.RetryAt = now.Add(backoff(c.Attempts))
}

// maxAttempts bounds repeats of a step while the engine is away: about four minutes with backoff.
const maxAttempts = 12

// backoff grows from 250 ms to 30 s.
func backoff(attempt int) time.Duration {
	d := 250 * time.Millisecond
	for i := 1; i < attempt && d < 30*time.Second; i++ {
		d *= 2
	}
	return min(d, 30*time.Second)
}

// truncate keeps a container reason within the 1,024 characters the API has for it.
func truncate(s string) string {
	const limit = 1024
	if len(s) <= limit {
		return s
	}
	return s[:limit-3] + "..."
}

// setup prepares what containers share: namespaces, limits, volumes, the metadata entry.
func (r *runner) setup(ctx context.Context) {
	task := r.task()
	got, err := r.prepare(ctx, task)
	if ctx.Err() != nil {
		return
	}
	r.post(func(v *view, now time.Time) {
		v.Busy = opNone
		v.PauseID, v.Cgroup = got.pause, got.cgroup
		if got.share != "" {
			v.ShareID = got.share
		}
		v.Warnings = got.warnings
		switch {
		case err == nil:
			v.Setup, v.Attempts = true, 0
		case errors.Is(err, docker.ErrUnavailable) && v.Attempts < maxAttempts:
			v.Attempts++
			v.RetryAt = now.Add(backoff(v.Attempts))
		default:
			v.Condemned = true // nothing has started, so nothing else needs a reason
			v.Reason = truncate(fmt.Sprintf("ResourceInitializationError: %v", err))
			v.ExecutionStoppedAt = now
		}
	})
}

func (r *runner) task() *acs.Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.v.Task
}
