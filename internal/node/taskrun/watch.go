package taskrun

import (
	"context"
	"errors"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// Run watches the engine and runs the tasks until ctx ends; containers outlive it.
func (m *Machine) Run(ctx context.Context) error {
	m.mu.Lock()
	if m.ctx != nil {
		m.mu.Unlock()
		return errors.New("machine is already running")
	}
	m.ctx = ctx
	for _, r := range m.parked {
		m.launch(r)
	}
	m.parked = nil
	m.mu.Unlock()
	relist := make(chan struct{}, 1)
	m.wg.Go(func() { m.watch(ctx, relist) })
	m.resync(ctx, relist)
	m.wg.Wait()
	return ctx.Err()
}

// watch keeps an event stream open and asks for a new listing whenever there may have been a gap in it.
func (m *Machine) watch(ctx context.Context, relist chan<- struct{}) {
	ready := func() {
		select {
		case relist <- struct{}{}:
		default:
		}
	}
	for attempt := 1; ctx.Err() == nil; attempt++ {
		began := m.cfg.Now()
		err := m.cfg.Engine.Events(ctx, m.labels(), ready, m.heard)
		if ctx.Err() != nil {
			return
		}
		if m.cfg.Now().Sub(began) > time.Minute {
			attempt = 1
		}
		m.cfg.Log.Warn("event stream of the engine ended", "op", "events", "err", err)
		select {
		case <-time.After(min(backoff(attempt), 5*time.Second)):
		case <-ctx.Done():
		}
	}
}

// heard passes a hint on to the runner of the container.
func (m *Machine) heard(e docker.Event) {
	switch e.Action {
	case "die", "destroy", "health_status", "pause", "unpause", "start", "oom":
	default:
		return
	}
	r := m.runner(e.Labels[docker.LabelTask])
	if r == nil {
		return
	}
	if e.Action == "start" && r.starting(e.ID) {
		return // our own doing; the answer of the engine is on its way
	}
	r.look(e.ID)
}

// starting says whether a start of the container is expected or just happened.
func (r *runner) starting(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.v.Containers {
		if c.ID == id {
			return c.Busy == opStart || c.Busy == opRestart || c.Phase == phaseRunning
		}
	}
	return true // not known by this id yet: its creation is still being answered
}

// resync lists the engine's containers at once, after every gap in the events and every Config.Resync.
func (m *Machine) resync(ctx context.Context, relist <-chan struct{}) {
	tick := time.NewTicker(m.cfg.Resync)
	defer tick.Stop()
	for {
		m.relist(ctx)
		select {
		case <-relist:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (m *Machine) relist(ctx context.Context) {
	before := m.running()
	list, err := m.cfg.Engine.List(ctx, m.labels())
	if err != nil {
		if ctx.Err() == nil {
			m.cfg.Log.Warn("cannot list containers", "op", "list", "err", err)
		}
		return
	}
	byTask := map[string][]docker.Summary{}
	for _, s := range list {
		byTask[s.Labels[docker.LabelTask]] = append(byTask[s.Labels[docker.LabelTask]], s)
	}
	select {
	case <-m.listed:
	default:
		m.mu.Lock()
		m.seeds = byTask
		m.mu.Unlock()
		close(m.listed)
		return
	}
	for arn, r := range before {
		r.compare(byTask[arn])
	}
	// What ended since the list was asked for took its containers with it: the list is older than that.
	for arn := range before {
		delete(byTask, arn)
	}
	m.orphans(byTask)
}

func (m *Machine) running() map[string]*runner {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[string]*runner, len(m.runners))
	for arn, r := range m.runners {
		out[arn] = r
	}
	return out
}

func (m *Machine) takeSeeds(arn string) []docker.Summary {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.seeds[arn]
	delete(m.seeds, arn)
	return s
}

// compare looks again at every container whose listed state is not the believed one.
func (r *runner) compare(list []docker.Summary) {
	state, health := map[string]string{}, map[string]string{}
	for _, s := range list {
		state[s.ID], health[s.ID] = s.Status, s.Health
	}
	r.mu.Lock()
	doubt := false
	for _, c := range r.v.Containers {
		if c.ID == "" || r.v.Final {
			continue
		}
		got := state[c.ID]
		up := got == "running" || got == "paused" || got == "restarting"
		if (c.Phase == phaseRunning) != up || (got == "paused") != c.Paused {
			if c.Phase == phaseStopped && !up || c.Phase == phaseCreated && got == "created" {
				continue
			}
			c.Recheck, doubt = true, true
		}
		// A health event may have been lost with the stream.
		if up && c.Spec.HealthCheckType == acs.HealthCheckDocker && healthOf(health[c.ID]) != c.Health {
			c.Recheck, doubt = true, true
		}
	}
	r.mu.Unlock()
	if doubt {
		r.wake()
	}
}

// Manifest takes the server's list of this instance's tasks and returns those that run here without being listed as
// RUNNING; the server must confirm before they are stopped. Containers that no task claims are removed.
func (m *Machine) Manifest(tasks []acs.TaskIdentifier) []acs.TaskIdentifier {
	listed := map[string]string{}
	for _, t := range tasks {
		listed[t.TaskARN] = t.DesiredStatus
	}
	m.mu.Lock()
	m.manifest, m.fresh = listed, true
	m.mu.Unlock()
	var candidates []acs.TaskIdentifier
	for arn, r := range m.running() {
		s := r.snapshot()
		if listed[arn] != acs.StatusRunning && s.Desired != acs.StatusStopped && s.Status != acs.StatusStopped {
			candidates = append(candidates, acs.TaskIdentifier{
				TaskARN: arn, TaskClusterARN: s.ClusterARN, DesiredStatus: acs.StatusStopped,
			})
		}
	}
	return candidates
}

// orphans ends what no payload and no manifest claims. It acts only after the server has sent a manifest: a server
// that has not spoken yet disowns nothing.
func (m *Machine) orphans(byTask map[string][]docker.Summary) {
	m.mu.Lock()
	manifest, ctx, fresh := m.manifest, m.ctx, m.fresh
	m.fresh = false
	m.mu.Unlock()
	if manifest == nil {
		return
	}
	if fresh {
		m.wg.Go(func() { m.orphanVolumes(ctx, byTask, manifest) })
	}
	for arn, list := range byTask {
		status, claimed := manifest[arn]
		m.mu.Lock()
		over := m.over.has(arn) // made late, by a call that nobody waited for; an old manifest may still list its task
		m.mu.Unlock()
		if m.runner(arn) != nil || claimed && !over && status == acs.StatusRunning {
			continue
		}
		if claimed && !over {
			m.mu.Lock()
			m.seeds[arn] = list
			m.mu.Unlock()
			m.Apply(acs.Task{ARN: arn, DesiredStatus: acs.StatusStopped}) // its true end is still to be told
			continue
		}
		m.wg.Go(func() { m.reap(ctx, arn, list) })
	}
}

// orphanVolumes removes the volumes of tasks that ended while a crash kept their clean-up from happening.
func (m *Machine) orphanVolumes(ctx context.Context, byTask map[string][]docker.Summary, manifest map[string]string) {
	labels := m.labels()
	labels[labelVolumeScope] = "task"
	volumes, err := m.cfg.Engine.Volumes(ctx, labels)
	if err != nil {
		return // the next manifest is another chance
	}
	for _, v := range volumes {
		arn := v.Labels[docker.LabelTask]
		_, claimed := manifest[arn]
		if claimed || m.runner(arn) != nil || len(byTask[arn]) > 0 {
			continue
		}
		err = m.cfg.Engine.RemoveVolume(ctx, v.Name)
		if err != nil {
			m.cfg.Log.Warn("cannot remove an unclaimed volume", "task", arn, "op", "reap", "err", err)
		}
	}
}

// orphanStop is how long an unclaimed container may take to stop by itself.
const orphanStop = 10 * time.Second

func (m *Machine) reap(ctx context.Context, arn string, list []docker.Summary) {
	for _, s := range list {
		m.cfg.Log.Info("removing a container that no task claims", "task", arn, "op", "reap")
		if s.Status == "running" {
			_ = m.cfg.Engine.Stop(ctx, s.ID, orphanStop)
		}
		err := m.cfg.Engine.Remove(ctx, s.ID)
		if err != nil && ctx.Err() == nil {
			m.cfg.Log.Warn("cannot remove an unclaimed container", "task", arn, "op", "reap", "err", err)
		}
	}
	task := &acs.Task{ARN: arn}
	if m.cfg.Networks != nil {
		err := m.cfg.Networks.Detach(ctx, taskID(arn))
		if err != nil && ctx.Err() == nil {
			m.cfg.Log.Warn("cannot detach an unclaimed task", "task", arn, "op", "reap", "err", err)
		}
	}
	_ = m.removeVolumes(ctx, task)
	m.removeCgroup(task)
}
