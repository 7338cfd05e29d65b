package oracle

import (
	"strings"
	"time"

	"longshore/internal/state"
)

// Container is the engine's truth about one container at one moment. A simulated engine tells of every change.
type Container struct {
	ID         string
	Task       string // ARN, from the label longshore.task; "" for containers that are not ours
	Name       string // container of the task, from the label longshore.container
	Role       string // "pause" for holders of namespaces, from the label longshore.role
	Running    bool   // paused ones run
	Removed    bool
	Created    time.Time
	StartedAt  time.Time // zero = it never ran
	FinishedAt time.Time
	ExitCode   int
	OOMKilled  bool
	// Error is why it could not start, by the engine's word.
	Error string
	// HostPorts that its process holds while it runs, like "tcp/80".
	HostPorts []string
}

// role is a place that one process at a time may fill.
type role struct{ task, container string }

// seen is a container and what was noted of it.
type seen struct {
	Container
	node   string
	runs   int       // how often it was started
	ended  time.Time // by the oracle's clock
	byHand bool      // it was removed while it ran: its exit code went with it
}

// Engine is told of each change of a container, as it happens.
func (o *Oracle) Engine(node string, c Container) {
	nodes := o.containers[node]
	if nodes == nil {
		nodes = map[string]*seen{}
		o.containers[node] = nodes
	}
	s := nodes[c.ID]
	if s == nil {
		s = &seen{node: node}
		nodes[c.ID] = s
		if ours(c) {
			o.counts.Containers++
			o.byTask[c.Task] = append(o.byTask[c.Task], s)
		}
	}
	was := s.Container
	s.Container = c
	if !ours(c) {
		return
	}
	if c.Removed && !was.Removed {
		s.byHand = was.Running || s.ended.Equal(o.Now())
	}
	switch {
	case c.Running && !was.Running:
		s.runs++
		o.started(s)
	case !c.Running && was.Running:
		s.ended = o.Now()
		delete(o.live[roleOf(c)], node+"/"+c.ID)
		delete(o.orphans, node+"/"+c.ID)
	}
}

func ours(c Container) bool { return c.Task != "" && c.Role == "" }

func roleOf(c Container) role { return role{c.Task, c.Name} }

// started expects a process to be the only one of its kind, and to be wanted.
func (o *Oracle) started(s *seen) {
	o.counts.Started++
	at := roleOf(s.Container)
	if o.live[at] == nil {
		o.live[at] = map[string]bool{}
	}
	for other := range o.live[at] {
		o.violate("O1", "container %s of task %s runs twice: %s/%s beside %s", s.Name, s.Task, s.node, s.ID, other)
	}
	o.live[at][s.node+"/"+s.ID] = true
	t := o.task(s.Task)
	if t != nil && t.Last == state.Stopped && !lost(t) {
		o.violate("O3", "container %s/%s of task %s starts after the task was STOPPED", s.node, s.ID, s.Task)
	}
}

// task by its ARN.
func (o *Oracle) task(arn string) *state.Task { return o.tasks[keyOf(arn)] }

// keyOf turns arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID into account/region/cluster/id.
func keyOf(arn string) state.TaskKey {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 {
		return ""
	}
	return state.TaskKey(p[4] + "/" + p[3] + "/" + strings.TrimPrefix(p[5], "task/"))
}

// lost tasks were given up with their instance: what became of their processes is not known until it comes back.
func lost(t *state.Task) bool { return t.StopCode == state.StopTerminationNotice }

// Tick looks at what only time can break. Call it every second or so.
func (o *Oracle) Tick() {
	now := o.Now()
	for at, ids := range o.live {
		t := o.task(at.task)
		for id := range ids {
			if t != nil && t.Last != state.Stopped {
				delete(o.orphans, id)
				continue
			}
			o.orphan(at, id, now)
		}
	}
	o.waiting(now)
}

// orphan counts the time that a container runs without a task and could have been told so.
func (o *Oracle) orphan(at role, id string, now time.Time) {
	since, ok := o.orphans[id]
	if !ok {
		since = now
		o.orphans[id] = now
	}
	node, _, _ := strings.Cut(id, "/")
	heard := o.heard(node)
	if heard.IsZero() {
		return
	}
	if heard.After(since) {
		since = heard
	}
	if now.Sub(since) > o.OrphanGrace+o.StopTimeout {
		o.violate("O2", "container %s of task %s has run on %s for %s without a task", at.container, at.task, id,
			now.Sub(since))
		o.orphans[id] = now.Add(time.Hour) // said once
	}
}

// heard is since when a node hears the server; the zero time if it does not.
func (o *Oracle) heard(node string) time.Time {
	if o.HeardSince == nil {
		return time.Unix(0, 0)
	}
	heard := o.HeardSince(node)
	served := o.served()
	if heard.IsZero() || served.IsZero() {
		return time.Time{}
	}
	if served.After(heard) {
		return served
	}
	return heard
}

func (o *Oracle) served() time.Time {
	if o.ServedSince == nil {
		return time.Unix(0, 0)
	}
	return o.ServedSince()
}
