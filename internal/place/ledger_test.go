package place

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"longshore/internal/state"
)

// life is a world whose instances come, change and go, and whose tasks are placed and end, with a Board that is
// told of everything.
type life struct {
	*rapid.T
	w     *world
	b     *Board
	next  int
	asked []Request // a request of every kind so far
}

func TestAfterAnyHistoryTheBoardIsWhatOneBuiltAnewWouldBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{T: t, w: newWorld(), b: NewBoard(firstOf)}
		if rapid.Bool().Draw(t, "sole") {
			l.b.Sole()
		}
		for range rapid.IntRange(1, 4).Draw(t, "instances") {
			l.join()
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				l.join()
			case 1:
				l.lose()
			case 2:
				l.change()
			case 3, 4:
				l.end()
			default:
				l.place()
			}
			l.check()
		}
	})
}

func (l *life) join() {
	l.next++
	i := l.w.add(fmt.Sprint("i", l.next), rapid.IntRange(0, 10).Draw(l.T, "cpu"), 10,
		zone(rapid.SampledFrom([]string{"a", "b"}).Draw(l.T, "zone")),
		state.Attribute{Name: "rack", Value: rapid.SampledFrom([]string{"1", "2"}).Draw(l.T, "rack")})
	i.GPUs = []string{"g1", "g2"}[:rapid.IntRange(0, 2).Draw(l.T, "gpus")]
	i.ReservedTCP = []int{22}
	l.b.Note(nil, i)
}

func (l *life) instance() *state.Instance {
	if len(l.w.order) == 0 {
		return nil
	}
	return l.w.instances[rapid.SampledFrom(l.w.order).Draw(l.T, "instance")]
}

// lose takes an instance away: its tasks end, as control/presence says, before or after its record is gone.
func (l *life) lose() {
	i := l.instance()
	if i == nil {
		return
	}
	first := rapid.Bool().Draw(l.T, "tasks first")
	if !first {
		l.drop(i)
	}
	for _, k := range slices.Sorted(maps.Keys(l.w.on[i.Key])) {
		if l.w.tasks[k].Live() {
			l.w.stop(l.b, l.w.tasks[k])
		}
	}
	if first {
		l.drop(i)
	}
}

func (l *life) drop(i *state.Instance) {
	delete(l.w.instances, i.Key)
	l.w.order = slices.DeleteFunc(l.w.order, func(k state.InstanceKey) bool { return k == i.Key })
	l.b.Note(i, nil)
}

func (l *life) change() {
	old := l.instance()
	if old == nil {
		return
	}
	i := *old
	switch rapid.IntRange(0, 3).Draw(l.T, "what") {
	case 0:
		i.Status = rapid.SampledFrom([]string{state.StatusActive, state.StatusDraining}).Draw(l.T, "status")
	case 1:
		i.Connected = !i.Connected
	case 2:
		i.Attributes = []state.Attribute{zone("c"), {Name: "rack", Value: "1"}}
	case 3:
		i.CPU += 3
	}
	l.w.put(&i)
	l.b.Note(old, &i)
}

// end moves a task on: it is to stop, or it has stopped.
func (l *life) end() {
	var live []*state.Task
	for _, k := range slices.Sorted(maps.Keys(l.w.tasks)) {
		if l.w.tasks[k].Live() {
			live = append(live, l.w.tasks[k])
		}
	}
	if len(live) == 0 {
		return
	}
	old := rapid.SampledFrom(live).Draw(l.T, "task")
	now := old.Clone()
	now.Version++
	switch rapid.IntRange(0, 2).Draw(l.T, "how") {
	case 0:
		now.Last = state.Running
	case 1:
		now.Desired = state.Stopped
	case 2:
		now.Desired, now.Last = state.Stopped, state.Stopped
	}
	l.w.keep(now)
	l.b.Note(old, now)
}

// place asks for a burst of tasks, which the transaction keeps or, failing, does not.
func (l *life) place() {
	s := l.w.begin(l.b)
	var chosen []*state.Task
	for range rapid.IntRange(1, 4).Draw(l.T, "tasks") {
		t := l.w.task(rapid.SampledFrom([]string{"service:a", "service:b"}).Draw(l.T, "group"),
			rapid.IntRange(0, 4).Draw(l.T, "cpu"), rapid.IntRange(0, 4).Draw(l.T, "memory"))
		t.Strategy = rapid.SampledFrom([][]state.PlacementStrategy{nil, {{Type: "binpack", Field: "memory"}},
			{{Type: "spread", Field: "attribute:ecs.availability-zone"}}, {{Type: "spread", Field: "instanceId"}}}).Draw(l.T, "strategy")
		t.Constraints = rapid.SampledFrom([][]state.PlacementConstraint{nil, {{Type: "distinctInstance"}},
			{{Type: "memberOf", Expression: "attribute:rack == 1"}}}).Draw(l.T, "constraints")
		t.Need.GPUs = rapid.IntRange(0, 1).Draw(l.T, "gpus")
		t.Need.TCP = rapid.SampledFrom([][]int{nil, {80}, {80, 81}, {22}}).Draw(l.T, "ports")
		l.asked = append(l.asked, Request{Task: t})
		if s.Choose(Request{Task: t}) == nil {
			chosen = append(chosen, t)
		}
	}
	s.End()
	if rapid.IntRange(0, 5).Draw(l.T, "fails") == 0 {
		return
	}
	for _, t := range chosen {
		l.distinct(t)
		l.w.keep(t)
		l.b.Note(nil, t)
	}
}

// distinct holds distinctInstance against the truth: no other task of the group is where this one goes.
func (l *life) distinct(t *state.Task) {
	if len(t.Constraints) == 0 || t.Constraints[0].Type != "distinctInstance" {
		return
	}
	for x := range (tasksOf{l.w}).OfInstance(t.Instance) {
		if x.Group == t.Group && x.Desired == state.Running {
			l.Fatalf("%s and %s of %s are both on %s", x.Key, t.Key, t.Group, t.Instance)
		}
	}
}

// check compares the Board with one that reads everything anew, and both with the sums over all tasks.
func (l *life) check() {
	fresh := NewBoard(firstOf)
	s := l.w.begin(fresh)
	want := s.pool(testCluster)
	s.End()
	s = l.w.begin(l.b) // what a failed transaction did not keep is given back here
	got := s.pool(testCluster)
	s.End()
	if len(got.nodes) != len(want.nodes) {
		l.Fatalf("the board knows %d instances of %d", len(got.nodes), len(want.nodes))
	}
	for k, n := range want.nodes {
		l.sums(n)
		g := got.nodes[k]
		if a, b := ledgerOf(g), ledgerOf(n); !reflect.DeepEqual(a, b) {
			l.Fatalf("%s: the board has %+v, built anew it has %+v", k, a, b)
		}
	}
	if a, b := groupsOf(got), groupsOf(want); !reflect.DeepEqual(a, b) {
		l.Fatalf("groups: the board has %v, built anew it has %v", a, b)
	}
	for _, r := range l.asked {
		a, b := l.rows(got, l.b.plan(r)), l.rows(want, fresh.plan(r))
		if !reflect.DeepEqual(a, b) {
			l.Fatalf("lane of %v: the board has %v, built anew it has %v", r.Task.Strategy, a, b)
		}
	}
}

// sums holds what a node has left against its tasks: nothing overcommitted, no port given twice.
func (l *life) sums(n *node) {
	i := n.instance
	cpu, memory, gpus, ports := 0, 0, 0, map[int]int{}
	for t := range (tasksOf{l.w}).OfInstance(i.Key) {
		cpu, memory, gpus = cpu+t.Need.CPU, memory+t.Need.Memory, gpus+t.Need.GPUs
		for _, p := range t.Need.TCP {
			ports[p]++
			if ports[p] > 1 || p == 22 {
				l.Fatalf("port %d of %s is given %d times", p, i.Key, ports[p])
			}
		}
	}
	if cpu > i.CPU || memory > i.Memory || gpus > len(i.GPUs) {
		l.Fatalf("%s is overcommitted: %d cpu, %d memory, %d gpus of %+v", i.Key, cpu, memory, gpus, i)
	}
	if n.cpu != i.CPU-cpu || n.memory != i.Memory-memory || n.gpus != len(i.GPUs)-gpus || len(n.tcp) != len(ports) {
		l.Fatalf("%s: the ledger %+v is not the sum of its tasks", i.Key, ledgerOf(n))
	}
}

type ledger struct {
	CPU, Memory, GPUs, Running int
	TCP                        map[int]int
	Tasks                      map[state.TaskKey]int64
}

func ledgerOf(n *node) ledger {
	out := ledger{n.cpu, n.memory, n.gpus, n.running, maps.Clone(n.tcp), map[state.TaskKey]int64{}}
	if len(out.TCP) == 0 {
		out.TCP = nil
	}
	for k, t := range n.tasks {
		out.Tasks[k] = t.Version
	}
	return out
}

// groupsOf counts each group's tasks by instance and by zone.
func groupsOf(p *pool) map[string]map[string]int {
	out := map[string]map[string]int{}
	for k, g := range p.groups {
		counts := map[string]int{}
		for n, tasks := range g.on {
			counts[string(n.instance.Key)] = tasks
		}
		for z, tasks := range g.zones {
			counts["zone "+z] = tasks
		}
		for value, tasks := range g.spread(join([]string{zoneAttribute})) {
			counts["spread "+value] = tasks
		}
		out[k.group] = counts
	}
	return out
}

// rows lists a plan's lane, bucket by bucket, without the order of arrival; the trees must be in order.
func (l *life) rows(p *pool, pl *plan) []string {
	var out []string
	lane := p.lane(pl, p.groups[pl.group])
	for value, b := range lane.buckets {
		var last *entry
		var walk func(e *entry) int
		walk = func(e *entry) int {
			if e == nil {
				return 0
			}
			size := walk(e.left)
			if last != nil && !last.key.less(e.key) {
				l.Fatalf("a tree is out of order: %v before %v", last.key, e.key)
			}
			last = e
			out = append(out, fmt.Sprint(value, e.node.instance.Key, " ", e.key.group, e.key.measure, e.cpu, e.memory))
			size += 1 + walk(e.right)
			if e.size != size {
				l.Fatalf("a tree counts %d entries of %d", e.size, size)
			}
			return size
		}
		walk(b.root)
	}
	slices.Sort(out)
	return out
}
