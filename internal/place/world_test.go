package place

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"longshore/internal/state"
)

// world is a transaction's truth for tests.
type world struct {
	instances map[state.InstanceKey]*state.Instance
	order     []state.InstanceKey
	tasks     map[state.TaskKey]*state.Task
	on        map[state.InstanceKey]map[state.TaskKey]*state.Task
	next      int
}

var (
	_ Instances = instancesOf{}
	_ Tasks     = tasksOf{}
)

type (
	instancesOf struct{ *world }
	tasksOf     struct{ *world }
)

var testCluster = state.NewClusterKey(state.Scope{Account: "123456789012", Region: "us-east-1"}, "c")

func newWorld() *world {
	return &world{instances: map[state.InstanceKey]*state.Instance{}, tasks: map[state.TaskKey]*state.Task{},
		on: map[state.InstanceKey]map[state.TaskKey]*state.Task{}}
}

func (w instancesOf) Get(k state.InstanceKey) (*state.Instance, bool) {
	i, ok := w.instances[k]
	return i, ok
}

func (w instancesOf) OfCluster(c state.ClusterKey) iter.Seq[*state.Instance] {
	return func(yield func(*state.Instance) bool) {
		for _, k := range w.order {
			if strings.HasPrefix(string(k), string(c)+"/") && !yield(w.instances[k]) {
				return
			}
		}
	}
}

func (w tasksOf) Get(k state.TaskKey) (*state.Task, bool) {
	t, ok := w.tasks[k]
	return t, ok
}

func (w tasksOf) OfInstance(k state.InstanceKey) iter.Seq[*state.Task] {
	return func(yield func(*state.Task) bool) {
		for _, t := range w.on[k] {
			if t.Live() && !yield(t) {
				return
			}
		}
	}
}

// add makes an ACTIVE, connected instance.
func (w *world) add(id string, cpu, memory int, attributes ...state.Attribute) *state.Instance {
	i := &state.Instance{Key: state.NewInstanceKey(testCluster, id), Kind: state.KindEC2, CPU: cpu, Memory: memory,
		Status: state.StatusActive, Connected: true, Attributes: attributes}
	w.put(i)
	return i
}

func (w *world) put(i *state.Instance) {
	if w.instances[i.Key] == nil {
		w.order = append(w.order, i.Key)
	}
	w.instances[i.Key] = i
}

func (w *world) keep(t *state.Task) {
	w.tasks[t.Key] = t
	if w.on[t.Instance] == nil {
		w.on[t.Instance] = map[state.TaskKey]*state.Task{}
	}
	w.on[t.Instance][t.Key] = t
}

// task is a new, unplaced task of a group.
func (w *world) task(group string, cpu, memory int) *state.Task {
	w.next++
	return &state.Task{Key: state.NewTaskKey(testCluster, fmt.Sprintf("t%07d", w.next)), Group: group, LaunchType: state.LaunchEC2,
		Need: state.Need{CPU: cpu, Memory: memory}, Desired: state.Running, Last: state.Provisioning,
		CreatedAt: time.Unix(int64(w.next), 0)}
}

func (w *world) begin(b *Board) *Session { return b.Begin(instancesOf{w}, tasksOf{w}) }

// run chooses for one task in a session of its own and keeps it.
func (w *world) run(b *Board, t *state.Task) []Refusal {
	s := w.begin(b)
	defer s.End()
	why := s.Choose(Request{Task: t})
	if why == nil {
		w.keep(t)
	}
	return why
}

func (w *world) stop(b *Board, t *state.Task) {
	now := t.Clone()
	now.Last, now.Desired = state.Stopped, state.Stopped
	now.Version++
	w.keep(now)
	b.Note(t, now)
}

func zone(name string) state.Attribute { return state.Attribute{Name: zoneAttribute, Value: name} }

func firstOf(int) int { return 0 }

// counts tasks by what value gives.
func countBy(all iter.Seq[*state.Task], value func(*state.Task) string) map[string]int {
	out := map[string]int{}
	for t := range all {
		if t.Live() && t.Desired == state.Running {
			out[value(t)]++
		}
	}
	return out
}

func skew(counts map[string]int, values []string) int {
	var all []int
	for _, v := range values {
		all = append(all, counts[v])
	}
	return slices.Max(all) - slices.Min(all)
}
