package sweep

import (
	"context"
	"iter"
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
	Ages  Ages
	// Every is how often a kind of record is looked through; 0 = 1 minute.
	Every time.Duration
	// Limit of records that one Update forgets; 0 = 1000.
	Limit int
}

// Sweep is the promise; its keys are kinds of records.
type Sweep struct {
	Config

	mu  sync.Mutex
	due map[string]time.Time
}

var _ loop.Promise = (*Sweep)(nil)

// New makes the promise.
func New(c Config) *Sweep {
	c.Ages = c.Ages.withDefaults()
	if c.Every == 0 {
		c.Every = time.Minute
	}
	if c.Limit == 0 {
		c.Limit = 1000
	}
	return &Sweep{Config: c, due: map[string]time.Time{}}
}

// Name of the promise.
func (s *Sweep) Name() string { return "sweep" }

// Keys: the past is not in a hurry.
func (s *Sweep) Keys(store.Change) []string { return nil }

// All kinds of records.
func (s *Sweep) All(store.View) []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.name)
	}
	return out
}

// kind of record: find what may be forgotten, and forget one key unless that is no longer so.
type kind struct {
	name string
	find func(s *Sweep, v store.View, now time.Time) []string
	drop func(s *Sweep, tx *store.Tx, key string, now time.Time)
}

// kinds in an order in which those come first that others may wait for.
var kinds = []kind{
	{"tasks", (*Sweep).findTasks, (*Sweep).dropTask},
	{"services", (*Sweep).findServices, (*Sweep).dropService},
	{"events", func(s *Sweep, v store.View, now time.Time) []string { return s.Ages.events(v, now, s.Limit) },
		func(_ *Sweep, tx *store.Tx, key string, _ time.Time) { tx.Events().Delete(key) }},
	{"deployments", func(s *Sweep, v store.View, now time.Time) []string { return s.Ages.deployments(v, now, s.Limit) },
		func(_ *Sweep, tx *store.Tx, key string, _ time.Time) {
			tx.ServiceDeployments().Delete(state.ServiceDeploymentKey(key))
		}},
	{"revisions", func(s *Sweep, v store.View, _ time.Time) []string { return revisions(v, s.Limit) },
		func(_ *Sweep, tx *store.Tx, key string, _ time.Time) {
			tx.ServiceRevisions().Delete(state.RevisionKey(key))
		}},
	{"definitions", (*Sweep).findDefinitions, (*Sweep).dropDefinition},
	{"instances", (*Sweep).findInstances, (*Sweep).dropInstance},
	{"clusters", (*Sweep).findClusters, (*Sweep).dropCluster},
	{"tokens", (*Sweep).findTokens, (*Sweep).dropToken},
}

// Reconcile forgets what is due of one kind.
func (s *Sweep) Reconcile(ctx context.Context, key string) (time.Time, error) {
	now := s.Now()
	next := s.next(key, now)
	if next.After(now) {
		return next, nil // a resync is no reason to look more often
	}
	for _, k := range kinds {
		if k.name != key {
			continue
		}
		found := k.find(s, s.Store.View(), now)
		if len(found) == 0 {
			break
		}
		err := s.Store.Update(ctx, func(tx *store.Tx) error {
			for _, x := range found {
				k.drop(s, tx, x, now)
			}
			return nil
		})
		if err != nil {
			return time.Time{}, err
		}
		if len(found) >= s.Limit {
			return now, nil // there is more; others get their turn first
		}
	}
	return s.done(key, now), nil
}

func (s *Sweep) next(key string, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.due[key]
	if !ok {
		return now
	}
	return at
}

func (s *Sweep) done(key string, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due[key] = now.Add(s.Every)
	return s.due[key]
}

// pick collects the keys of at most limit records that pass.
func pick[T any](all iter.Seq[*T], limit int, pass func(*T) bool, key func(*T) string) []string {
	var out []string
	for x := range all {
		if len(out) >= limit {
			break
		}
		if pass(x) {
			out = append(out, key(x))
		}
	}
	return out
}
