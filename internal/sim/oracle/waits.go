package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longshore/internal/state"
)

// waiting expects whoever waits for long to say why.
func (o *Oracle) waiting(now time.Time) {
	served := o.served()
	if served.IsZero() {
		return
	}
	o.breakers(now, served)
	for k, t := range o.tasks {
		if waitsForRoom(t) {
			o.woken(k, t, now)
		}
		m := o.note(t)
		since, waits := m.waitsSince(t)
		if !waits {
			continue
		}
		if o.explained(t) {
			m.explained = now
			continue
		}
		since = latest(latest(since, m.explained), served)
		if t.Instance != "" {
			heard := o.heard(o.node(t))
			if heard.IsZero() {
				continue
			}
			since = latest(latest(since, heard), o.back[t.Instance])
		}
		limit := o.WaitLimit
		if t.Desired == state.Stopped {
			limit += o.StopTimeout
		}
		if now.Sub(since) > limit && !m.complained {
			m.complained = true
			o.violate("O6", "task %s is %s (desired %s, instance %q) for %s without a reason", k, t.Last, t.Desired,
				t.Instance, now.Sub(since))
		}
	}
}

func (o *Oracle) node(t *state.Task) string {
	if o.Node == nil {
		return ""
	}
	return o.Node(t.Instance)
}

// waitsSince says whether something is still to happen to a task, and since when.
func (m *moments) waitsSince(t *state.Task) (time.Time, bool) {
	switch {
	case !t.Live():
		return time.Time{}, false
	case t.Desired == state.Stopped:
		return m.stopping, true
	case t.Last.Rank() < state.Running.Rank():
		return m.born, true
	}
	return time.Time{}, false
}

// explained says whether a machine can read why the task waits: a code, that its agent is away, or what a container of
// it waits for.
func (o *Oracle) explained(t *state.Task) bool {
	if t.Waiting != nil && t.Waiting.Code != "" || t.Connectivity == "DISCONNECTED" {
		return true
	}
	i := o.instances[t.Instance]
	if i != nil && !i.Connected {
		return true
	}
	return slices.ContainsFunc(t.Containers, func(c state.TaskContainer) bool { return c.Reason != "" })
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Unsettled says what keeps the world from rest: nothing, once the faults have stopped for long enough.
func (o *Oracle) Unsettled() []string {
	out := o.absent()
	for k, s := range o.services {
		switch {
		case s.Status == state.StatusDraining:
			out = append(out, fmt.Sprintf("service %s is DRAINING", k))
		case s.Status == state.StatusActive && !o.hopeless(s):
			out = append(out, o.lacking(s)...)
		}
	}
	for k, t := range o.tasks {
		if t.Live() && t.Desired == state.Stopped {
			out = append(out, fmt.Sprintf("task %s is %s and asked to stop", k, t.Last))
		}
		if t.Live() && t.Desired == state.Running && t.Last != state.Running && !o.excused(t) {
			out = append(out, fmt.Sprintf("task %s is %s", k, t.Last))
		}
	}
	slices.Sort(out)
	return out
}

// lacking tells of a service that does not run what is asked for.
func (o *Oracle) lacking(s *state.Service) []string {
	want, running, excused, other := s.DesiredCount, 0, 0, 0
	for k := range o.byService[s.Key] {
		t := o.tasks[k]
		switch {
		case t.Desired != state.Running:
		case t.Last == state.Running:
			running++
			if d := o.deployments[t.Deployment]; d != nil && d.Status != state.DeploymentPrimary {
				other++
			}
		case o.excused(t):
			excused++
		}
	}
	if s.Scheduling == state.SchedulingDaemon {
		want = o.daemons(s)
	}
	failed := o.failed(s)
	if running == want && (other == 0 || failed || o.blocked(s)) || running+excused >= want && excused > 0 || failed {
		return nil
	}
	return []string{fmt.Sprintf("service %s wants %d tasks and runs %d (%d of an old deployment, %d wait for room)", s.Key,
		want, running, other, excused)}
}

// blocked deployments have no room to move: the percentages allow neither one task more nor one less.
func (o *Oracle) blocked(s *state.Service) bool {
	return s.DesiredCount*s.Deploy.MaximumPercent/100 <= s.DesiredCount &&
		(s.DesiredCount*s.Deploy.MinimumHealthyPercent+99)/100 >= s.DesiredCount
}

// daemons is how many instances a DAEMON service without constraints runs on.
func (o *Oracle) daemons(s *state.Service) int {
	n := 0
	for k, i := range o.instances {
		if k.Cluster() == s.Key.Cluster() && i.Status == state.StatusActive && i.Kind != state.KindFargate {
			n++
		}
	}
	return n
}

// failed deployments start nothing any more: the circuit breaker, or a request, has ended them.
func (o *Oracle) failed(s *state.Service) bool {
	for _, d := range o.deployments {
		if d.Service == s.Key && d.Status == state.DeploymentPrimary && d.Rollout == state.RolloutFailed {
			return true
		}
	}
	return false
}

// hopeless services run what cannot keep running.
func (o *Oracle) hopeless(s *state.Service) bool {
	for _, d := range o.deployments {
		if d.Service == s.Key && d.Status == state.DeploymentPrimary && o.doomed(d.TaskDefinition) {
			return true
		}
	}
	return o.doomed(s.TaskDefinition)
}

func (o *Oracle) doomed(k state.TaskDefinitionKey) bool {
	td := o.definitions[k]
	return o.Doomed != nil && td != nil &&
		slices.ContainsFunc(td.Containers, func(c state.Container) bool { return o.Doomed(c.Image) })
}

// excused tasks wait for room, and say so.
func (o *Oracle) excused(t *state.Task) bool {
	return o.doomed(t.TaskDefinition) || t.Instance == "" && t.Waiting != nil && t.Waiting.Code != ""
}

// Quiet judges a world in which faults and load have stopped and that had the time to settle.
func (o *Oracle) Quiet() {
	for _, line := range o.Unsettled() {
		o.violate("O4", "%s, long after the last fault", line)
	}
	for k, t := range o.tasks {
		if waitsForRoom(t) {
			o.noRoom(k, t)
		}
	}
	for at, ids := range o.live {
		t := o.task(at.task)
		if t == nil || t.Last == state.Stopped {
			for id := range ids {
				o.violate("O2", "container %s of task %s still runs on %s", at.container, at.task, id)
			}
		}
	}
	o.everyProcess()
	o.leftOver()
}

// leftOver expects nothing to run for services that are gone.
func (o *Oracle) leftOver() {
	for k, t := range o.tasks {
		s := o.services[t.Service]
		if t.Service != "" && t.Live() && (s == nil || s.Status == state.StatusInactive) {
			o.violate("O4", "task %s of service %s, which is gone, is %s", k, t.Service, t.Last)
		}
	}
}

// absent tells of the instances that are not connected although their node hears the server.
func (o *Oracle) absent() []string {
	var out []string
	for k, i := range o.instances {
		if o.HeardSince == nil || o.Node == nil || i.Connected || i.Status == state.StatusInactive {
			continue
		}
		if !o.heard(o.Node(k)).IsZero() {
			out = append(out, fmt.Sprintf("instance %s is not connected", k))
		}
	}
	return out
}

// noRoom expects a task that waits for room to find none.
func (o *Oracle) noRoom(k state.TaskKey, t *state.Task) {
	i := o.roomFor(k, t)
	if i != nil {
		o.violate("O7", "task %s waits because of %s, and instance %s has room for it", k, t.Waiting.Code, i.Key)
	}
}

// wakeLimit is how long room may be there without the task that waits for it; wakeQuiet is how long a server that
// commits nothing may be kept from it by its disk.
const wakeLimit, wakeQuiet = 5 * time.Second, 3 * time.Second

// woken expects room that comes free to be taken by who waits for it.
func (o *Oracle) woken(k state.TaskKey, t *state.Task, now time.Time) {
	m, served := o.note(t), o.served()
	free := !served.IsZero() && now.Sub(o.heardAt) < wakeQuiet && o.roomFor(k, t) != nil
	if !free {
		m.room = time.Time{}
		return
	}
	if m.room.IsZero() {
		m.room = now
	}
	if since := latest(m.room, served); now.Sub(since) > wakeLimit && !m.complained {
		m.complained = true
		o.violate("O7", "task %s waits because of %s, and there has been room for it for %s", k, t.Waiting.Code,
			now.Sub(since))
	}
}

// waitsForRoom says whether an instance would help.
func waitsForRoom(t *state.Task) bool {
	return t.Live() && t.Desired == state.Running && t.Instance == "" && t.Waiting != nil &&
		strings.HasPrefix(t.Waiting.Code, "RESOURCE")
}

// roomFor is an instance with room for a task that has no wishes of its own; nil if there is none.
func (o *Oracle) roomFor(k state.TaskKey, t *state.Task) *state.Instance {
	td := o.definitions[t.TaskDefinition]
	if len(t.Constraints) > 0 || t.LaunchType != state.LaunchEC2 || td == nil || len(td.PlacementConstraints) > 0 {
		return nil
	}
	for _, i := range o.instances {
		if i.Key.Cluster() != k.Cluster() || i.Status != state.StatusActive || !i.Connected || i.Kind != state.KindEC2 {
			continue
		}
		cpu, memory, tcp := o.taken(i, nil)
		clash := slices.ContainsFunc(t.Need.TCP, func(p int) bool { return slices.Contains(tcp, p) })
		if cpu+t.Need.CPU <= i.CPU && memory+t.Need.Memory <= i.Memory && !clash {
			return i
		}
	}
	return nil
}

// everyProcess expects the containers of a RUNNING task to run: essential ones, without which it would have ended.
func (o *Oracle) everyProcess() {
	for k, t := range o.tasks {
		td := o.definitions[t.TaskDefinition]
		if t.Last != state.Running || t.Desired != state.Running || td == nil {
			continue
		}
		for _, c := range td.Containers {
			if c.Essential && len(o.live[role{k.ARN(), c.Name}]) == 0 && len(o.containers) > 0 {
				o.violate("O3", "task %s is RUNNING and its container %s does not run", k, c.Name)
			}
		}
	}
}
