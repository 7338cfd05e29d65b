package taskrun

import (
	"context"
	"errors"
	"strings"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// linkName turns "name:alias" (or "name") of a definition into the engine's container:alias.
func linkName(task *acs.Task, link string) string {
	name, alias, ok := strings.Cut(link, ":")
	if !ok {
		alias = name
	}
	return containerName(task, name) + ":" + alias
}

func isMissingImage(err error) bool {
	text := strings.ToLower(docker.Text(err))
	return strings.Contains(text, "no such image") || strings.Contains(text, "image not found")
}

// pullTries bounds repeats of a pull that failed for reasons that may pass.
const pullTries = 3

// pull fetches the image of a container.
func (r *runner) pull(ctx context.Context, c *containerView) {
	ctx, done := r.revocable(ctx, 0)
	defer done()
	began := r.m.cfg.Now()
	err := ctx.Err()
	if err == nil {
		err = r.fetch(ctx, r.task(), c)
	}
	local := false
	if err == nil {
		r.m.forgetImage(c.Spec.Image)
	} else if r.m.cfg.PullBehavior == PullDefault {
		local = r.m.image(ctx, c.Spec.Image).ID != ""
	}
	r.post(func(v *view, now time.Time) {
		if v.PullStartedAt.IsZero() || began.Before(v.PullStartedAt) {
			v.PullStartedAt = began
		}
		v.PullStoppedAt = now
		switch {
		case err == nil:
			c.Busy, c.Pulled, c.Attempts = opNone, true, 0
		case errors.Is(err, context.Canceled):
			c.Busy = opNone
		case local:
			c.Busy, c.Pulled = opNone, true // the local copy serves
		case transient(err) && c.Attempts < pullTries:
			c.retry(now)
		default:
			c.fail(pullReason(c.Spec, err))
		}
	})
}

func (r *runner) fetch(ctx context.Context, task *acs.Task, c *containerView) error {
	if r.m.cfg.PullBehavior == PullOnce && r.m.wasPulled(c.Spec.Image) {
		return nil
	}
	release, err := acquire(ctx, r.m.cfg.Slots.pulls)
	if err != nil {
		return err
	}
	defer release()
	var auth docker.Auth
	if r.m.cfg.Registries != nil {
		auth, err = r.m.cfg.Registries.Login(ctx, task, c.Spec)
		if err != nil {
			return &loginError{err}
		}
	}
	err = r.m.cfg.Engine.Pull(ctx, c.Spec.Image, auth)
	if err == nil {
		r.m.notePulled(c.Spec.Image)
	}
	return err
}

type loginError struct{ error }

func (e *loginError) Unwrap() error { return e.error }

// transient says whether another try may help; refusals by the registry do not pass.
func transient(err error) bool {
	var login *loginError
	if errors.As(err, &login) || errors.Is(err, docker.ErrTimeout) || errors.Is(err, docker.ErrNotFound) {
		return false
	}
	text := strings.ToLower(err.Error())
	for _, final := range []string{
		"not found", "denied", "unauthorized", "manifest unknown", "no such host", "invalid reference",
		"no matching manifest", "connection refused", "no basic auth",
	} {
		if strings.Contains(text, final) {
			return false
		}
	}
	return true
}

func pullReason(c *acs.Container, err error) string {
	var login *loginError
	text := docker.Text(err)
	switch {
	case errors.As(err, &login):
		return "CannotPullContainerError: ref pull has been retried 1 time(s): registry login failed: " + login.Error()
	case errors.Is(err, docker.ErrTimeout):
		return "DockerTimeoutError: Could not transition to pulled; " + text
	case c.RegistryAuthentication != nil && c.RegistryAuthentication.Type == "ecr":
		return "CannotPullECRContainerError: Error response from daemon: " + text
	}
	return "CannotPullContainerError: Error response from daemon: " + text
}

// knownImage is what a reference stood for at a moment; a tag can be moved by anybody.
type knownImage struct {
	docker.Image
	at time.Time
}

const imageMemory = 30 * time.Second

// image tells what a reference stands for locally; the answer is remembered for a moment, off the path of a burst.
func (m *Machine) image(ctx context.Context, ref string) docker.Image {
	m.mu.Lock()
	known, ok := m.images[ref]
	m.mu.Unlock()
	if ok && m.cfg.Now().Sub(known.at) < imageMemory {
		return known.Image
	}
	img, err := m.cfg.Engine.ImageInspect(ctx, ref)
	if err != nil {
		return docker.Image{}
	}
	m.mu.Lock()
	m.images[ref] = knownImage{Image: img, at: m.cfg.Now()}
	m.mu.Unlock()
	return img
}

func (m *Machine) forgetImage(ref string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.images, ref)
}

func (m *Machine) wasPulled(ref string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pulled[ref]
}

func (m *Machine) notePulled(ref string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pulled[ref] = true
}
