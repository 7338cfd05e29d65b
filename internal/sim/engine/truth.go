package engine

import (
	"net/netip"
	"time"
)

// Container is the truth about a container, whatever the engine says of it.
type Container struct {
	ID          string
	Name        string
	Image       string // as asked for
	Labels      map[string]string
	NetworkMode string
	MemoryBytes int64

	// Running is whether its process lives, also while paused.
	Running   bool
	Paused    bool
	Removed   bool
	OOMKilled bool
	Health    string // "", starting, healthy, unhealthy
	ExitCode  int    // of the last end
	Starts    int    // how often it came up

	Created    time.Time
	StartedAt  time.Time // zero = never
	FinishedAt time.Time // zero = never
	RemovedAt  time.Time

	Ports   []Port     // of the host, held while it runs
	Address netip.Addr // on the bridge, while it runs
}

// Port is a port of the host that leads into a container.
type Port struct {
	Protocol      string // tcp, udp
	HostPort      int
	ContainerPort int
}

// Change is one change of state.
type Change struct {
	At        time.Time
	Action    string // create, start, die, oom, pause, unpause, destroy, or health_status: WORD
	Container Container
}

// Volume is the truth about a volume.
type Volume struct {
	Name   string
	Labels map[string]string
}

// Containers returns the truth about every container there ever was, in order of creation.
func (e *Engine) Containers() []Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]Container, 0, len(e.all))
	for _, r := range e.all {
		out = append(out, r.Container)
	}
	return out
}

// Running returns the containers that live and carry all the labels, in order of creation.
func (e *Engine) Running(labels map[string]string) []Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Container
	for _, r := range e.live() {
		if r.Running && carries(r.Labels, labels) {
			out = append(out, r.Container)
		}
	}
	return out
}

// History returns every change of state, in order.
func (e *Engine) History() []Change {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Change(nil), e.history...)
}

// Volumes returns the volumes there are, by name.
func (e *Engine) Volumes() []Volume {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]Volume, 0, len(e.volumes))
	for _, v := range e.sortedVolumes() {
		out = append(out, Volume{Name: v.Name, Labels: v.Labels})
	}
	return out
}

// carries says whether have contains all of want.
func carries(have, want map[string]string) bool {
	for k, v := range want {
		got, ok := have[k]
		if !ok || got != v {
			return false
		}
	}
	return true
}
