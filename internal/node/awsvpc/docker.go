package awsvpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"longshore/internal/node/docker"
)

// dockerEngine is the Engine that nodes use.
type dockerEngine struct{ e *docker.Engine }

var _ Engine = dockerEngine{}

// OnDocker makes pause containers on a Docker Engine.
func OnDocker(e *docker.Engine) Engine { return dockerEngine{e} }

func (d dockerEngine) LoadImage(ctx context.Context, tar io.Reader) error {
	return d.e.LoadImage(ctx, tar)
}

func (d dockerEngine) ImageExists(ctx context.Context, ref string) (bool, error) {
	_, err := d.e.ImageInspect(ctx, ref)
	if errors.Is(err, docker.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (d dockerEngine) StartPause(ctx context.Context, s PauseSpec) (string, int, error) {
	config, err := json.Marshal(map[string]string{"Hostname": s.Hostname})
	if err != nil {
		return "", 0, err
	}
	spec := docker.Spec{
		Name: s.Name, Image: s.Image, Labels: s.Labels, NetworkMode: "none",
		RawConfig: string(config), RawHostConfig: `{"CapDrop":["ALL"]}`,
		Log: &docker.LogConfig{Driver: "none"},
	}
	made, err := d.create(ctx, spec, s.Leaves)
	if err != nil {
		return "", 0, err
	}
	err = d.e.Start(ctx, made.ID)
	if err != nil {
		return "", 0, errors.Join(err, d.undo(made.ID))
	}
	state, err := d.e.Inspect(ctx, made.ID)
	if err == nil && state.Pid == 0 {
		err = fmt.Errorf("pause container ended with code %d", state.ExitCode)
	}
	if err != nil {
		return "", 0, errors.Join(err, d.undo(made.ID))
	}
	return made.ID, state.Pid, nil
}

// create prefers the host's namespace where the program may leave it; an engine that remaps user ids refuses.
func (d dockerEngine) create(ctx context.Context, spec docker.Spec, leaves bool) (docker.Created, error) {
	if leaves {
		fast := spec
		fast.NetworkMode, fast.RawHostConfig = "host", `{"CapDrop":["ALL"],"CapAdd":["SYS_ADMIN"]}`
		made, err := d.e.Create(ctx, fast)
		if !errors.Is(err, docker.ErrInvalid) {
			return made, err
		}
	}
	return d.e.Create(ctx, spec)
}

// undo also works for a caller that has given up; the engine bounds every call.
func (d dockerEngine) undo(id string) error { return d.e.Remove(context.Background(), id) }

func (d dockerEngine) RemovePause(ctx context.Context, id string) error {
	err := d.e.Remove(ctx, id)
	if errors.Is(err, docker.ErrNotFound) {
		return nil
	}
	return err
}

func (d dockerEngine) ListPauses(ctx context.Context, labels map[string]string) ([]Pause, error) {
	found, err := d.e.List(ctx, labels)
	if err != nil {
		return nil, err
	}
	var out []Pause
	for _, c := range found {
		state, err := d.e.Inspect(ctx, c.ID)
		if errors.Is(err, docker.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p := Pause{ID: c.ID, Name: c.Name, Labels: c.Labels}
		if state.Running {
			p.PID = state.Pid
		}
		out = append(out, p)
	}
	return out, nil
}
