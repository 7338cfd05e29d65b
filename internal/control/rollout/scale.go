package rollout

import (
	"slices"

	"longshore/internal/place"
	"longshore/internal/state"
)

// roll sorts a service's tasks that are asked to run into what the census counts.
type roll struct {
	coming, healthy, unwell, leaving []*state.Task // of the PRIMARY deployment
	stray                            []*state.Task // not running yet and where they cannot stay, or of an old deployment
	oldFree, oldGuarded              []*state.Task
	oldWeak, oldYoung                []*state.Task
}

// scale starts and stops tasks within the bounds.
func (p *plan) scale() {
	desired := p.desired()
	r := p.call()
	p.stop(reasonScaling(p.primary.Key), r.stray)
	if p.primary.Rollout == state.RolloutFailed {
		p.trim(r, desired)
		return
	}
	c := p.count(r, desired)
	c.desired += p.rebalance(r, c)
	b := c.next()
	p.stopSome(r, b)
	p.block(r, b, c)
	p.start(b.start)
}

// desired tasks: what is asked for, or one on each eligible instance.
func (p *plan) desired() int {
	if p.service.Scheduling == state.SchedulingDaemon {
		return len(p.Eligible)
	}
	return p.service.DesiredCount
}

func (p *plan) count(r roll, desired int) census {
	c := census{desired: desired, coming: len(r.coming), healthy: len(r.healthy), unwell: len(r.unwell),
		leaving: len(r.leaving), oldFree: len(r.oldFree), oldGuarded: len(r.oldGuarded), oldWeak: len(r.oldWeak),
		oldYoung: len(r.oldYoung)}
	c.lower, c.upper = bounds(desired, p.service.Deploy.MinimumHealthyPercent, p.service.Deploy.MaximumPercent)
	return c
}

// call sorts the tasks.
func (p *plan) call() roll {
	r := roll{}
	for _, t := range p.Tasks {
		if !p.active(t) {
			continue
		}
		old, idle, healthy := t.Deployment != p.primary.Key, t.Last != state.Running, p.healthy(t)
		to := &r.coming
		switch {
		case idle && (old && p.primary.Rollout != state.RolloutFailed || !p.mayStay(t)):
			to = &r.stray
		case old && healthy && p.guarded(t):
			to = &r.oldGuarded
		case old && healthy:
			to = &r.oldFree
		case old && p.young(t):
			to = &r.oldYoung
		case old:
			to = &r.oldWeak
		case t.Health == state.HealthUnhealthy && !idle:
			to = &r.unwell
		case healthy && !p.mayStay(t):
			to = &r.leaving
		case healthy:
			to = &r.healthy
		}
		*to = append(*to, t)
	}
	return r
}

// mayStay says whether the task's instance keeps tasks: it is not draining, and a daemon belongs there.
func (p *plan) mayStay(t *state.Task) bool {
	if t.Instance == "" {
		return true
	}
	if p.service.Scheduling == state.SchedulingDaemon {
		return p.Eligible[t.Instance]
	}
	i, ok := p.Instances.Get(t.Instance)
	return !ok || i.Status == state.StatusActive
}

// guarded says whether the task is protected from scale-in and from being replaced.
func (p *plan) guarded(t *state.Task) bool {
	p.lookAt(t.ProtectedUntil)
	return t.ProtectedUntil.After(p.now)
}

// stopSome stops what the batch says, the least wanted of each kind.
func (p *plan) stopSome(r roll, b batch) {
	out := p.least(b.old, r.oldFree)
	out = append(out, p.least(b.older, r.oldWeak)...)
	coming := min(b.surplus, len(r.coming))
	out = append(out, p.leastComing(coming, r.coming)...)
	free := slices.DeleteFunc(slices.Clone(r.healthy), p.guarded)
	out = append(out, p.least(min(b.surplus-coming, len(free)), free)...)
	out = append(out, p.least(b.leaving, r.leaving)...)
	p.stop(reasonScaling(p.primary.Key), out)
	unwell := p.least(b.unwell, r.unwell)
	for _, t := range unwell {
		p.tell("(task %s) failed container health checks.", t.Key.ID())
	}
	p.stop(reasonUnwell, unwell)
}

// least wanted n tasks of some: the youngest where most are.
func (p *plan) least(n int, of []*state.Task) []*state.Task {
	if n <= 0 {
		return nil
	}
	return place.LeastWanted(n, of, p.service.Strategy, p.Instances, p.Others)
}

// leastComing prefers those that do not run yet.
func (p *plan) leastComing(n int, of []*state.Task) []*state.Task {
	var idle, running []*state.Task
	for _, t := range of {
		if t.Last == state.Running {
			running = append(running, t)
			continue
		}
		idle = append(idle, t)
	}
	first := min(n, len(idle))
	return append(p.least(first, idle), p.least(n-first, running)...)
}

// trim keeps a FAILED deployment from holding more than is asked for; it starts nothing any more.
func (p *plan) trim(r roll, desired int) {
	surplus := len(r.coming) + len(r.healthy) + len(r.unwell) + len(r.leaving) + len(r.oldFree) + len(r.oldWeak) +
		len(r.oldYoung) + len(r.oldGuarded) - desired
	var out []*state.Task
	for _, kind := range [][]*state.Task{r.coming, r.unwell, r.oldWeak, r.oldYoung, r.leaving, r.oldFree,
		slices.DeleteFunc(slices.Clone(r.healthy), p.guarded)} {
		n := min(max(surplus, 0), len(kind))
		out = append(out, p.least(n, kind)...)
		surplus -= n
	}
	p.stop(reasonScaling(p.primary.Key), out)
}

// block explains what keeps a change from going on.
func (p *plan) block(r roll, b batch, c census) {
	if b.stuck && len(r.oldGuarded) == 0 && p.primary.Rollout == state.RolloutInProgress {
		p.notice("blocked", textBlocked)
	} else {
		p.resolve("blocked")
	}
	guarded := len(r.oldGuarded)
	for _, t := range r.healthy {
		if p.guarded(t) {
			guarded++
		}
	}
	if guarded > c.desired {
		p.notice("protected", textProtected, p.primary.Key.ID())
	} else {
		p.resolve("protected")
	}
}

// start makes tasks, unless too many failed of late.
func (p *plan) start(n int) {
	if n <= 0 || p.held() {
		return
	}
	if p.Definitions[p.primary.TaskDefinition] == nil {
		p.notice("definition", textNoDefinition, p.primary.TaskDefinition.ARN())
		return
	}
	p.resolve("definition")
	a := Start{Deployment: p.primary, Count: n}
	if len(p.primary.CapacityStrategy) > 0 {
		have := map[string]int{}
		for _, t := range p.Tasks {
			if t.Deployment == p.primary.Key && p.active(t) {
				have[t.CapacityProvider]++
			}
		}
		a.Providers = state.ShareOut(p.primary.CapacityStrategy, have, n)
		a.Count = len(a.Providers)
	}
	if a.Count > 0 {
		p.do(a)
	}
}
