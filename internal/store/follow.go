package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Follower is an engine that several servers share. Its Load may run beside Commit.
type Follower interface {
	Engine
	// Latest answers the newest revision: at least that of every commit acknowledged before the call.
	Latest(ctx context.Context) (uint64, error)
	// Since answers what was committed after a revision, oldest first, each based on the one before; the next
	// call has more. ErrGap asks for Load: the way from there is not kept any more.
	Since(ctx context.Context, revision uint64) ([]Batch, error)
	// Follow tells of revisions as they come, until ctx ends or the engine is lost. It may miss some.
	Follow(ctx context.Context, told func(revision uint64)) error
}

var (
	// ErrGap is a shared engine's word for "load again".
	ErrGap = errors.New("commits in between are not kept any more")
	// ErrUnavailable is a shared engine's word for "out of reach": the Update is not acknowledged, and nobody
	// knows whether it will turn out to be written. Later ones may pass.
	ErrUnavailable = errors.New("record store is out of reach")
)

const (
	// freshTimeout bounds how long a reader waits for an engine that does not answer; catchUpTimeout bounds what
	// follows when it did.
	freshTimeout   = time.Second
	catchUpTimeout = 30 * time.Second
	// probeEvery is how often an engine that was lost is asked again.
	probeEvery = 200 * time.Millisecond
)

// follow is what a Store on a Follower knows of the others.
type follow struct {
	engine Follower // nil: this server is the only one

	mu   sync.Mutex
	busy bool
	next *round // whoever comes while a look is under way waits for the next one
	away bool   // the last look failed
}

// round is one look at the engine, shared by all who came before it began.
type round struct {
	done chan struct{}
	err  error
}

// Fresh returns once View shows everything that any server acknowledged before the call. While the engine is
// out of reach it answers ErrUnavailable, late the first time and then at once: View is as new as can be.
func (s *Store) Fresh(ctx context.Context) error {
	if s.follow.engine == nil {
		return nil
	}
	s.follow.mu.Lock()
	if s.follow.away {
		s.follow.mu.Unlock()
		return ErrUnavailable
	}
	s.follow.mu.Unlock()
	return s.look(ctx)
}

// Away says whether the engine was out of reach when it was last asked.
func (s *Store) Away() bool {
	s.follow.mu.Lock()
	defer s.follow.mu.Unlock()
	return s.follow.away
}

// found says that the engine answered a commit.
func (f *follow) found() {
	if f.engine == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = false
}

// look joins the next look at the engine and waits for it.
func (s *Store) look(ctx context.Context) error {
	r, err := s.join()
	if err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join answers the next round and sees to it that it takes place.
func (s *Store) join() (*round, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, s.stopped
	}
	f := &s.follow
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil {
		f.next = &round{done: make(chan struct{})}
	}
	if !f.busy {
		f.busy = true
		s.flushing.Go(s.looks)
	}
	return f.next, nil
}

// looks serves rounds for as long as somebody waits for one.
func (s *Store) looks() {
	f := &s.follow
	for {
		f.mu.Lock()
		r := f.next
		f.next, f.busy = nil, r != nil
		f.mu.Unlock()
		if r == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), catchUpTimeout)
		r.err = s.catchUp(ctx)
		cancel()
		f.mu.Lock()
		f.away = r.err != nil
		f.mu.Unlock()
		close(r.done)
	}
}

// catchUp shows what others committed, up to the newest revision of now.
func (s *Store) catchUp(ctx context.Context) error {
	before := s.View().rev
	newest, err := s.latest(ctx)
	if err != nil {
		return err
	}
	if newest < before {
		return s.wentBack(newest)
	}
	for at := s.landed(ctx, newest); at < newest; at = s.View().rev {
		commits, err := s.follow.engine.Since(ctx, at)
		if err == nil && len(commits) == 0 {
			err = ErrGap
		}
		for i := range commits {
			if err == nil {
				err = s.apply(&commits[i])
			}
		}
		if errors.Is(err, ErrGap) {
			err = s.overtake()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) latest(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, freshTimeout)
	defer cancel()
	return s.follow.engine.Latest(ctx)
}

// landed lets a commit of this server land by itself if it is the newest there is, and answers what View shows.
func (s *Store) landed(ctx context.Context, newest uint64) uint64 {
	s.mu.Lock()
	b, at := s.flight, s.View().rev
	s.mu.Unlock()
	if b == nil || b.rev != newest {
		return at
	}
	select {
	case <-b.done:
	case <-ctx.Done():
	}
	return s.View().rev
}

// wentBack stops the store: what was acknowledged is not in the engine any more, as after the restore of an
// old backup. A restart takes the engine's word.
func (s *Store) wentBack(newest uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.halt(fmt.Errorf("the engine went back from revision %d to %d; restart this server to go on from there",
		s.View().rev, newest))
}

// apply shows a commit of another server. What was built here on the state before it runs again.
func (s *Store) apply(c *Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view.Load()
	if c.Revision <= v.rev {
		return nil
	}
	if c.Base != v.rev {
		return ErrGap
	}
	t := v.t
	writers := t.writers()
	changes := make([]Change, 0, len(c.Ops))
	for _, op := range c.Ops {
		write, ok := writers[op.Table]
		if !ok {
			return s.halt(fmt.Errorf("read record %q: table %q is unknown to this version", op.Key, op.Table))
		}
		change, err := write(op)
		if err != nil {
			return s.halt(fmt.Errorf("decode record %q of table %q: %w", op.Key, op.Table, err))
		}
		if change.Old != nil || change.New != nil {
			changes = append(changes, change)
		}
	}
	s.adopt(&t, c.Revision, changes)
	return nil
}

// halt stops a store that cannot read what another server wrote. Called with mu held.
func (s *Store) halt(err error) error {
	if s.stopped == nil {
		s.stopped = fmt.Errorf("%w: %w", ErrStopped, err)
	}
	return s.stopped
}

// overtake loads everything and shows the difference as one commit.
func (s *Store) overtake() error {
	t, rev, err := load(context.Background(), s.engine)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view.Load()
	if rev > v.rev {
		s.adopt(t, rev, v.t.diff(t))
	}
	return nil
}

// adopt makes a state of others the newest one. The batch that waits was built on another and runs again; the
// one in flight finds out by itself. Called with mu held.
func (s *Store) adopt(t *tables, rev uint64, changes []Change) {
	s.publish(t, rev, changes)
	s.head, s.rev = t, rev
	if s.flight != nil {
		s.flight.orphan = true
	}
	if s.batch != nil {
		s.batch.refuse(ErrConflict)
		s.batch = nil
	}
}

// Follow keeps View close behind the other servers until ctx ends, and asks an engine that was lost whether it is
// back; on one that nobody shares it only waits. Fresh does not need it, watchers do.
func (s *Store) Follow(ctx context.Context) error {
	if s.follow.engine == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	var probe sync.WaitGroup
	defer probe.Wait()
	probe.Go(func() { s.probe(ctx) })
	for ctx.Err() == nil {
		err := s.look(ctx)
		if err == nil {
			_ = s.follow.engine.Follow(ctx, func(rev uint64) { s.heard(ctx, rev) }) // lost: once more
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeEvery):
		}
	}
	return ctx.Err()
}

func (s *Store) probe(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(probeEvery):
		}
		if s.Away() {
			_ = s.look(ctx) // it writes down what it found
		}
	}
}

// heard looks for a revision unless it is known or about to land.
func (s *Store) heard(ctx context.Context, rev uint64) {
	s.mu.Lock()
	known := rev <= s.View().rev || s.flight != nil && s.flight.rev == rev
	s.mu.Unlock()
	if !known {
		_ = s.look(ctx) // the next word, or whoever needs to know, asks again
	}
}

// writers maps the name of each table to what applies one operation to it. They copy what they change.
func (t *tables) writers() map[string]func(Op) (Change, error) {
	out := map[string]func(Op) (Change, error){}
	for _, x := range all() {
		out[x.label()] = x.writer(t)
	}
	return out
}

func writer[T any](slot **rows[T]) func(Op) (Change, error) {
	owned := false
	return func(op Op) (Change, error) {
		if !owned {
			owned = true
			*slot = (*slot).clone()
		}
		c := Change{Table: op.Table, Key: op.Key}
		if op.Value == nil {
			c.Old = anyOf((*slot).remove(op.Key))
			return c, nil
		}
		old, _ := (*slot).primary.Get(op.Key)
		err := decode(*slot, op.Key, op.Value)
		if err != nil {
			return c, err
		}
		now, _ := (*slot).primary.Get(op.Key)
		c.Old, c.New = anyOf(old), anyOf(now)
		return c, nil
	}
}
