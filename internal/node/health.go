package node

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/taskrun"
)

// healthBoard holds the health of every container that has a health check.
type healthBoard struct {
	changed chan struct{} // capacity 1

	mu    sync.Mutex
	tasks map[string]acs.TaskHealth
	fresh map[string]bool
}

func newHealthBoard() *healthBoard {
	return &healthBoard{
		changed: make(chan struct{}, 1), tasks: map[string]acs.TaskHealth{}, fresh: map[string]bool{},
	}
}

func (b *healthBoard) put(s taskrun.Snapshot) {
	h := acs.TaskHealth{
		ClusterARN: s.ClusterARN, TaskARN: s.TaskARN, TaskDefinitionFamily: s.Family, TaskDefinitionVersion: s.Version,
	}
	for _, c := range s.Containers {
		if c.HealthCheck && c.Status == acs.StatusRunning {
			h.Containers = append(h.Containers, acs.ContainerHealth{
				ContainerName: c.Name, HealthStatus: c.Health, StatusSince: acs.Timestamp(c.HealthSince),
			})
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(h.Containers) == 0 || reflect.DeepEqual(h, b.tasks[s.TaskARN]) {
		return
	}
	b.tasks[s.TaskARN] = h
	b.fresh[s.TaskARN] = true
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

func (b *healthBoard) drop(arn string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.tasks, arn)
	delete(b.fresh, arn)
}

// news returns what changed since it was last asked.
func (b *healthBoard) news() []acs.TaskHealth {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]acs.TaskHealth, 0, len(b.fresh))
	for arn := range b.fresh {
		out = append(out, b.tasks[arn])
	}
	clear(b.fresh)
	return out
}

func (b *healthBoard) all() []acs.TaskHealth {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]acs.TaskHealth, 0, len(b.tasks))
	for _, h := range b.tasks {
		out = append(out, h)
	}
	clear(b.fresh)
	return out
}

// runtimeHealth remembers whether the container runtime answers.
type runtimeHealth struct {
	changed chan acs.InstanceStatus // capacity 1: the latest change

	mu      sync.Mutex
	looking bool
	last    acs.InstanceStatus
}

func newRuntimeHealth() *runtimeHealth {
	return &runtimeHealth{changed: make(chan acs.InstanceStatus, 1)}
}

const runtimePing = 20 * time.Second

// check pings the engine beside the session: a hung engine must not cost a heartbeat.
func (r *runtimeHealth) check(ctx context.Context, side *sync.WaitGroup, a *Agent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looking || a.cfg.Tasks.Engine == nil {
		return
	}
	r.looking = true
	side.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, runtimePing)
		defer cancel()
		status := "OK"
		if a.cfg.Tasks.Engine.Ping(ctx) != nil {
			status = "IMPAIRED"
		}
		if context.Cause(ctx) != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			status = "" // the session ended; nothing was learnt
		}
		r.note(status, a.cfg.Now())
	})
}

func (r *runtimeHealth) note(status string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looking = false
	if status == "" {
		return
	}
	r.last.LastUpdated = acs.Timestamp(now)
	if r.last.Status == status {
		return
	}
	r.last.Type, r.last.Status, r.last.LastStatusChange = "ContainerRuntime", status, acs.Timestamp(now)
	select {
	case <-r.changed:
	default:
	}
	r.changed <- r.last
}
