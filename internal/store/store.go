package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Store is an open record store.
type Store struct {
	engine Engine

	mu       sync.Mutex // held while a closure runs and while batches change hands
	head     *tables    // newest state, maybe not durable yet
	rev      uint64     // revision of head
	batch    *batch     // what the next commit writes; nil when head is durable or being committed
	flight   *batch     // what is being committed
	stopped  error      // set once: no Update passes any more
	closed   bool
	flushing sync.WaitGroup

	view atomic.Pointer[View] // newest durable state
}

// batch collects the writes of several Updates for one commit.
type batch struct {
	rev     uint64
	ops     []Op
	changes []Change
	head    *tables
	done    chan struct{} // closed when err is final
	err     error
}

// Open loads everything that the engine holds.
func Open(ctx context.Context, e Engine) (*Store, error) {
	t, rev, err := load(ctx, e)
	if err != nil {
		return nil, err
	}
	s := &Store{engine: e, head: t, rev: rev}
	s.view.Store(&View{t: *t, rev: rev, tip: newTip(rev)})
	return s, nil
}

func load(ctx context.Context, e Engine) (*tables, uint64, error) {
	t := newTables()
	loaders := t.loaders()
	rev, err := e.Load(ctx, func(table, key string, value []byte) error {
		load, ok := loaders[table]
		if !ok {
			return fmt.Errorf("read record %q: table %q is unknown to this version", key, table)
		}
		err := load(key, value)
		if err != nil {
			return fmt.Errorf("decode record %q of table %q: %w", key, table, err)
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("load records: %w", err)
	}
	return t, rev, nil
}

// Close waits for the commits at hand and closes the engine. Later Updates fail, the last View stays
// readable. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	if s.stopped == nil {
		s.stopped = ErrClosed
	}
	s.mu.Unlock()
	if again {
		return nil
	}
	s.flushing.Wait()
	return s.engine.Close()
}

// View is the newest durable state.
func (s *Store) View() View { return *s.view.Load() }

// Revision of the newest durable state.
func (v View) Revision() uint64 { return v.rev }

// Update runs fn on the newest state and returns once what fn wrote, and everything that it saw, is durable
// and visible. An error of fn is returned as it is and leaves no trace. When ctx ends while the write is
// under way, ctx's error is returned and the outcome is open.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	for {
		err := s.try(ctx, fn)
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

func (s *Store) try(ctx context.Context, fn func(*Tx) error) error {
	err := ctx.Err()
	if err != nil {
		return err
	}
	wait, err := s.stage(fn)
	if wait == nil {
		return err
	}
	select {
	case <-wait.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if wait.err != nil {
		return wait.err
	}
	return err
}

// stage runs fn and joins its writes to the next commit. The batch it answers is the one that must be
// durable before the caller may speak of what fn saw: also a closure that wrote nothing or refused waits
// for the writes that it read, else an answer could tell of something that a crash then takes back.
func (s *Store) stage(fn func(*Tx) error) (*batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped != nil {
		return nil, s.stopped
	}
	tx := &Tx{t: *s.head}
	err := fn(tx)
	if err == nil {
		err = tx.err
	}
	if err != nil || len(tx.ops) == 0 {
		if s.batch != nil {
			return s.batch, err
		}
		return s.flight, err
	}
	if s.batch == nil {
		s.batch = &batch{done: make(chan struct{})}
	}
	s.rev++
	t := tx.t
	s.head = &t
	b := s.batch
	b.rev, b.head = s.rev, s.head
	b.ops = append(b.ops, tx.ops...)
	b.changes = append(b.changes, tx.changes...)
	if s.flight == nil {
		s.takeOff()
	}
	return b, nil
}

// takeOff hands the open batch to a committing goroutine, which lives for as long as there is something to
// commit. Called with mu held.
func (s *Store) takeOff() {
	s.flight, s.batch = s.batch, nil
	s.flushing.Go(s.flush)
}

func (s *Store) flush() {
	for {
		b := s.flight
		err := s.engine.Commit(context.Background(), Batch{Revision: b.rev, Ops: b.ops})
		if !s.land(b, err) {
			return
		}
	}
}

// land publishes or fails the batch that was committed and says whether another one took off.
func (s *Store) land(b *batch, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.fail(b, err)
		return false
	}
	s.publish(b.head, b.rev, b.changes)
	close(b.done)
	s.flight, s.batch = s.batch, nil
	return s.flight != nil
}

// publish shows a durable state to View first and to the watchers then.
func (s *Store) publish(t *tables, rev uint64, changes []Change) {
	tip := s.view.Load().tip.extend(rev, changes)
	s.view.Store(&View{t: *t, rev: rev, tip: tip})
	tip.announce()
}

// fail drops everything that is not durable: the batch and the one that was built on it.
func (s *Store) fail(b *batch, err error) {
	switch {
	case errors.Is(err, ErrConflict):
		reloadErr := s.reload()
		if reloadErr != nil {
			s.stopped = fmt.Errorf("%w: %w", ErrStopped, reloadErr)
		}
	case errors.Is(err, ErrNoSpace):
		v := s.view.Load()
		s.head, s.rev = &v.t, v.rev
	default:
		s.stopped = fmt.Errorf("%w: %w", ErrStopped, err)
		err = s.stopped
	}
	for _, lost := range []*batch{b, s.batch} {
		if lost != nil {
			lost.err = err
			close(lost.done)
		}
	}
	s.flight, s.batch = nil, nil
}

// reload takes over what another server wrote. Watchers see the difference as the changes of one commit, so
// nobody needs to know that it did not come from here.
func (s *Store) reload() error {
	t, rev, err := load(context.Background(), s.engine)
	if err != nil {
		return err
	}
	s.head, s.rev = t, rev
	s.publish(t, rev, s.view.Load().t.diff(t))
	return nil
}
