package loop

import (
	"context"
	"sync"
	"time"

	"longshore/internal/store"
)

// Backoff of a key whose reconcile failed.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// runner owns all keys in one goroutine; workers get a key and give back a result.
type runner struct {
	Config
	keys    map[string]*entry
	ready   []string // keys to look at now, oldest hint first
	due     timers
	running int
	done    chan result
	first   int // keys of the first scan not yet looked at; -1 before the scan
}

// entry is what is known of one key. A key without work has no entry.
type entry struct {
	queued  bool
	running bool
	again   bool // hinted at while running
	initial bool // of the first scan
	backoff time.Duration
}

type result struct {
	key  string
	next time.Time
	err  error
}

func (r *runner) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer r.drain()
	defer cancel()
	view := r.Store.View()
	hints := make(chan []string)
	following.Go(func() { follow(ctx, view.Watch(), r.Promise, hints) })
	r.scan(view)
	resync := time.NewTicker(r.Resync)
	defer resync.Stop()
	wake := time.NewTimer(time.Hour)
	defer wake.Stop()
	for {
		r.promote(r.Now())
		r.start(ctx)
		wake.Reset(r.due.wait(r.Now()))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case keys := <-hints:
			for _, k := range keys {
				r.hint(k)
			}
		case d := <-r.done:
			r.finish(ctx, d)
		case <-resync.C:
			for _, k := range r.Promise.All(r.Store.View()) {
				r.hint(k)
			}
		case <-wake.C:
		}
	}
}

// follow hands over what commits hint at; it ends with ctx. Most commits concern one promise or two, and the
// others need not wake up for them.
func follow(ctx context.Context, w *store.Watcher, p Promise, out chan<- []string) {
	for {
		changes, _, err := w.Next(ctx)
		if err != nil {
			return
		}
		var keys []string
		for _, c := range changes {
			for _, k := range p.Keys(c) {
				if len(keys) == 0 || keys[len(keys)-1] != k {
					keys = append(keys, k)
				}
			}
		}
		if len(keys) == 0 {
			continue
		}
		select {
		case out <- keys:
		case <-ctx.Done():
			return
		}
	}
}

func (r *runner) scan(v store.View) {
	r.first = 0
	for _, k := range r.Promise.All(v) {
		e := r.hint(k)
		if !e.initial {
			e.initial = true
			r.first++
		}
	}
	r.announce()
}

func (r *runner) announce() {
	if r.first != 0 {
		return
	}
	r.first = -1
	if r.Ready != nil {
		r.Ready()
	}
}

func (r *runner) hint(key string) *entry {
	e := r.keys[key]
	if e == nil {
		e = &entry{}
		r.keys[key] = e
	}
	switch {
	case e.running:
		e.again = true
	case !e.queued && e.backoff == 0:
		e.queued = true
		r.ready = append(r.ready, key)
	}
	return e
}

// promote queues the keys whose time has come.
func (r *runner) promote(now time.Time) {
	for _, key := range r.due.pop(now) {
		e := r.keys[key]
		switch {
		case e.running:
			e.again = true
		case !e.queued:
			e.queued = true
			r.ready = append(r.ready, key)
		}
	}
}

func (r *runner) start(ctx context.Context) {
	for r.running < r.Workers && len(r.ready) > 0 {
		key := r.ready[0]
		r.ready = r.ready[1:]
		e := r.keys[key]
		e.queued, e.running, e.again = false, true, false
		r.running++
		go func() {
			next, err := r.Promise.Reconcile(ctx, key)
			r.done <- result{key, next, err}
		}()
	}
}

func (r *runner) finish(ctx context.Context, d result) {
	r.running--
	e := r.keys[d.key]
	e.running = false
	if e.initial {
		e.initial = false
		r.first--
		r.announce()
	}
	if d.err != nil && ctx.Err() == nil {
		e.backoff = min(max(2*e.backoff, firstRetry), lastRetry)
		r.Log.Warn("reconcile failed, will retry", "op", r.Promise.Name(), "task", d.key, "err", d.err)
		r.due.set(d.key, r.Now().Add(e.backoff))
		return
	}
	e.backoff = 0
	r.due.set(d.key, d.next)
	switch {
	case e.again:
		e.queued, e.again = true, false
		r.ready = append(r.ready, d.key)
	case d.next.IsZero():
		delete(r.keys, d.key)
	}
}

// drain waits for the workers that are still at it: their context has ended.
func (r *runner) drain() {
	for ; r.running > 0; r.running-- {
		<-r.done
	}
}
