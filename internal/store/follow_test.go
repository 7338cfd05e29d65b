package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/storetest"
)

// depot is what several servers share: a log of commits, of which old ones are forgotten, behind a network that
// can fail.
type depot struct {
	mu      sync.Mutex
	log     []store.Batch
	kept    int // commits that Since knows
	away    bool
	deaf    int // commits that take place without an answer
	moved   chan struct{}
	latency time.Duration
}

func newDepot() *depot {
	return &depot{kept: 1 << 30, moved: make(chan struct{}), latency: time.Millisecond}
}

// window is one server's connection to a depot.
type window struct{ *depot }

var _ store.Follower = window{}

func (d *depot) reach(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d.latency):
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away {
		return store.ErrUnavailable
	}
	return nil
}

func (d *depot) newest() uint64 {
	if len(d.log) == 0 {
		return 0
	}
	return d.log[len(d.log)-1].Revision
}

func (w window) Load(ctx context.Context, yield func(string, string, []byte) error) (uint64, error) {
	err := w.reach(ctx)
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := map[string]store.Op{}
	for _, b := range w.log {
		for _, op := range b.Ops {
			last[op.Table+"/"+op.Key] = op
		}
	}
	for _, op := range last {
		if op.Value == nil {
			continue
		}
		err = yield(op.Table, op.Key, op.Value)
		if err != nil {
			return 0, err
		}
	}
	return w.newest(), nil
}

func (w window) Commit(ctx context.Context, b store.Batch) error {
	err := w.reach(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.newest() != b.Base {
		return store.ErrConflict
	}
	w.log = append(w.log, b)
	close(w.moved)
	w.moved = make(chan struct{})
	if w.deaf > 0 {
		w.deaf--
		return store.ErrUnavailable
	}
	return nil
}

func (w window) Latest(ctx context.Context) (uint64, error) {
	err := w.reach(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest(), err
}

func (w window) Since(ctx context.Context, rev uint64) ([]store.Batch, error) {
	err := w.reach(ctx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	from := slices.IndexFunc(w.log, func(b store.Batch) bool { return b.Revision > rev })
	if from < 0 {
		return nil, nil
	}
	if from < len(w.log)-w.kept || w.log[from].Base != rev {
		return nil, store.ErrGap
	}
	return w.log[from:min(from+3, len(w.log))], nil
}

func (w window) Follow(ctx context.Context, told func(uint64)) error {
	for {
		w.mu.Lock()
		rev, moved, away := w.newest(), w.moved, w.away
		w.mu.Unlock()
		if away {
			return store.ErrUnavailable
		}
		told(rev)
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w window) Close() error { return nil }

// servers opens n stores on one depot; each follows the others until the bubble ends.
func servers(t *testing.T, ctx context.Context, d *depot, n int) []*store.Store {
	t.Helper()
	var out []*store.Store
	for range n {
		s, err := store.Open(ctx, window{d})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
		var following sync.WaitGroup
		ctx, cancel := context.WithCancel(ctx)
		following.Go(func() { _ = s.Follow(ctx) })
		t.Cleanup(func() {
			cancel()
			following.Wait()
			err := s.Close()
			if err != nil {
				t.Error(err)
			}
		})
	}
	return out
}

func TestServersLoseNoUpdateBetweenThem(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 3).Draw(rt, "servers")
		writers := rapid.IntRange(1, 4).Draw(rt, "writers")
		kept := rapid.SampledFrom([]int{1, 2, 1 << 30}).Draw(rt, "kept")
		deaf := rapid.IntRange(0, 3).Draw(rt, "commits without an answer")
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			d := newDepot()
			d.kept, d.deaf = kept, deaf
			all := servers(t, ctx, d, n)
			gapless := make([]func() error, n)
			for i, s := range all {
				gapless[i] = watch(ctx, s)
			}
			acked, open := hammer(ctx, t, all, writers)
			for i, s := range all {
				err := s.Fresh(ctx)
				if err != nil {
					t.Errorf("fresh: %v", err)
				}
				got := storetest.Counter(s.View())
				if got < acked || got > acked+open {
					t.Errorf("server %d counts %d, %d were acknowledged and %d are open", i, got, acked, open)
				}
				synctest.Wait()
				err = gapless[i]()
				if err != nil {
					t.Errorf("server %d: %v", i, err)
				}
			}
		})
	})
}

// hammer increments through every server at once, and answers how many were acknowledged, and how many not.
func hammer(ctx context.Context, t *testing.T, all []*store.Store, writers int) (int, int) {
	var mu sync.Mutex
	acked, open := 0, 0
	var wg sync.WaitGroup
	for _, s := range all {
		for range writers {
			wg.Go(func() {
				for range 5 {
					err := s.Update(ctx, func(tx *store.Tx) error { storetest.Increment(tx); return nil })
					mu.Lock()
					switch {
					case err == nil:
						acked++
					case errors.Is(err, store.ErrUnavailable):
						open++
					default:
						t.Errorf("update: %v", err)
					}
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	return acked, open
}

// watch follows a store and says at the end whether what it heard adds up to what View shows.
func watch(ctx context.Context, s *store.Store) func() error {
	var mu sync.Mutex
	v := s.View()
	rev, last := v.Revision(), storetest.Counter(v)
	var bad error
	go func() {
		w := v.Watch()
		for {
			changes, now, err := w.Next(ctx)
			if err != nil {
				return
			}
			mu.Lock()
			for _, c := range changes {
				n, _ := strconv.Atoi(c.New.(*state.Cluster).Status)
				if n <= last {
					bad = fmt.Errorf("the counter went from %d to %d", last, n)
				}
				last = n
			}
			if now <= rev {
				bad = fmt.Errorf("revision %d came after %d", now, rev)
			}
			rev = now
			mu.Unlock()
		}
	}()
	return func() error {
		mu.Lock()
		defer mu.Unlock()
		if bad == nil && (last != storetest.Counter(s.View()) || rev != s.View().Revision()) {
			bad = fmt.Errorf("the watcher has %d at %d, the view %d at %d", last, rev, storetest.Counter(s.View()), s.View().Revision())
		}
		return bad
	}
}

func TestAReadAfterAnAcknowledgedWriteSeesItOnEveryServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d := newDepot()
		all := servers(t, ctx, d, 2)
		for i := range 20 {
			storetest.Put(t, all[i%2], fmt.Sprint("c", i))
			err := all[(i+1)%2].Fresh(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(storetest.Names(all[(i+1)%2].View())); got != i+1 {
				t.Errorf("after write %d the other server shows %d", i+1, got)
			}
		}
	})
}

func TestAnEngineOutOfReachRefusesWritesServesReadsAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d := newDepot()
		all := servers(t, ctx, d, 2)
		storetest.Put(t, all[0], "a")
		d.mu.Lock()
		d.away = true
		d.mu.Unlock()
		err := all[0].Update(ctx, func(tx *store.Tx) error { tx.Clusters().Put(storetest.Cluster("b", "")); return nil })
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("update answered %v", err)
		}
		_ = all[1].Fresh(ctx) // finds out
		began := time.Now()
		err = all[1].Fresh(ctx)
		if !errors.Is(err, store.ErrUnavailable) || time.Since(began) > 0 {
			t.Errorf("fresh answered %v after %v", err, time.Since(began))
		}
		if got := storetest.Names(all[0].View()); !slices.Equal(got, []string{"a"}) {
			t.Errorf("the view shows %v", got)
		}
		d.mu.Lock()
		d.away = false
		d.mu.Unlock()
		time.Sleep(time.Second)
		storetest.Put(t, all[0], "c")
		err = all[1].Fresh(ctx)
		if err != nil || all[1].Away() {
			t.Errorf("fresh answered %v after the engine came back", err)
		}
		if got := storetest.Names(all[1].View()); !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("the other server shows %v", got)
		}
	})
}

func TestAnEngineThatWentBackStopsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d := newDepot()
		s := servers(t, ctx, d, 1)[0]
		storetest.Put(t, s, "a")
		storetest.Put(t, s, "b")
		d.mu.Lock()
		d.log = d.log[:1]
		d.mu.Unlock()
		_ = s.Fresh(ctx) // finds out
		err := s.Update(ctx, func(tx *store.Tx) error { tx.Clusters().Put(storetest.Cluster("c", "")); return nil })
		if !errors.Is(err, store.ErrStopped) {
			t.Errorf("update answered %v", err)
		}
	})
}
