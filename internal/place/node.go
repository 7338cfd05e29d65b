package place

import (
	"iter"

	"longshore/internal/place/cql"
	"longshore/internal/state"
)

// node is an instance with what is left of it.
type node struct {
	instance *state.Instance
	order    int // rank of arrival, to break ties
	tasks    map[state.TaskKey]*state.Task
	running  int
	cpu      int // free, may be negative
	memory   int
	gpus     int
	tcp, udp map[int]int // tasks that hold a host port
	tuples   map[string]string
	checked  uint64 // session that compared its record with the transaction's
	compared uint64 // session that compared its tasks
	gone     bool
}

// group is the set of tasks that spread and distinctInstance count together.
type group struct {
	on     map[*node]int
	zones  map[string]int            // by the zone of the task
	counts map[string]map[string]int // attribute names → their values → tasks; kept for names once asked for
}

type groupKey struct {
	cluster state.ClusterKey
	group   string
}

func groupOf(t *state.Task) groupKey { return groupKey{t.Key.Cluster(), t.Group} }

// holds says whether the task takes room on its instance.
func holds(t *state.Task) bool { return t.Instance != "" && t.Live() && t.Released.IsZero() }

// counted says whether strategies and distinctInstance see the task: ECS looks at the desired status, so a
// task that is on its way out does not keep another one away.
func counted(t *state.Task) bool { return holds(t) && t.Desired == state.Running }

// set takes the instance's registered resources as the new total.
func (n *node) set(i *state.Instance) {
	if n.instance != nil {
		n.cpu -= n.instance.CPU
		n.memory -= n.instance.Memory
		n.gpus -= len(n.instance.GPUs)
	}
	n.instance, n.tuples = i, nil
	n.cpu += i.CPU
	n.memory += i.Memory
	n.gpus += len(i.GPUs)
}

// take adds (sign 1) or gives back (sign -1) what a task needs.
func (n *node) take(t *state.Task, sign int) {
	n.cpu -= sign * t.Need.CPU
	n.memory -= sign * t.Need.Memory
	n.gpus -= sign * t.Need.GPUs
	if t.Last == state.Running {
		n.running += sign
	}
	for p := range ports(t, "tcp") {
		n.tcp = use(n.tcp, p, sign)
	}
	for p := range ports(t, "udp") {
		n.udp = use(n.udp, p, sign)
	}
}

func use(m map[int]int, port, sign int) map[int]int {
	if m == nil {
		m = map[int]int{}
	}
	m[port] += sign
	if m[port] == 0 {
		delete(m, port)
	}
	return m
}

// ports yields the host ports that a task keeps from others: those it asked for, and those it was given.
func ports(t *state.Task, protocol string) iter.Seq[int] {
	fixed := t.Need.TCP
	if protocol == "udp" {
		fixed = t.Need.UDP
	}
	return func(yield func(int) bool) {
		for _, p := range fixed {
			if !yield(p) {
				return
			}
		}
		if t.Network != nil {
			return // its ports are on an address of its own
		}
		for i := range t.Containers {
			for _, b := range t.Containers[i].NetworkBindings {
				if b.Protocol == protocol && b.HostPort != 0 && !yield(b.HostPort) {
					return
				}
			}
		}
	}
}

// short names the first thing of need that the node has too little of, or is empty.
func (n *node) short(need *state.Need) string {
	switch {
	case n.cpu < need.CPU:
		return CodeCPU
	case n.memory < need.Memory:
		return CodeMemory
	case !free(n.tcp, n.instance.ReservedTCP, need.TCP) || !free(n.udp, n.instance.ReservedUDP, need.UDP):
		return CodePorts
	case n.gpus < need.GPUs:
		return CodeGPU
	}
	return ""
}

func free(used map[int]int, reserved, need []int) bool {
	for _, p := range need {
		if used[p] > 0 {
			return false
		}
		for _, r := range reserved {
			if r == p {
				return false
			}
		}
	}
	return true
}

// tuple joins the values of the named attributes; names are joined the same way.
func (n *node) tuple(joined string, names []string) string {
	v, ok := n.tuples[joined]
	if ok {
		return v
	}
	for _, name := range names {
		v += n.instance.Attribute(name) + "\x00"
	}
	if n.tuples == nil {
		n.tuples = map[string]string{}
	}
	n.tuples[joined] = v
	return v
}

func (n *node) subject() cql.Subject {
	return cql.Subject{Instance: n.instance, RunningTasks: n.running, Groups: n.groups}
}

func (n *node) groups(yield func(string) bool) {
	for _, t := range n.tasks {
		if t.Desired == state.Running && !yield(t.Group) {
			return
		}
	}
}
