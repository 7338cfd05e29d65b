package etcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longshore/internal/store"
	"longshore/internal/store/storetest"
)

// link is a network between a server and etcd that can be cut, or hang.
type link struct {
	to    string
	l     net.Listener
	state atomic.Int32
	mu    sync.Mutex
	conns []net.Conn
}

const (
	linkUp int32 = iota
	linkCut
	linkHangs  // nothing passes, nothing breaks
	linkSwallo // requests pass, answers do not
)

func newLink(t testing.TB, to string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{to: to, l: l}
	var wg sync.WaitGroup
	wg.Go(func() { k.accept(&wg) })
	t.Cleanup(func() {
		_ = l.Close() // ends accept
		k.set(linkCut)
		wg.Wait()
	})
	return k
}

func (k *link) addr() string { return k.l.Addr().String() }

func (k *link) accept(wg *sync.WaitGroup) {
	for {
		c, err := k.l.Accept()
		if err != nil {
			return
		}
		d, err := net.Dial("tcp", k.to)
		if err != nil || k.state.Load() == linkCut {
			_ = c.Close() // refused
			if err == nil {
				_ = d.Close() // refused
			}
			continue
		}
		k.mu.Lock()
		k.conns = append(k.conns, c, d)
		k.mu.Unlock()
		wg.Go(func() { k.pump(d, c, true) })
		wg.Go(func() { k.pump(c, d, false) })
	}
}

// pump copies, and waits while the link hangs.
func (k *link) pump(to, from net.Conn, requests bool) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		for s := k.state.Load(); s == linkHangs || s == linkSwallo && !requests; s = k.state.Load() {
			<-time.After(5 * time.Millisecond)
		}
		if err == nil {
			_, err = to.Write(b[:n])
		}
		if err != nil {
			_, _ = to.Close(), from.Close() // one end broke: the other one follows
			return
		}
	}
}

// set changes the weather; linkCut breaks what is connected.
func (k *link) set(state int32) {
	k.state.Store(state)
	if state != linkCut {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.conns {
		_ = c.Close() // cut
	}
	k.conns = nil
}

// follow keeps a store close behind the others until the test ends.
func follow(t testing.TB, s *store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Follow(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// count increments until ctx ends or n times, and answers how many were acknowledged and how many not.
func count(ctx context.Context, t testing.TB, s *store.Store, n int) (acked, open int) {
	for range n {
		err := s.Update(ctx, func(tx *store.Tx) error { storetest.Increment(tx); return nil })
		switch {
		case err == nil:
			acked++
		case errors.Is(err, store.ErrUnavailable), ctx.Err() != nil:
			open++
		default:
			t.Errorf("update: %v", err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return acked, open
}

func TestTwoServersLoseNoUpdateBetweenThem(t *testing.T) {
	etcd := newServer(t)
	prefix := freshPrefix()
	// A short log with staged commits and constant folding: the rare ways are taken all the time.
	small := func(c *Config) { c.MaxInline, c.FoldAt, c.Keep = 100, 8, 2 }
	var all []*store.Store
	for range 2 {
		e := connect(t, etcd.addr, prefix, small)
		s := openStore(t, e)
		follow(t, s)
		all = append(all, s)
	}
	folder := connect(t, etcd.addr, prefix, small)
	defer folder.Close()
	folding, stop := context.WithCancel(t.Context())
	var background, wg sync.WaitGroup
	background.Go(func() {
		for folding.Err() == nil {
			err := folder.FoldOnce(folding)
			if err != nil && folding.Err() == nil && !errors.Is(err, errOvertaken) && !errors.Is(err, store.ErrGap) {
				t.Errorf("fold: %v", err)
			}
		}
	})
	const writers, each = 4, 50
	var acked, open atomic.Int64 // on a busy machine etcd may be late for a commit, whose outcome is open then
	for _, s := range all {
		for range writers {
			wg.Go(func() {
				a, o := count(t.Context(), t, s, each)
				acked.Add(int64(a))
				open.Add(int64(o))
			})
		}
	}
	wg.Wait()
	if acked.Load() < writers*each {
		t.Errorf("%d acknowledged, %d open", acked.Load(), open.Load())
	}
	stop()
	background.Wait()
	fresh := openStore(t, connect(t, etcd.addr, prefix, small))
	for i, s := range append(all, fresh) {
		err := s.Fresh(t.Context())
		if err != nil {
			t.Error(err)
		}
		got := int64(storetest.Counter(s.View()))
		if got < acked.Load() || got > acked.Load()+open.Load() {
			t.Errorf("server %d counts %d; %d acknowledged, %d open", i, got, acked.Load(), open.Load())
		}
	}
}

func TestAReadAfterAnAcknowledgedWriteSeesItOnTheOtherServer(t *testing.T) {
	etcd := newServer(t)
	prefix := freshPrefix()
	a, b := openStore(t, connect(t, etcd.addr, prefix)), openStore(t, connect(t, etcd.addr, prefix))
	for i := range 50 {
		storetest.Put(t, a, fmt.Sprint("c", i))
		err := b.Fresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := len(storetest.Names(b.View())); got != i+1 {
			t.Fatalf("after write %d the other server shows %d", i+1, got)
		}
		a, b = b, a
	}
}

func TestACommitWhoseAnswerWasLostIsFoundOrShutOut(t *testing.T) {
	etcd := newServer(t)
	prefix := freshPrefix()
	k := newLink(t, etcd.addr)
	e := connect(t, k.addr(), prefix, func(c *Config) { c.CommitTimeout = 10 * time.Second })
	s := openStore(t, e)
	follow(t, s)
	acked := 0
	for i := range 12 {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			n, open := count(ctx, t, s, 20)
			acked += n
			if open > 0 {
				t.Errorf("round %d: %d commits were not settled", i, open)
			}
		})
		// Some rounds lose the answer of a request that was carried out, the others the request.
		if i%2 == 0 {
			k.set(linkSwallo)
			<-time.After(20 * time.Millisecond)
		}
		k.set(linkCut)
		k.set(linkUp)
		wg.Wait()
		cancel()
	}
	fresh := openStore(t, connect(t, etcd.addr, prefix))
	if got := storetest.Counter(fresh.View()); got != acked {
		t.Errorf("etcd counts %d, %d were acknowledged and none is open", got, acked)
	}
}

func TestWhileEtcdIsAwayReadsGoOnAndWritesAreRefused(t *testing.T) {
	for name, away := range map[string]struct {
		leave, back func(t *testing.T, etcd *server, k *link)
	}{
		"stopped": {
			func(_ *testing.T, etcd *server, _ *link) { etcd.stop() },
			func(t *testing.T, etcd *server, _ *link) { etcd.start(t) },
		},
		"cut off": {
			func(_ *testing.T, _ *server, k *link) { k.set(linkCut) },
			func(_ *testing.T, _ *server, k *link) { k.set(linkUp) },
		},
		"paused": {
			func(_ *testing.T, _ *server, k *link) { k.set(linkHangs) },
			func(_ *testing.T, _ *server, k *link) { k.set(linkUp) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			etcd := newServer(t)
			prefix := freshPrefix()
			k := newLink(t, etcd.addr)
			s := openStore(t, connect(t, k.addr(), prefix, func(c *Config) { c.CommitTimeout = time.Second }))
			follow(t, s)
			acked, _ := count(t.Context(), t, s, 5)
			away.leave(t, etcd, k)
			refused, open := count(t.Context(), t, s, 3)
			if refused != 0 || open != 3 {
				t.Errorf("away: %d acknowledged, %d open", refused, open)
			}
			_ = s.Fresh(t.Context()) // finds out at the latest
			began := time.Now()
			err := s.Fresh(t.Context())
			if !errors.Is(err, store.ErrUnavailable) || time.Since(began) > 100*time.Millisecond {
				t.Errorf("fresh answered %v after %v", err, time.Since(began))
			}
			if got := storetest.Counter(s.View()); got != acked {
				t.Errorf("the view counts %d of %d", got, acked)
			}
			away.back(t, etcd, k)
			back := time.Now()
			for s.Away() && time.Since(back) < 10*time.Second {
				<-time.After(10 * time.Millisecond)
			}
			t.Logf("back after %v", time.Since(back))
			n, open := count(t.Context(), t, s, 5)
			if n != 5 || open != 0 {
				t.Errorf("back: %d acknowledged, %d open", n, open)
			}
			got := storetest.Counter(s.View())
			if got < acked+5 || got > acked+3+5 {
				t.Errorf("the view counts %d, %d were acknowledged and 3 are open", got, acked+5)
			}
		})
	}
}
