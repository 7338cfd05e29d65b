package oracle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

var (
	cluster = state.NewClusterKey(state.Scope{Account: "111122223333", Region: "us-east-1"}, "default")
	web     = state.NewServiceKey(cluster, "web")
	first   = state.NewDeploymentKey(web, "1")
	box     = state.NewInstanceKey(cluster, "i1")
	plain   = state.NewFamilyKey(cluster.Scope(), "plain").Revision(1)
)

// rig is a world that a test tells of by hand.
type rig struct {
	*Oracle
	t      *testing.T
	clock  time.Time
	broken []string
	rev    uint64
	rows   map[string]any
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, clock: time.Unix(1_000_000, 0), rows: map[string]any{}}
	r.Oracle = New(Config{Now: func() time.Time { return r.clock }, Violate: func(invariant, _ string) {
		r.broken = append(r.broken, invariant)
	}, Node: func(state.InstanceKey) string { return "n1" }})
	td := &state.TaskDefinition{Key: plain, Containers: []state.Container{{Name: "main", Image: "web", Essential: true}}}
	r.put("taskdefinitions", string(plain), td)
	r.put("instances", string(box), &state.Instance{Key: box, Kind: state.KindEC2, Status: state.StatusActive,
		Connected: true, CPU: 1024, Memory: 1024, ReservedTCP: []int{22}})
	r.put("deployments", string(first), &state.Deployment{Key: first, Service: web, TaskDefinition: plain,
		Status: state.DeploymentPrimary, Rollout: state.RolloutCompleted})
	r.put("services", string(web), &state.Service{Key: web, Status: state.StatusActive,
		Scheduling: state.SchedulingReplica, DesiredCount: 3, TaskDefinition: plain,
		Deploy: state.DeployConfig{MinimumHealthyPercent: 50, MaximumPercent: 150}})
	return r
}

// put commits one record; nil deletes it.
func (r *rig) put(table, key string, record any) {
	r.rev++
	r.Commit(r.rev, []store.Change{{Table: table, Key: key, Old: r.rows[table+key], New: record}})
	r.rows[table+key] = record
	if record == nil {
		delete(r.rows, table+key)
	}
}

// task n of the service, as it is after edit.
func (r *rig) task(n int, edit func(*state.Task)) *state.Task {
	k := state.NewTaskKey(cluster, fmt.Sprint("t", n))
	t := &state.Task{Key: k, TaskDefinition: plain, Service: web, Deployment: first, LaunchType: state.LaunchEC2,
		Desired: state.Running, Last: state.Pending, Instance: box, Need: state.Need{CPU: 100, Memory: 100},
		Containers: []state.TaskContainer{{Name: "main", Last: state.Pending}}}
	old, ok := r.rows["tasks"+string(k)].(*state.Task)
	if ok {
		t = old.Clone()
	}
	edit(t)
	r.put("tasks", string(k), t)
	return t
}

func runs(t *state.Task) { t.Last, t.StartedAt = state.Running, time.Unix(1, 0) }

func stops(code string) func(*state.Task) {
	return func(t *state.Task) { t.Desired, t.StopCode, t.StoppedReason = state.Stopped, code, "because" }
}

func ended(code int) func(*state.Task) {
	return func(t *state.Task) {
		t.Last, t.Desired, t.StoppedAt = state.Stopped, state.Stopped, time.Unix(2, 0)
		if t.StopCode == "" {
			t.StopCode, t.StoppedReason = state.StopEssentialExited, "because"
		}
		t.Containers[0].Last = state.Stopped
		if code >= 0 {
			t.Containers[0].ExitCode = &code
		}
	}
}

// process of task n, as it is after edit.
func (r *rig) process(id string, n int, edit func(*Container)) {
	c := Container{ID: id, Task: state.NewTaskKey(cluster, fmt.Sprint("t", n)).ARN(), Name: "main"}
	if s := r.containers["n1"][id]; s != nil {
		c = s.Container
	}
	edit(&c)
	r.Engine("n1", c)
}

func up(c *Container) { c.Running, c.StartedAt = true, time.Unix(1, 0) }

func down(code int) func(*Container) {
	return func(c *Container) { c.Running, c.FinishedAt, c.ExitCode = false, time.Unix(2, 0), code }
}

func (r *rig) later(d time.Duration) { r.clock = r.clock.Add(d); r.Tick() }

func nothing(*state.Task) {}

// scenario is what a rig is told, and what must come of it.
type scenario struct {
	name string
	want string // invariants in order; "" = none
	do   func(*rig)
}

func (s scenario) run(t *testing.T) {
	r := newRig(t)
	s.do(r)
	if got := strings.Join(slices.Compact(r.broken), " "); got != s.want {
		t.Errorf("called out %q, want %q", got, s.want)
	}
}

func TestEachInvariantIsCalledOutAndOnlyThen(t *testing.T) {
	for _, c := range []scenario{
		{"revisions grow", "", func(r *rig) { r.Commit(r.rev+5, nil) }},
		{"a revision comes twice", "D4", func(r *rig) { r.Commit(r.rev, nil) }},
		{"a task id comes twice", "D4", func(r *rig) {
			k := string(r.task(1, nothing).Key)
			r.put("tasks", k, nil)
			r.task(1, nothing)
		}},
		{"an event is told before another", "D4", func(r *rig) {
			r.put("events", string(web)+"/0000/2/x", &state.Event{Key: string(web) + "/0000/2/x", Service: web})
			r.put("events", string(web)+"/0000/1/y", &state.Event{Key: string(web) + "/0000/1/y", Service: web})
		}},
		{"revisions have no gap", "D6", func(r *rig) {
			f := plain.Family()
			r.put("families", string(f), &state.Family{Key: f, Last: 1})
			r.put("families", string(f), &state.Family{Key: f, Last: 3})
		}},
		{"a call is sent twice and has two effects", "D5", func(r *rig) {
			r.task(1, func(t *state.Task) { t.StartedBy, t.Service = EffectPrefix+"1-x", "" })
			r.task(2, func(t *state.Task) { t.StartedBy, t.Service = EffectPrefix+"1-x", "" })
		}},
		{"one process for a container", "", func(r *rig) {
			r.task(1, nothing)
			r.process("a", 1, up)
			r.process("a", 1, down(0))
			r.process("b", 1, up)
		}},
		{"two processes for a container", "O1", func(r *rig) {
			r.task(1, nothing)
			r.process("a", 1, up)
			r.process("b", 1, up)
		}},
		{"a process without a task", "O2", func(r *rig) {
			r.process("a", 9, up)
			r.later(time.Second)
			r.later(2 * time.Minute)
			r.later(2 * time.Minute)
		}},
		{"a process without a task, for a moment", "", func(r *rig) {
			r.process("a", 9, up)
			r.later(time.Second)
			r.process("a", 9, down(0))
			r.later(2 * time.Minute)
		}},
		{"a status goes back", "O3", func(r *rig) {
			r.task(1, runs)
			r.task(1, func(t *state.Task) { t.Last = state.Pending })
		}},
		{"a stop is forgotten", "O3", func(r *rig) {
			r.task(1, stops(state.StopUserInitiated))
			r.task(1, func(t *state.Task) { t.Desired = state.Running })
		}},
		{"STOPPED before the process is gone", "O3", func(r *rig) {
			r.task(1, runs)
			r.process("a", 1, up)
			r.task(1, ended(0))
		}},
		{"a process comes up after STOPPED", "O3", func(r *rig) {
			r.task(1, func(t *state.Task) { t.StopCode, t.StoppedReason = state.StopUserInitiated, "because" })
			r.task(1, ended(-1))
			r.process("a", 1, up)
		}},
		{"the scheduler stops too many", "O5", func(r *rig) {
			for n := range 3 {
				r.task(n, runs)
			}
			r.later(time.Minute)
			r.task(0, stops(state.StopServiceScheduler))
			r.task(1, stops(state.StopServiceScheduler))
		}},
		{"the scheduler stops what it may", "", func(r *rig) {
			for n := range 3 {
				r.task(n, runs)
			}
			r.later(time.Minute)
			r.task(0, stops(state.StopServiceScheduler))
			r.task(1, stops(state.StopUserInitiated))
		}},
		{"the scheduler starts too many", "O5", func(r *rig) {
			for n := range 5 { // ⌊3 × 150 %⌋ = 4
				r.task(n, nothing)
			}
		}},
		{"what stops does not count", "", func(r *rig) {
			for n := range 8 {
				r.task(n, nothing)
				r.task(n, stops(state.StopUserInitiated))
			}
		}},
		{"COMPLETED without the tasks", "O4", func(r *rig) {
			next := state.NewDeploymentKey(web, "2")
			r.put("deployments", string(next), &state.Deployment{Key: next, Service: web, Rollout: state.RolloutCompleted})
		}},
		{"ports come back before the end", "O3", func(r *rig) {
			r.task(1, runs)
			r.task(1, func(t *state.Task) { t.Released = r.clock })
		}},
		{"a task is placed where none may be", "O7", func(r *rig) {
			r.put("instances", string(box), &state.Instance{Key: box, Status: state.StatusDraining, Connected: true,
				CPU: 1024, Memory: 1024})
			r.task(1, nothing)
		}},
		{"an instance is given up while it is there", "O3", func(r *rig) {
			r.task(1, runs)
			r.task(1, func(t *state.Task) { t.StopCode, t.StoppedReason = state.StopTerminationNotice, "lost" })
			r.task(1, ended(-1))
		}},
		{"a task outlives its service", "O4", func(r *rig) {
			r.task(1, runs)
			r.process("a", 1, up)
			r.put("services", string(web), &state.Service{Key: web, Status: state.StatusInactive})
			r.Quiet()
		}},
		{"a task waits and says nothing", "O6", func(r *rig) {
			r.task(1, func(t *state.Task) { t.Instance = "" })
			r.later(2 * time.Minute)
			r.later(2 * time.Minute)
		}},
		{"a task waits and says why", "", func(r *rig) {
			r.task(1, func(t *state.Task) {
				t.Instance, t.Need.CPU, t.Waiting = "", 2000, &state.Waiting{Code: "RESOURCE:CPU"}
			})
			r.later(2 * time.Minute)
		}},
		{"an instance owes more than it has", "O7", func(r *rig) {
			r.task(1, func(t *state.Task) { t.Need.CPU = 600 })
			r.task(2, func(t *state.Task) { t.Need.CPU = 600 })
		}},
		{"what ended owes nothing", "", func(r *rig) {
			r.task(1, func(t *state.Task) { t.Need.CPU, t.StopCode, t.StoppedReason = 600, state.StopUserInitiated, "because" })
			r.task(1, ended(-1))
			r.task(2, func(t *state.Task) { t.Need.CPU = 600 })
		}},
		{"a port is promised twice", "O7", func(r *rig) {
			r.task(1, func(t *state.Task) { t.Need.TCP = []int{80} })
			r.task(2, func(t *state.Task) { t.Need.TCP = []int{80} })
		}},
		{"the true exit code", "", func(r *rig) {
			r.task(1, runs)
			r.process("a", 1, up)
			r.process("a", 1, down(3))
			r.task(1, ended(3))
		}},
		{"another exit code", "O8", func(r *rig) {
			r.task(1, runs)
			r.process("a", 1, up)
			r.process("a", 1, down(3))
			r.task(1, ended(0))
		}},
		{"no exit code", "O8", func(r *rig) {
			r.task(1, runs)
			r.process("a", 1, up)
			r.process("a", 1, down(3))
			r.task(1, ended(-1))
		}},
		{"an OOM kill is not told", "O8", func(r *rig) {
			r.task(1, runs)
			r.process("a", 1, up)
			r.process("a", 1, func(c *Container) { down(137)(c); c.OOMKilled = true })
			r.task(1, ended(137))
		}},
		{"an exit of what never ran", "O8", func(r *rig) {
			r.task(1, nothing)
			r.task(1, ended(-1))
		}},
		{"a reason changes", "O8", func(r *rig) {
			r.task(1, stops(state.StopUserInitiated))
			r.task(1, stops(state.StopServiceScheduler))
		}},
		{"a lost task's process is not known", "", func(r *rig) {
			r.task(1, runs)
			r.process("a", 1, up)
			r.put("instances", string(box), &state.Instance{Key: box, Status: state.StatusActive})
			r.later(10 * time.Minute)
			r.task(1, func(t *state.Task) { t.StopCode, t.StoppedReason = state.StopTerminationNotice, "lost" })
			r.task(1, ended(-1))
		}},
		{"a service lacks tasks at rest", "O4", func(r *rig) { r.Quiet() }},
		{"a service has its tasks at rest", "", func(r *rig) {
			for n := range 3 {
				r.task(n, runs)
				r.process(fmt.Sprint("p", n), n, up)
			}
			r.Quiet()
		}},
		{"RUNNING at rest without a process", "O3", func(r *rig) {
			for n := range 3 {
				r.task(n, runs)
				r.process(fmt.Sprint("p", n), n, up)
			}
			r.process("p1", 1, down(0))
			r.Quiet()
		}},
		{"nobody is woken by room", "O7", func(r *rig) {
			r.task(1, func(t *state.Task) { t.Instance, t.Waiting = "", &state.Waiting{Code: "RESOURCE:CPU"} })
			for range 30 {
				r.Commit(r.rev+1, nil)
				r.rev++
				r.later(time.Second)
			}
		}},
		{"a task waits for room that is there", "O7", func(r *rig) {
			r.put("services", string(web), nil)
			r.task(1, func(t *state.Task) {
				t.Service, t.Instance, t.Waiting = "", "", &state.Waiting{Code: "RESOURCE:CPU"}
			})
			r.Quiet()
		}},
	} {
		t.Run(c.name, c.run)
	}
}

// written is a view with some clusters.
func written(t *testing.T, names ...string) store.View {
	s, err := store.Open(context.Background(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			tx.Clusters().Put(&state.Cluster{Key: state.NewClusterKey(cluster.Scope(), name), Status: state.StatusActive})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s.View()
}

func TestARestartComesBackToWhatWasPublished(t *testing.T) {
	a := state.NewClusterKey(cluster.Scope(), "a")
	for _, c := range []struct {
		name, want string
		status     string // as published with revision 1
		found      []string
	}{
		{"all of it", "", state.StatusActive, []string{"a"}},
		{"and what nobody heard of yet", "", state.StatusActive, []string{"a", "b"}},
		{"less", "D1", state.StatusActive, nil},
		{"something else", "D1", state.StatusInactive, []string{"a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.forget()
			r.Oracle.rev = 0
			r.Commit(1, []store.Change{{Table: "clusters", Key: string(a), New: &state.Cluster{Key: a, Status: c.status}}})
			r.Reopened(written(t, c.found...))
			if got := strings.Join(slices.Compact(r.broken), " "); got != c.want {
				t.Errorf("called out %q, want %q", got, c.want)
			}
		})
	}
}
