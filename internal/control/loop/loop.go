// Package loop runs a promise: it scans everything once, follows every change, and looks again now and then.
//
// # Concurrency
//
// One key is reconciled by one goroutine at a time; different keys run side by side, up to Config.Workers.
// A key that is hinted at while it is being reconciled is reconciled once more. Hints are never facts: a
// lost or doubled one costs nothing but a look.
package loop

import (
	"context"
	"log/slog"
	"time"

	"longshore/internal/store"
)

// Promise is one control loop: what to look at, and how to make it true.
type Promise interface {
	// Name of the promise, for logs.
	Name() string
	// Keys that a change may concern; none is a fine answer. Called beside All and Reconcile.
	Keys(c store.Change) []string
	// All keys worth a look in v: at the start, and at every resync.
	All(v store.View) []string
	// Reconcile makes one key true, in idempotent steps, and says when to look again although nothing may
	// have changed (zero: no deadline is pending). An error is retried with backoff.
	Reconcile(ctx context.Context, key string) (next time.Time, err error)
}

// Config of a runner.
type Config struct {
	Store   *store.Store
	Promise Promise
	Now     func() time.Time
	Log     *slog.Logger
	// Workers that reconcile at the same time; 0 = 4.
	Workers int
	// Resync is how often all keys are looked at without a hint; 0 = 30 s.
	Resync time.Duration
	// Ready, if set, is called once, when every key of the first scan has been looked at.
	Ready func()
}

// Run keeps the promise until ctx ends, and returns ctx's error.
func Run(ctx context.Context, c Config) error {
	if c.Workers == 0 {
		c.Workers = 4
	}
	if c.Resync == 0 {
		c.Resync = 30 * time.Second
	}
	r := &runner{Config: c, keys: map[string]*entry{}, due: timers{of: map[string]*timer{}},
		done: make(chan result), first: -1}
	return r.run(ctx)
}
