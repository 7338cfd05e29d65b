package place

import (
	"context"
	"iter"
	"sync"

	"longshore/internal/state"
)

// Board remembers what every instance has left.
type Board struct {
	chance func(n int) int
	sole   bool

	mu      sync.Mutex
	pools   map[state.ClusterKey]*pool
	plans   map[planKey]*plan
	loose   []loose // chosen by the last session; the next one checks whether they came to be
	session uint64
	rev     uint64
	moved   chan struct{} // closed when rev grows
}

type loose struct {
	task     state.TaskKey
	instance state.InstanceKey
}

// NewBoard makes an empty Board; clusters are read when they are first asked for. chance draws from [0, n)
// for the random strategy.
func NewBoard(chance func(n int) int) *Board {
	return &Board{chance: chance, pools: map[state.ClusterKey]*pool{}, plans: map[planKey]*plan{},
		moved: make(chan struct{})}
}

// Sole tells the Board that no task gets an instance but through it, as on a single server. Then it need not
// compare the tasks of what it chose with the transaction, which costs as much as an instance has tasks; the
// instance's own record is compared all the same. To be called before the first session.
func (b *Board) Sole() { b.sole = true }

// Note takes one change of a record; others than instances and tasks are ignored. Changes may be told late
// or twice, but in order.
func (b *Board) Note(old, now any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(old, now)
}

// NoteAll takes the changes of one commit that each gives, in one go, and with them the Board has Reached its
// revision.
func (b *Board) NoteAll(rev uint64, each func(note func(old, now any))) {
	b.mu.Lock()
	defer b.mu.Unlock()
	each(b.note)
	b.reach(rev)
}

func (b *Board) note(old, now any) {
	switch x := now.(type) {
	case *state.Instance:
		p := b.pools[x.Key.Cluster()]
		if p != nil {
			p.putInstance(x)
		}
		return
	case *state.Task:
		b.noteTask(x)
		return
	}
	switch x := old.(type) {
	case *state.Instance:
		p := b.pools[x.Key.Cluster()]
		if p != nil {
			p.dropInstance(x.Key)
		}
	case *state.Task:
		p, n := b.node(x.Instance)
		if n != nil {
			p.dropTask(n, x.Key)
		}
	}
}

func (b *Board) noteTask(t *state.Task) {
	p, n := b.node(t.Instance)
	if n == nil {
		return
	}
	known := n.tasks[t.Key]
	switch {
	case known != nil && known.Version > t.Version: // told late
	case holds(t):
		p.putTask(n, t)
	default:
		p.dropTask(n, t.Key)
	}
}

func (b *Board) node(k state.InstanceKey) (*pool, *node) {
	if k == "" {
		return nil, nil
	}
	p := b.pools[k.Cluster()]
	if p == nil {
		return nil, nil
	}
	return p, p.nodes[k]
}

// Reached says that every change up to a revision of the store was noted.
func (b *Board) Reached(rev uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reach(rev)
}

func (b *Board) reach(rev uint64) {
	if rev > b.rev {
		b.rev = rev
		close(b.moved)
		b.moved = make(chan struct{})
	}
}

// Await waits until the Board has seen a revision: whoever was told of room that came free finds it then.
func (b *Board) Await(ctx context.Context, rev uint64) error {
	for {
		b.mu.Lock()
		done, moved := b.rev >= rev, b.moved
		b.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Forget drops everything: after an Update failed that may have lost what earlier sessions chose.
func (b *Board) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.pools)
	b.loose = nil
}

// Instances is what a transaction of the store knows of container instances.
type Instances interface {
	Get(state.InstanceKey) (*state.Instance, bool)
	OfCluster(state.ClusterKey) iter.Seq[*state.Instance]
}

// Tasks is what a transaction of the store knows of tasks.
type Tasks interface {
	Get(state.TaskKey) (*state.Task, bool)
	OfInstance(state.InstanceKey) iter.Seq[*state.Task]
}

// Session places tasks in one transaction. It must be ended.
type Session struct {
	b         *Board
	instances Instances
	tasks     Tasks
	failed    map[failure][]Refusal
}

// Begin locks the Board for one transaction, given tx.Instances() and tx.Tasks(). What an earlier session
// chose and its transaction did not keep is given back first.
func (b *Board) Begin(instances Instances, tasks Tasks) *Session {
	b.mu.Lock()
	b.session++
	for _, x := range b.loose {
		t, ok := tasks.Get(x.task)
		if ok && t.Instance == x.instance {
			continue
		}
		p, n := b.node(x.instance)
		if n != nil {
			p.dropTask(n, x.task)
		}
	}
	b.loose = b.loose[:0]
	return &Session{b: b, instances: instances, tasks: tasks, failed: map[failure][]Refusal{}}
}

// End unlocks the Board.
func (s *Session) End() { s.b.mu.Unlock() }

// pool of a cluster, read from the transaction the first time.
func (s *Session) pool(k state.ClusterKey) *pool {
	p := s.b.pools[k]
	if p != nil {
		return p
	}
	p = newPool()
	s.b.pools[k] = p
	for i := range s.instances.OfCluster(k) {
		p.putInstance(i)
		s.check(p, p.nodes[i.Key])
	}
	return p
}

// check compares a node with the transaction's truth, once a session, and says whether it was right.
func (s *Session) check(p *pool, n *node) bool {
	if n.checked == s.b.session {
		return true
	}
	n.checked = s.b.session
	i, ok := s.instances.Get(n.instance.Key)
	if !ok {
		p.dropInstance(n.instance.Key)
		return false
	}
	before := p.end()
	p.putInstance(i)
	if n.compared == 0 || !s.b.sole {
		s.compare(p, n)
	}
	return p.end() == before
}

// compare takes the transaction's tasks of an instance for the Board's.
func (s *Session) compare(p *pool, n *node) {
	n.compared = s.b.session
	truth := 0
	for t := range s.tasks.OfInstance(n.instance.Key) {
		if holds(t) {
			truth++
			p.putTask(n, t)
		}
	}
	if truth < len(n.tasks) {
		mine := s.chosen(n)
		for k := range n.tasks {
			t, ok := s.tasks.Get(k)
			if !mine[k] && (!ok || !holds(t)) {
				p.dropTask(n, k)
			}
		}
	}
}

// chosen are the tasks that this session put on a node: the transaction may not have them yet.
func (s *Session) chosen(n *node) map[state.TaskKey]bool {
	mine := map[state.TaskKey]bool{}
	for _, x := range s.b.loose {
		if x.instance == n.instance.Key {
			mine[x.task] = true
		}
	}
	return mine
}
