package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Store is an open record store.
type Store struct {
	engine Engine
	tables map[string]table

	mu       sync.Mutex // held while a closure runs and while batches change hands
	head     *tables    // newest state, maybe not durable yet
	mine     *tables    // the head that owned speaks of
	owned    uint64     // one bit a table: only closures have seen its trees since the last batch took off
	rev      uint64     // revision of head
	batch    *batch     // what the next commit writes; nil when head is durable or being committed
	flight   *batch     // what is being committed
	stopped  error      // set once: no Update passes any more
	closed   bool
	flushing sync.WaitGroup

	view atomic.Pointer[View] // newest durable state

	scratch []byte // of the committing goroutine

	follow follow
}

// batch collects the writes of several Updates for one commit.
type batch struct {
	base    uint64 // revision of the state below it
	rev     uint64
	changes []Change
	head    *tables
	orphan  bool          // in flight, and head is not built on it any more
	done    chan struct{} // closed when err is final
	err     error
}

func (b *batch) refuse(err error) {
	b.err = err
	close(b.done)
}

// Open loads everything that the engine holds.
func Open(ctx context.Context, e Engine) (*Store, error) {
	t, rev, err := load(ctx, e)
	if err != nil {
		return nil, err
	}
	s := &Store{engine: e, head: t, rev: rev, tables: byName()}
	s.follow.engine, _ = e.(Follower)
	s.view.Store(&View{t: *t, rev: rev, tip: newTip(rev)})
	return s, nil
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

// Stopped is the error that every Update gets since a write failed for good; nil = writes pass. Only a store that is
// opened anew knows what the disk holds, and takes writes again.
func (s *Store) Stopped() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
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
		if s.follow.engine != nil {
			err = s.look(ctx)
			if err != nil {
				return err
			}
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
	tx := s.begin()
	err := s.run(tx, fn)
	if err != nil || len(tx.changes) == 0 {
		if s.batch != nil {
			return s.batch, err
		}
		return s.flight, err
	}
	if s.batch == nil {
		s.batch = &batch{base: s.rev, done: make(chan struct{})}
	}
	s.rev++
	b := s.batch
	b.rev, b.head = s.rev, s.head
	b.changes = append(b.changes, tx.changes...)
	if s.flight == nil {
		s.takeOff()
	}
	return b, nil
}

// begin makes a transaction on the head. Updates that share a batch share its trees as well: only the first of
// them that writes a table copies what it changes.
func (s *Store) begin() *Tx {
	tx := &Tx{t: *s.head}
	if s.mine == s.head {
		tx.owned = s.owned
	}
	return tx
}

// run runs fn and makes what it left the head, also when it fails or panics: then without its writes.
func (s *Store) run(tx *Tx, fn func(*Tx) error) error {
	passed := false
	defer func() {
		if !passed {
			tx.undo()
		}
		s.head, s.mine, s.owned = &tx.t, &tx.t, tx.owned
	}()
	err := fn(tx)
	passed = err == nil
	return err
}

// takeOff hands the open batch to a committing goroutine, which lives for as long as there is something to
// commit. Called with mu held.
func (s *Store) takeOff() {
	s.flight, s.batch, s.owned = s.batch, nil, 0
	s.flushing.Go(s.flush)
}

func (s *Store) flush() {
	for {
		b := s.flight
		err := s.engine.Commit(context.Background(), Batch{Base: b.base, Revision: b.rev, Ops: s.ops(b.changes)})
		if !s.land(b, err) {
			return
		}
	}
}

// roomForValues is how many bytes of encoded records share an allocation: one buffer for a whole commit would be
// copied each time it grows, which costs more than to encode.
const roomForValues = 64 << 10

// ops encodes what changed. It is the committing goroutine's work: closures go on beside it.
func (s *Store) ops(changes []Change) []Op {
	out := make([]Op, len(changes))
	var room []byte
	for i, c := range changes {
		out[i] = Op{Table: c.Table, Key: c.Key}
		if c.New == nil {
			continue
		}
		s.scratch = s.tables[c.Table].encodeAny(s.scratch[:0], c.New)
		n := len(s.scratch)
		if cap(room)-len(room) < n {
			room = make([]byte, 0, max(n, min(roomForValues, n*(len(changes)-i))))
		}
		from := len(room)
		room = append(room, s.scratch...)
		out[i].Value = room[from:len(room):len(room)]
	}
	return out
}

// land publishes or fails the batch that was committed and says whether another one took off.
func (s *Store) land(b *batch, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.fail(b, err)
	case b.rev > s.View().rev: // else it came back from the engine before its own answer
		s.publish(b.head, b.rev, b.changes)
	}
	if err == nil {
		close(b.done)
		s.follow.found()
		s.rejoin()
	}
	s.flight, s.batch, s.owned = s.batch, nil, 0
	return s.flight != nil
}

// rejoin lets those whom the last commit kept waiting run before the next one takes off: who writes again at once joins
// that one, and not another that would be a sync later. Called with mu held, while flight is the commit that landed.
func (s *Store) rejoin() {
	s.mu.Unlock()
	runtime.Gosched()
	s.mu.Lock()
}

// publish shows a durable state to View first and to the watchers then.
func (s *Store) publish(t *tables, rev uint64, changes []Change) {
	tip := s.view.Load().tip.extend(rev, changes)
	s.view.Store(&View{t: *t, rev: rev, tip: tip})
	tip.announce()
}

// fail drops everything that is not durable: the batch and the one that was built on it.
func (s *Store) fail(b *batch, err error) {
	stop := false
	switch {
	case errors.Is(err, ErrConflict):
		if s.follow.engine == nil {
			err = s.reload(err)
			stop = errors.Is(err, ErrStopped)
		}
	case errors.Is(err, ErrNoSpace), errors.Is(err, ErrUnavailable):
	default:
		err = fmt.Errorf("%w: %w", ErrStopped, err)
		stop = true
	}
	if stop {
		s.stopped = err
	}
	b.refuse(err)
	if b.orphan && !stop {
		return
	}
	if s.batch != nil {
		s.batch.refuse(err)
		s.batch = nil
	}
	v := s.view.Load()
	s.head, s.rev = &v.t, v.rev
}

// reload takes over what another server wrote. Watchers see the difference as the changes of one commit, so
// nobody needs to know that it did not come from here.
func (s *Store) reload(conflict error) error {
	t, rev, err := load(context.Background(), s.engine)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStopped, err)
	}
	s.publish(t, rev, s.view.Load().t.diff(t))
	return conflict
}
