package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Created is the outcome of Create.
type Created struct {
	ID       string
	Adopted  bool // an earlier call had made it already
	Labels   map[string]string
	Warnings []string
}

// Create makes a container, or finds the one an earlier, interrupted call made: names are deterministic, so a taken
// name with our identity labels is our own container.
func (e *Engine) Create(ctx context.Context, s Spec) (Created, error) {
	cfg, host, err := s.build()
	if err != nil {
		return Created{}, err
	}
	callCtx, cancel := e.within(ctx, e.timeout.Create, "create")
	defer cancel()
	res, err := e.c.ContainerCreate(callCtx, client.ContainerCreateOptions{
		Config: cfg, HostConfig: host, Name: s.Name,
	})
	if err == nil {
		return Created{ID: res.ID, Labels: cfg.Labels, Warnings: res.Warnings}, nil
	}
	err = classify(callCtx, "create", err)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalid) || ctx.Err() != nil {
		return Created{}, err
	}
	// A 500, a broken connection or a conflict may hide a container that exists.
	made, lookErr := e.Made(ctx, s)
	if lookErr != nil {
		return Created{}, err
	}
	return made, nil
}

// Made finds the container of a Create that was given up or got no answer. ErrNotFound means that there is none yet:
// an engine that still works on the call can make it later. ErrConflict means that the name is somebody else's.
func (e *Engine) Made(ctx context.Context, s Spec) (Created, error) {
	found, err := e.Inspect(ctx, s.Name)
	if err != nil {
		return Created{}, err
	}
	if !owns(found.Labels, s.Labels) {
		return Created{}, fmt.Errorf("find container %s: %w", s.Name, ErrConflict)
	}
	return Created{ID: found.ID, Labels: found.Labels, Adopted: true}, nil
}

// owns compares the identity labels; spec hashes and the like may differ between versions.
func owns(have, want map[string]string) bool {
	for _, key := range []string{LabelInstallation, LabelInstance, LabelTask, LabelContainer} {
		if have[key] != want[key] {
			return false
		}
	}
	return want[LabelInstallation] != ""
}

// Start starts a created or stopped container. An error after which it runs all the same is no error; one after which
// the engine does not say whether it runs is ErrUnavailable or ErrTimeout, and the caller must look again.
func (e *Engine) Start(ctx context.Context, id string) error {
	callCtx, cancel := e.within(ctx, e.timeout.Start, "start")
	defer cancel()
	_, err := e.c.ContainerStart(callCtx, id, client.ContainerStartOptions{})
	if err == nil {
		return nil
	}
	err = classify(callCtx, "start", err)
	if errors.Is(err, ErrNotFound) || ctx.Err() != nil {
		return err
	}
	st, lookErr := e.Inspect(ctx, id)
	switch {
	case lookErr == nil && st.Running:
		return nil
	case lookErr == nil, errors.Is(lookErr, ErrNotFound), errors.Is(err, ErrTimeout):
		return err
	}
	return &engineError{op: "start", kind: ErrUnavailable, cause: err}
}

// Stop sends the container's stop signal, waits for timeout, then kills. It returns only when the engine says so;
// the caller must still look, because engines have reported a stop that did not happen.
func (e *Engine) Stop(ctx context.Context, id string, timeout time.Duration) error {
	callCtx, cancel := e.within(ctx, timeout+e.timeout.Stop, "stop")
	defer cancel()
	seconds := int((timeout + time.Second - 1) / time.Second)
	_, err := e.c.ContainerStop(callCtx, id, client.ContainerStopOptions{Timeout: &seconds})
	return classify(callCtx, "stop", err)
}

// Kill sends a signal; "" means KILL.
func (e *Engine) Kill(ctx context.Context, id, signal string) error {
	if signal == "" {
		signal = "KILL"
	}
	ctx, cancel := e.within(ctx, e.timeout.Quick, "kill")
	defer cancel()
	_, err := e.c.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: signal})
	return classify(ctx, "kill", err)
}

// Unpause resumes a container that was paused behind our back; a paused one can neither stop nor die.
func (e *Engine) Unpause(ctx context.Context, id string) error {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "unpause")
	defer cancel()
	_, err := e.c.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
	return classify(ctx, "unpause", err)
}

// Remove deletes a container and its anonymous volumes, by force. A container that is gone is removed.
func (e *Engine) Remove(ctx context.Context, id string) error {
	ctx, cancel := e.within(ctx, e.timeout.Remove, "remove")
	defer cancel()
	_, err := e.c.ContainerRemove(ctx, id, client.ContainerRemoveOptions{RemoveVolumes: true, Force: true})
	err = classify(ctx, "remove", err)
	if err != nil && strings.Contains(err.Error(), "is already in progress") {
		err = e.awaitRemoval(ctx, id) // someone else's: it is not gone before that is over
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// awaitRemoval waits for a removal that another call has begun.
func (e *Engine) awaitRemoval(ctx context.Context, id string) error {
	res := e.c.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case r := <-res.Result:
		if r.Error != nil {
			return fmt.Errorf("docker remove: %s", r.Error.Message)
		}
		return nil
	case err := <-res.Error:
		return classify(ctx, "remove", err)
	}
}

// Wait blocks until the container is not running and returns its exit code. It has no deadline but the caller's:
// waiting for an exit is what it is for.
func (e *Engine) Wait(ctx context.Context, id string) (int, error) {
	res := e.c.ContainerWait(ctx, id, client.ContainerWaitOptions{})
	select {
	case r := <-res.Result:
		if r.Error != nil {
			return int(r.StatusCode), fmt.Errorf("docker wait: %s", r.Error.Message)
		}
		return int(r.StatusCode), nil
	case err := <-res.Error:
		return 0, classify(ctx, "wait", err)
	}
}
