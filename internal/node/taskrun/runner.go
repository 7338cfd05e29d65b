package taskrun

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// runner owns one task: its goroutine decides, engine calls run beside it and post what came of them.
type runner struct {
	m   *Machine
	arn string

	kick chan struct{} // something changed; capacity 1

	mu          sync.Mutex
	v           view
	accepted    bool
	forget      bool // nothing to clean up: the task never existed here
	results     []func(*view, time.Time)
	revocations map[*revocation]bool // of the calls under way that a stop gives up
	following   sync.WaitGroup
	claimed     []netip.Addr // whose metadata requests are ours
}

func newRunner(m *Machine, task acs.Task) *runner {
	r := &runner{m: m, arn: task.ARN, kick: make(chan struct{}, 1), revocations: map[*revocation]bool{}}
	r.v = view{Task: &task, Desired: task.DesiredStatus}
	for i := range task.Containers {
		r.v.Containers = append(r.v.Containers, r.newContainer(&task, &task.Containers[i]))
	}
	return r
}

func (r *runner) newContainer(task *acs.Task, spec *acs.Container) *containerView {
	pull := r.m.cfg.PullBehavior
	return &containerView{
		Spec:       spec,
		DockerName: containerName(task, spec.Name),
		Endpoint:   r.m.cfg.NewID(),
		Phase:      phaseWaiting,
		Health:     acs.HealthUnknown,
		NeedPull:   pull == PullAlways || pull == PullDefault,
	}
}

// update applies a repeated payload: desired status only moves forward, credentials are renewed.
func (r *runner) update(task acs.Task) {
	r.mu.Lock()
	if task.DesiredStatus == acs.StatusStopped {
		r.v.Desired = acs.StatusStopped
	}
	renewed := *r.v.Task
	if task.RoleCredentials != nil {
		renewed.RoleCredentials = task.RoleCredentials
	}
	if task.ExecutionRoleCredentials != nil {
		renewed.ExecutionRoleCredentials = task.ExecutionRoleCredentials
	}
	r.v.Task = &renewed
	again := r.v.Final && !r.accepted
	known := r.v.Setup && !r.v.TornDown
	s := r.v.snapshot()
	r.mu.Unlock()
	if known && r.m.cfg.Metadata != nil {
		if task.RoleCredentials != nil {
			r.m.cfg.Metadata.SetCredentials(task.ARN, acs.RoleTaskApplication, task.RoleCredentials)
		}
		if task.ExecutionRoleCredentials != nil {
			r.m.cfg.Metadata.SetCredentials(task.ARN, acs.RoleTaskExecution, task.ExecutionRoleCredentials)
		}
	}
	if again {
		r.m.cfg.Report(s) // the server asks again, so it does not know yet
	}
	r.wake()
}

func (r *runner) credentials(roleType string, c *acs.RoleCredentials) {
	task := acs.Task{ARN: r.arn}
	if roleType == acs.RoleTaskExecution {
		task.ExecutionRoleCredentials = c
	} else {
		task.RoleCredentials = c
	}
	r.update(task)
}

func (r *runner) accept() {
	r.mu.Lock()
	r.accepted = true
	r.mu.Unlock()
	r.wake()
}

func (r *runner) snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.v.snapshot()
}

func (r *runner) wake() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// look asks for an inspection of one container, by engine id; id "" means every one that exists.
func (r *runner) look(id string) {
	r.mu.Lock()
	for _, c := range r.v.Containers {
		if c.ID != "" && (id == "" || c.ID == id) {
			c.Recheck, c.LookAt = true, time.Time{}
		}
	}
	r.mu.Unlock()
	r.wake()
}

// post hands a result to the owning goroutine.
func (r *runner) post(apply func(*view, time.Time)) {
	r.mu.Lock()
	r.results = append(r.results, apply)
	r.mu.Unlock()
	r.wake()
}

// run drives the task until it is stopped, accepted and cleaned up, or ctx ends; containers outlive ctx.
func (r *runner) run(ctx context.Context) {
	select {
	case <-r.m.listed:
	case <-ctx.Done():
		return
	}
	r.adopt(r.m.takeSeeds(r.arn))
	r.m.cfg.Report(r.snapshot())
	timer := time.NewTimer(0)
	defer timer.Stop()
	var ops sync.WaitGroup
	defer ops.Wait()
	defer r.revokeAll()
	for !r.step(ctx, &ops, timer) {
		select {
		case <-r.kick:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	r.retire(ctx)
}

// step applies what happened and starts what is to be done; it returns true when the task has stopped.
func (r *runner) step(ctx context.Context, ops *sync.WaitGroup, timer *time.Timer) bool {
	for {
		now := r.m.cfg.Now()
		r.mu.Lock()
		changed := len(r.results) > 0
		for _, apply := range r.results {
			apply(&r.v, now)
		}
		r.results = nil
		r.v.settle()
		d := plan(&r.v, now)
		again := false
		for _, a := range d.Actions {
			again = r.begin(ctx, ops, a, now) || again
		}
		s, final := r.v.snapshot(), r.v.Final
		r.mu.Unlock()
		if changed || again {
			r.tell(s)
		}
		if final {
			return true
		}
		if again {
			continue
		}
		timer.Stop()
		if !d.Wake.IsZero() {
			timer.Reset(max(d.Wake.Sub(now), time.Millisecond))
		}
		return false
	}
}

// settle derives what follows from the containers' phases.
func (v *view) settle() {
	for _, c := range v.Containers {
		c.Slow = c.Slow && c.Busy != opNone
	}
	if v.EverRunning || v.Condemned || len(v.Containers) == 0 {
		return
	}
	for _, c := range v.Containers {
		// A non-essential container that could not start does not keep the task from running.
		if !c.began() && (c.Spec.Essential || c.Phase != phaseStopped) {
			return
		}
	}
	v.EverRunning = true
}

func (r *runner) tell(s Snapshot) {
	if r.m.cfg.Metadata != nil && s.Status != acs.StatusStopped {
		r.m.cfg.Metadata.Update(s)
	}
	r.m.cfg.Report(s)
}

// begin marks what an action makes busy and starts it; it returns true when it changed what is believed at once.
// r.mu is held.
func (r *runner) begin(ctx context.Context, ops *sync.WaitGroup, a action, now time.Time) bool {
	c := a.Container
	switch a.Op {
	case opCondemn:
		r.v.Condemned = true
		r.v.Reason = a.Reason
		if r.v.ExecutionStoppedAt.IsZero() {
			r.v.ExecutionStoppedAt = now
		}
		for _, c := range r.v.Containers {
			c.NoRestart = true
		}
		r.revoke()
		return true
	case opAbandon:
		c.Phase = phaseStopped
		c.NoRestart = true
		if c.Reason == "" {
			c.Reason = a.Reason
		}
		return true
	case opFinish:
		r.v.Final = true
		return true
	case opTell:
		c.Slow = true
		return true
	case opSetup, opTeardown:
		r.v.Busy = a.Op
	case opInspect:
		c.Looking, c.Recheck = true, false
	default:
		c.Busy, c.BusySince, c.Slow = a.Op, now, false
	}
	ops.Go(func() { r.execute(ctx, a) })
	return false
}

// adopt marks the containers an earlier process left, to be looked at before anything is decided, and ends those that
// must have been there and are not. A stop order for a task that is known only by its containers gets its shape from
// their labels.
func (r *runner) adopt(seeds []docker.Summary) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range seeds {
		name := s.Labels[docker.LabelContainer]
		c := r.v.container(name)
		if c == nil && len(r.v.Task.Containers) == 0 && s.Labels[docker.LabelRole] == "" {
			c = r.newContainer(r.v.Task, fromLabels(s.Labels))
			c.DockerName = s.Name
			r.v.Containers = append(r.v.Containers, c)
		}
		if s.Labels[docker.LabelRole] == rolePause {
			r.v.ShareID = s.ID
		}
		if c == nil {
			continue
		}
		c.ID = s.ID
		c.doubt() // the earlier process may have asked for its start
	}
	r.v.missing(r.m.cfg.Now())
	if len(r.v.Containers) == 0 {
		// The official agent's words; the server understands that the task is over.
		r.v.Reason = "TaskStateError: Agent could not progress task's state to stopped"
		r.v.Condemned = true
		r.v.Final, r.forget = len(seeds) == 0, len(seeds) == 0
	}
}
