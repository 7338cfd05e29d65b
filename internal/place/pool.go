package place

import (
	"strings"

	"longshore/internal/state"
)

// pool is the instances of one cluster (or all FARGATE hosts of a scope).
type pool struct {
	nodes  map[state.InstanceKey]*node
	groups map[groupKey]*group
	lanes  map[laneKey]*lane
	log    []*node // what changed, oldest first; lanes replay it
	start  int     // position of log[0]
	next   int     // order of the next node
	listed uint64  // session that compared the list of instances
}

func newPool() *pool {
	return &pool{nodes: map[state.InstanceKey]*node{}, groups: map[groupKey]*group{}, lanes: map[laneKey]*lane{}}
}

func (p *pool) end() int { return p.start + len(p.log) }

// touch logs that a node changed. A log that outgrew the instances is cut, and lanes that nobody has used
// for so long are made anew when they are next asked for.
func (p *pool) touch(n *node) {
	p.log = append(p.log, n)
	if len(p.log) < 4*len(p.nodes)+1024 {
		return
	}
	cut := len(p.log) / 2
	p.log = append([]*node(nil), p.log[cut:]...)
	p.start += cut
	for k, l := range p.lanes {
		if l.at < p.start {
			delete(p.lanes, k)
		}
	}
}

// putInstance adds an instance or takes its new record; it says whether anything was new.
func (p *pool) putInstance(i *state.Instance) bool {
	n := p.nodes[i.Key]
	if n == nil {
		n = &node{order: p.next, tasks: map[state.TaskKey]*state.Task{}}
		p.next++
		p.nodes[i.Key] = n
	}
	if n.instance == i {
		return false
	}
	for _, t := range n.tasks {
		p.count(n, t, -1)
	}
	n.set(i)
	for _, t := range n.tasks {
		p.count(n, t, 1)
	}
	p.touch(n)
	return true
}

func (p *pool) dropInstance(k state.InstanceKey) {
	n := p.nodes[k]
	if n == nil {
		return
	}
	for key := range n.tasks {
		p.dropTask(n, key)
	}
	delete(p.nodes, k)
	n.gone = true
	p.touch(n)
}

// putTask takes the task's record in place of the one that is known.
func (p *pool) putTask(n *node, t *state.Task) {
	old := n.tasks[t.Key]
	if old == t {
		return
	}
	if old != nil {
		n.take(old, -1)
		p.count(n, old, -1)
	}
	n.tasks[t.Key] = t
	n.take(t, 1)
	p.count(n, t, 1)
	p.touch(n)
}

func (p *pool) dropTask(n *node, k state.TaskKey) {
	old := n.tasks[k]
	if old == nil {
		return
	}
	delete(n.tasks, k)
	n.take(old, -1)
	p.count(n, old, -1)
	p.touch(n)
}

// count adds a task to its group, or takes it out.
func (p *pool) count(n *node, t *state.Task, sign int) {
	if !counted(t) {
		return
	}
	key := groupOf(t)
	g := p.groups[key]
	if g == nil {
		g = &group{on: map[*node]int{}, zones: map[string]int{}}
		p.groups[key] = g
	}
	add(g.on, n, sign)
	add(g.zones, t.Zone, sign)
	for joined, counts := range g.counts {
		add(counts, n.tuple(joined, split(joined)), sign)
	}
	if len(g.on) == 0 {
		delete(p.groups, key)
	}
}

func add[K comparable](m map[K]int, k K, sign int) {
	m[k] += sign
	if m[k] == 0 {
		delete(m, k)
	}
}

// spread counts the group's tasks by the values of the named attributes.
func (g *group) spread(joined string) map[string]int {
	if g == nil {
		return nil
	}
	counts, ok := g.counts[joined]
	if ok {
		return counts
	}
	counts = map[string]int{}
	names := split(joined)
	for n, tasks := range g.on {
		counts[n.tuple(joined, names)] += tasks
	}
	if g.counts == nil {
		g.counts = map[string]map[string]int{}
	}
	g.counts[joined] = counts
	return counts
}

// join and split make one map key of attribute names.
func join(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, "\x00") + "\x00"
}

func split(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(joined, "\x00"), "\x00")
}
