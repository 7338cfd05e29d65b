package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"runtime"

	"github.com/moby/moby/api/types/container"
)

// PauseSpec is a container that does nothing but hold namespaces.
type PauseSpec struct {
	Name         string
	Image        string // default that of PauseImage
	Labels       map[string]string
	NetworkMode  string // default none
	Hostname     string
	CgroupParent string
	// ShareIPC lets task containers join the IPC namespace as well.
	ShareIPC bool
	Sysctls  map[string]string
	DNS      []string
	// Writable lets the caller write the container's resolv.conf and hosts, which Docker otherwise mounts.
	Writable bool
}

// Pause is a running namespace holder.
type Pause struct {
	ID  string
	Pid int
}

// CreatePause makes and starts a namespace holder, importing its image at first use.
func (e *Engine) CreatePause(ctx context.Context, s PauseSpec) (Pause, error) {
	ours, archive, err := PauseImage(runtime.GOARCH)
	if err != nil {
		return Pause{}, err
	}
	if s.Image == "" {
		s.Image = ours
	}
	host := container.HostConfig{NetworkMode: "none"}
	if s.NetworkMode != "" {
		host.NetworkMode = container.NetworkMode(s.NetworkMode)
	}
	if s.ShareIPC {
		host.IpcMode = container.IPCModeShareable
	}
	host.Sysctls = s.Sysctls
	host.CapDrop = []string{"ALL"}
	host.ReadonlyRootfs = !s.Writable
	host.MemorySwap, host.Memory = 16<<20, 16<<20
	raw, err := json.Marshal(host)
	if err != nil {
		return Pause{}, err
	}
	cfg, err := json.Marshal(map[string]any{"Hostname": s.Hostname})
	if err != nil {
		return Pause{}, err
	}
	spec := Spec{
		Name: s.Name, Image: s.Image, Labels: s.Labels, CgroupParent: s.CgroupParent,
		RawConfig: string(cfg), RawHostConfig: string(raw),
		Log: &LogConfig{Driver: "none"},
	}
	made, err := e.Create(ctx, spec)
	if errors.Is(err, ErrNotFound) && s.Image == ours {
		err = e.LoadImage(ctx, bytes.NewReader(archive))
		if err != nil {
			return Pause{}, err
		}
		made, err = e.Create(ctx, spec)
	}
	if err != nil {
		return Pause{}, err
	}
	err = e.Start(ctx, made.ID)
	if err != nil {
		return Pause{}, errors.Join(err, e.Remove(ctx, made.ID))
	}
	st, err := e.Inspect(ctx, made.ID)
	if err != nil {
		return Pause{}, err
	}
	return Pause{ID: made.ID, Pid: st.Pid}, nil
}

// RemovePause removes a namespace holder.
func (e *Engine) RemovePause(ctx context.Context, id string) error { return e.Remove(ctx, id) }
