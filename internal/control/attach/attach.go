package attach

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Config of the promise.
type Config struct {
	Store *store.Store
	Now   func() time.Time
	// NewID makes the UUID of an attachment or event.
	NewID func() string
	// NewHex draws n random hex digits, for interface ids and MAC addresses.
	NewHex func(n int) string
	// Batch is how many tasks one Update serves at most; 0 = 2000. Other writers wait that long.
	Batch int
}

// Attach is the promise; its keys are clusters.
type Attach struct {
	Config

	mu     sync.Mutex
	todo   map[state.ClusterKey]map[state.TaskKey]bool // placed and not PENDING, as far as hints told
	first  bool                                        // the scan of all tasks was made
	cursor map[string]int                              // next address to try in a subnet: a hint
	turn   int
}

var _ loop.Promise = (*Attach)(nil)

// New makes the promise.
func New(c Config) *Attach {
	if c.Batch == 0 {
		c.Batch = 2000
	}
	return &Attach{Config: c, todo: map[state.ClusterKey]map[state.TaskKey]bool{}, cursor: map[string]int{}}
}

// Name of the promise.
func (a *Attach) Name() string { return "attach" }

// Keys that a change concerns: the cluster of a task that is not PENDING yet, and every cluster with such
// tasks when an address comes free.
func (a *Attach) Keys(c store.Change) []string {
	old, _ := c.Old.(*state.Task)
	t, _ := c.New.(*state.Task)
	switch {
	case t != nil && detached(t):
		a.add(t.Key)
		if old != nil && old.Instance != "" && old.Desired == t.Desired {
			return nil // its own wait was written down
		}
		return []string{string(t.Key.Cluster())}
	case frees(old, t):
		return a.clusters()
	}
	return nil
}

// All clusters with work. The first time it looks through every task; later ones are hinted at.
func (a *Attach) All(v store.View) []string {
	if !a.first {
		a.first = true
		for t := range v.Tasks().All() {
			if detached(t) {
				a.add(t.Key)
			}
		}
	}
	return a.clusters()
}

func (a *Attach) clusters() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for c := range a.todo {
		out = append(out, string(c))
	}
	slices.Sort(out)
	return out
}

func (a *Attach) add(k state.TaskKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := k.Cluster()
	if a.todo[c] == nil {
		a.todo[c] = map[state.TaskKey]bool{}
	}
	a.todo[c][k] = true
}

// take gives out what is to do in a cluster; whoever fails puts it back.
func (a *Attach) take(c state.ClusterKey) []state.TaskKey {
	a.mu.Lock()
	defer a.mu.Unlock()
	keys := slices.Collect(maps.Keys(a.todo[c]))
	delete(a.todo, c)
	return keys
}

// Reconcile serves the placed tasks of a cluster.
func (a *Attach) Reconcile(ctx context.Context, key string) (time.Time, error) {
	v := a.Store.View()
	var tasks []*state.Task
	for _, k := range a.take(state.ClusterKey(key)) {
		t, ok := v.Tasks().Get(k)
		if ok && detached(t) {
			tasks = append(tasks, t)
		}
	}
	order(tasks)
	said := map[state.ServiceKey]bool{}
	for len(tasks) > 0 {
		some := tasks[:min(a.Batch, len(tasks))]
		var d *desk // of the run of the closure that counted
		err := a.Store.Update(ctx, func(tx *store.Tx) error {
			d = &desk{a: a, tx: tx, full: map[state.ResourceKey]bool{}, groups: map[string]string{},
				taken: map[string]bool{}, said: maps.Clone(said)}
			d.serve(some)
			return nil
		})
		if err != nil {
			for _, t := range tasks {
				a.add(t.Key)
			}
			return time.Time{}, err
		}
		for _, k := range d.blocked {
			a.add(k)
		}
		said = d.said
		tasks = tasks[len(some):]
	}
	return time.Time{}, nil
}
