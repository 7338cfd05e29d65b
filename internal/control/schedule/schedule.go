package schedule

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Config of the promise.
type Config struct {
	Store *store.Store
	// Board that Follow keeps in step; shared with whoever else places tasks.
	Board *place.Board
	Now   func() time.Time
	// NewID makes the UUID of an event.
	NewID func() string
	// Batch is how many tasks one Update places at most; 0 = 2000. Other writers wait that long.
	Batch int
}

// Schedule is the promise; its keys are clusters.
type Schedule struct {
	Config

	mu     sync.Mutex
	ending map[state.ClusterKey]map[state.TaskKey]bool // stillborn tasks to look at
	first  bool                                        // the scan for stillborn tasks was made
}

var _ loop.Promise = (*Schedule)(nil)

// New makes the promise.
func New(c Config) *Schedule {
	if c.Batch == 0 {
		c.Batch = 2000
	}
	return &Schedule{Config: c, ending: map[state.ClusterKey]map[state.TaskKey]bool{}}
}

// Name of the promise.
func (s *Schedule) Name() string { return "schedule" }

// Keys that a change concerns: the cluster of a task that waits or makes room, and every cluster with waiting
// tasks that an instance could serve.
func (s *Schedule) Keys(c store.Change) []string {
	old, _ := c.Old.(*state.Task)
	t, _ := c.New.(*state.Task)
	switch {
	case t != nil && stillborn(t):
		s.end(t.Key)
		return []string{string(t.Key.Cluster())}
	case t != nil && unplaced(t):
		if old != nil && unplaced(old) {
			return nil // its own wait was written down
		}
		return []string{string(t.Key.Cluster())}
	case makesRoom(old, t):
		return s.waiting(old.Instance.Cluster())
	}
	was, _ := c.Old.(*state.Instance)
	i, _ := c.New.(*state.Instance)
	if opens(was, i) {
		return s.waiting(i.Key.Cluster())
	}
	return nil
}

// waiting names the clusters that an instance of c serves, where tasks wait.
func (s *Schedule) waiting(c state.ClusterKey) []string {
	tasks := s.Store.View().Tasks()
	if c.Name() != state.FargateCluster {
		for range tasks.Unplaced(c) {
			return []string{string(c)}
		}
		return nil
	}
	return clusters(tasks, c.Scope())
}

// clusters with waiting tasks, of one scope or, with an empty one, of all.
func clusters(tasks store.Tasks, scope state.Scope) []string {
	found := map[string]bool{}
	for t := range tasks.Unplaced("") {
		c := t.Key.Cluster()
		if scope == (state.Scope{}) || c.Scope() == scope {
			found[string(c)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// All clusters where tasks wait. The first time it looks through every task for stillborn ones; later ones
// are hinted at.
func (s *Schedule) All(v store.View) []string {
	found := clusters(v.Tasks(), state.Scope{})
	if !s.first {
		s.first = true
		for t := range v.Tasks().All() {
			if stillborn(t) {
				s.end(t.Key)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.ending {
		if !slices.Contains(found, string(c)) {
			found = append(found, string(c))
		}
	}
	return found
}

func (s *Schedule) end(k state.TaskKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := k.Cluster()
	if s.ending[c] == nil {
		s.ending[c] = map[state.TaskKey]bool{}
	}
	s.ending[c][k] = true
}

// Reconcile places what waits in a cluster and ends what never started.
func (s *Schedule) Reconcile(ctx context.Context, key string) (time.Time, error) {
	c := state.ClusterKey(key)
	err := s.endAll(ctx, c)
	if err != nil {
		return time.Time{}, err
	}
	v := s.Store.View()
	err = s.Board.Await(ctx, v.Revision())
	if err != nil {
		return time.Time{}, err
	}
	return time.Time{}, s.placeAll(ctx, slices.Collect(v.Tasks().Unplaced(c)))
}

// endAll stops the stillborn tasks of a cluster in one Update.
func (s *Schedule) endAll(ctx context.Context, c state.ClusterKey) error {
	s.mu.Lock()
	keys := slices.Sorted(maps.Keys(s.ending[c]))
	delete(s.ending, c)
	s.mu.Unlock()
	if len(keys) == 0 {
		return nil
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		for _, k := range keys {
			t, ok := tx.Tasks().Get(k)
			if ok && stillborn(t) {
				t = t.Clone()
				ended(t, s.Now())
				tx.Tasks().Put(t)
			}
		}
		return nil
	})
	if err != nil {
		for _, k := range keys {
			s.end(k)
		}
	}
	return err
}
