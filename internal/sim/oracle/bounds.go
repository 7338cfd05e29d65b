package oracle

import (
	"slices"
	"time"

	"longshore/internal/state"
)

// withinBounds holds the scheduler to the deployment's percentages (API_DeploymentConfiguration). Nodes die and tasks
// fail as they like; what counts is that no stop of the scheduler's own leaves fewer healthy tasks than
// ⌈desired×minimum%⌉ and no start of its own makes more than ⌊desired×maximum%⌋, at the commit that says so.
func (o *Oracle) withinBounds(old, now *state.Task) {
	s := o.services[now.Service]
	if s == nil || s.Status != state.StatusActive || s.Scheduling != state.SchedulingReplica {
		return
	}
	if old == nil {
		o.notTooMany(s, now)
		return
	}
	if old.Desired == state.Running && now.Desired == state.Stopped && now.StopCode == state.StopServiceScheduler &&
		o.settled(old) {
		o.notTooFew(s, now)
	}
}

func (o *Oracle) notTooMany(s *state.Service, started *state.Task) {
	upper := s.DesiredCount * s.Deploy.MaximumPercent / 100
	active := 1
	for k := range o.byService[s.Key] {
		t := o.tasks[k]
		if t.Desired == state.Running && t.Last.Rank() <= state.Running.Rank() {
			active++
		}
	}
	if active > upper {
		o.violate("O5", "task %s is number %d of service %s, which may have %d (desired %d, maximum %d %%)",
			started.Key, active, s.Key, upper, s.DesiredCount, s.Deploy.MaximumPercent)
	}
}

func (o *Oracle) notTooFew(s *state.Service, stopped *state.Task) {
	lower := (s.DesiredCount*s.Deploy.MinimumHealthyPercent + 99) / 100
	healthy := 0
	for k := range o.byService[s.Key] {
		if k != stopped.Key && o.healthy(o.tasks[k]) {
			healthy++
		}
	}
	if healthy < lower {
		o.violate("O5", "the scheduler stops healthy task %s (%s) and leaves %d of service %s, which needs %d "+
			"(desired %d, minimum %d %%)", stopped.Key, stopped.StoppedReason, healthy, s.Key, lower, s.DesiredCount,
			s.Deploy.MinimumHealthyPercent)
	}
}

// healthy tasks run, are asked to, and have passed their checks where they have some. Without checks it takes time to
// tell: whoever is counted on gets the benefit of the doubt, and so does the stop of one that began just now.
func (o *Oracle) healthy(t *state.Task) bool {
	if t.Desired != state.Running || t.Last != state.Running || t.Health == state.HealthUnhealthy {
		return false
	}
	return !o.checked(t) || t.Health == state.HealthHealthy
}

// settled tasks are healthy beyond doubt: after crashes of others like it, only what has run for longer.
func (o *Oracle) settled(t *state.Task) bool {
	if !o.healthy(t) || o.checked(t) {
		return o.healthy(t)
	}
	wait := 2 * o.HealthyAfter
	s := o.services[t.Service]
	if s != nil && s.Throttle.Crashes > 0 {
		wait = crashWatch
	}
	return o.Now().Sub(o.note(t).running) > wait
}

// crashWatch is how long a task must have run to be told from those that crash.
const crashWatch = 45 * time.Second

func (o *Oracle) checked(t *state.Task) bool {
	td := o.definitions[t.TaskDefinition]
	return td != nil && slices.ContainsFunc(td.Containers, checked)
}

func checked(c state.Container) bool {
	return c.Essential && c.HealthCheck != nil && !slices.Equal(c.HealthCheck.Command, []string{"NONE"})
}

// withinRoom expects the tasks of an instance to fit into it, at the commit that puts one there.
func (o *Oracle) withinRoom(old, now *state.Task) {
	if now.Instance == "" || old != nil && old.Instance != "" || !holds(now) {
		return
	}
	i := o.instances[now.Instance]
	if i == nil {
		o.violate("O7", "task %s was placed on instance %s, which is not there", now.Key, now.Instance)
		return
	}
	if i.Status != state.StatusActive || !i.Connected {
		o.violate("O7", "task %s was placed on instance %s, which is %s and connected: %t", now.Key, i.Key, i.Status,
			i.Connected)
	}
	cpu, memory, ports := o.taken(i, now)
	if cpu > i.CPU || memory > i.Memory {
		o.violate("O7", "with task %s, instance %s (cpu %d, memory %d) owes cpu %d, memory %d", now.Key, i.Key, i.CPU,
			i.Memory, cpu, memory)
	}
	slices.Sort(ports)
	for n := 1; n < len(ports); n++ {
		if ports[n] == ports[n-1] {
			o.violate("O7", "with task %s, port %d of instance %s is promised twice", now.Key, ports[n], i.Key)
		}
	}
}

// taken is what the tasks on an instance hold, another one included.
func (o *Oracle) taken(i *state.Instance, with *state.Task) (cpu, memory int, tcp []int) {
	tcp = slices.Clone(i.ReservedTCP)
	add := func(t *state.Task) {
		cpu, memory = cpu+t.Need.CPU, memory+t.Need.Memory
		tcp = append(tcp, t.Need.TCP...)
	}
	for k := range o.byInstance[i.Key] {
		if (with == nil || k != with.Key) && holds(o.tasks[k]) {
			add(o.tasks[k])
		}
	}
	if with != nil {
		add(with)
	}
	return cpu, memory, tcp
}

// holds says whether a task has what its instance gave it: until it is STOPPED, whatever it says.
func holds(t *state.Task) bool { return t.Live() }
