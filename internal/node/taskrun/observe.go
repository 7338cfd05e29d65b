package taskrun

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// inspect reads the engine's truth about a container; only here does one become stopped after it has begun.
func (r *runner) inspect(ctx context.Context, c *containerView) {
	st, err := r.m.cfg.Engine.Inspect(ctx, c.ID)
	if ctx.Err() != nil {
		return
	}
	clients := r.m.cfg.Clients
	if err == nil && st.Running && clients != nil && clients.SharesMetadata() && networkMode(r.task()) == "bridge" {
		r.claimAddresses(ctx, addresses(st)) // of containers that an earlier process started
	}
	r.post(func(v *view, now time.Time) {
		c.Looking = false
		switch {
		case errors.Is(err, docker.ErrNotFound):
			c.gone(now)
		case err != nil:
			// No answer is no news: a container is never declared dead because the engine is.
			c.Recheck, c.LookAt = true, now.Add(backoff(3))
		default:
			r.observe(ctx, v, c, st, now)
		}
	})
}

// observe folds an inspection into the view. r.mu is held.
func (r *runner) observe(ctx context.Context, v *view, c *containerView, st docker.State, now time.Time) {
	first := c.Phase == phaseUnknown
	c.LookAt = time.Time{}
	if first {
		c.learn(v, st)
		r.m.cfg.Ports.mark(c.Ports)
	}
	c.Paused, c.Labels, c.Mounts = st.Paused, st.Labels, st.Volumes
	if st.Running {
		c.Addresses = addresses(st)
	}
	if st.Running || st.StartedAt.After(c.StartedAt) {
		c.Unsure = false
	}
	switch {
	case st.Running && c.Phase == phaseStopped:
		c.Undead = true
	case st.Running:
		c.Phase = phaseRunning
		if c.StartedAt.IsZero() || first {
			c.StartedAt = st.StartedAt
		}
		c.observeHealth(st, now)
		if first {
			r.follow(ctx, c)
		}
	case st.StartedAt.IsZero():
		c.Undead = false
		if first {
			c.Phase = phaseCreated
		}
	default:
		r.observeEnd(ctx, v, c, st, first)
	}
}

func (r *runner) observeEnd(ctx context.Context, v *view, c *containerView, st docker.State, first bool) {
	c.Undead = false
	if c.Phase == phaseStopped {
		c.learnEnd(st)
		return
	}
	code := st.ExitCode
	c.Phase, c.ExitCode = phaseStopped, &code
	c.StartedAt, c.FinishedAt = st.StartedAt, st.FinishedAt
	c.StopTry, c.RetryAt = 0, time.Time{}
	if v.Condemned || v.Desired == acs.StatusStopped {
		c.NoRestart = true
	}
	switch {
	case st.OOMKilled:
		c.Reason = reasonOOM
	case st.Error != "":
		c.Reason = truncate("CannotStartContainerError: " + st.Error)
	}
	if c.Spec.Essential && v.ExecutionStoppedAt.IsZero() && !c.willRestart() {
		v.ExecutionStoppedAt = st.FinishedAt
	}
	if first {
		r.follow(ctx, c) // what was written while nobody listened
	}
}

// reasonOOM is what ECS says of a container that the kernel killed for its memory.
const reasonOOM = "OutOfMemoryError: Container killed due to memory usage"

// learnEnd corrects what is told of a container whose start seemed to fail and which ran all the same.
func (c *containerView) learnEnd(st docker.State) {
	if c.StartedAt.IsZero() && !st.StartedAt.IsZero() {
		code := st.ExitCode
		c.ExitCode, c.StartedAt, c.FinishedAt, c.Reason = &code, st.StartedAt, st.FinishedAt, ""
		if st.OOMKilled {
			c.Reason = reasonOOM
		}
	}
}

// gone records a container that was removed behind our back: its exit code went with it.
func (c *containerView) gone(now time.Time) {
	c.Undead, c.Unsure = false, false
	if c.Phase == phaseStopped {
		return
	}
	c.Phase, c.NoRestart = phaseStopped, true
	c.Reason = "DockerStateError: container was removed from the Docker engine by someone else"
	c.FinishedAt = now
}

// missing ends the containers of a task that has run and that the engine does not have any more: they were removed
// while nobody watched, and no task ever runs again. What the server was told of before keeps the end it had.
func (v *view) missing(now time.Time) {
	x := v.Task.Longshore
	if x == nil || x.LastStatus != acs.StatusRunning {
		return
	}
	for _, c := range v.Containers {
		switch {
		case c.ID != "":
		case slices.Contains(x.Ended, c.Spec.Name):
			c.Phase, c.NoRestart = phaseStopped, true
		default:
			c.gone(now)
		}
	}
}

// healthOf translates the engine's word; a check that has not run yet is UNKNOWN.
func healthOf(engine string) string {
	switch engine {
	case "healthy":
		return acs.HealthHealthy
	case "unhealthy":
		return acs.HealthUnhealthy
	}
	return acs.HealthUnknown
}

func (c *containerView) observeHealth(st docker.State, now time.Time) {
	health := healthOf(st.Health)
	if health == c.Health && !c.HealthSince.IsZero() {
		return
	}
	c.Health, c.HealthSince = health, now
	if !st.HealthAt.IsZero() && health != acs.HealthUnknown {
		c.HealthSince = st.HealthAt
	}
}

func addresses(st docker.State) []netip.Addr {
	var out []netip.Addr
	for _, n := range st.Networks {
		for _, text := range []string{n.IPv4, n.IPv6} {
			a, err := netip.ParseAddr(text)
			if err == nil {
				out = append(out, a)
			}
		}
	}
	return out
}

// learn takes over what an earlier process had decided for the container.
func (c *containerView) learn(v *view, st docker.State) {
	c.ID, c.DockerName, c.CreatedAt = st.ID, st.Name, st.Created
	c.Image.ID = st.ImageID
	for _, kv := range st.Env {
		if url, ok := strings.CutPrefix(kv, envMetadataV4+"="); ok {
			c.Endpoint = url[strings.LastIndexByte(url, '/')+1:]
		}
	}
	for _, p := range st.Ports {
		if p.HostIP == "" || p.HostIP == "0.0.0.0" {
			c.Ports = append(c.Ports, p)
		}
	}
	c.Bindings = bindings(c.Spec, v.Task.NetworkMode, c.Ports)
	if v.PullStartedAt.IsZero() {
		v.PullStartedAt, v.PullStoppedAt = st.Created, st.Created
	}
}
