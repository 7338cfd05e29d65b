package lease_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/lease"
)

// cell is a record in memory, behind networks that can fail.
type cell struct {
	mu      sync.Mutex
	value   []byte
	version int64
}

// link is one server's way to the cell.
type link struct {
	*cell
	mu    sync.Mutex
	state string // "", "cut" (nothing arrives), "deaf" (answers are lost)
}

func (l *link) set(state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = state
}

func (l *link) pass(ctx context.Context, deaf string) error {
	<-time.After(time.Millisecond)
	l.mu.Lock()
	stuck := l.state == "cut" || l.state != "" && l.state == deaf
	l.mu.Unlock()
	if stuck {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (l *link) Read(ctx context.Context) ([]byte, int64, error) {
	err := l.pass(ctx, "")
	if err != nil {
		return nil, 0, err
	}
	l.cell.mu.Lock()
	value, version := l.value, l.version
	l.cell.mu.Unlock()
	return value, version, l.pass(ctx, "deaf")
}

func (l *link) Swap(ctx context.Context, version int64, value []byte) (int64, error) {
	err := l.pass(ctx, "")
	if err != nil {
		return 0, err
	}
	l.cell.mu.Lock()
	now := int64(0)
	if l.version == version {
		l.version++
		l.value, now = value, l.version
	}
	l.cell.mu.Unlock()
	return now, l.pass(ctx, "deaf")
}

// court counts who leads.
type court struct {
	mu    sync.Mutex
	leads map[string]bool
	began map[string]time.Time
	most  int
}

func (c *court) lead(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		c.mu.Lock()
		c.leads[name], c.began[name] = true, time.Now()
		c.most = max(c.most, len(c.leads))
		c.mu.Unlock()
		<-ctx.Done()
		c.mu.Lock()
		delete(c.leads, name)
		c.mu.Unlock()
		return ctx.Err()
	}
}

func (c *court) leader() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.leads {
		return name
	}
	return ""
}

func (c *court) candidate(ctx context.Context, t *testing.T, l *link, name string) {
	err := lease.Run(ctx, lease.Config{Cell: l, Holder: name, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, c.lead(name))
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func newCourt() *court { return &court{leads: map[string]bool{}, began: map[string]time.Time{}} }

func TestAServerThatVanishesIsFollowedWithinTwoSeconds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		after := time.Duration(rapid.IntRange(0, 3000).Draw(rt, "cut after ms")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			c, shared := newCourt(), &cell{}
			links := map[string]*link{"a": {cell: shared}, "b": {cell: shared}, "c": {cell: shared}}
			var wg sync.WaitGroup
			for name, l := range links {
				wg.Go(func() { c.candidate(ctx, t, l, name) })
			}
			<-time.After(time.Second + after)
			first := c.leader()
			cut := time.Now()
			links[first].set("cut")
			<-time.After(2 * time.Second)
			next := c.leader()
			if next == "" || next == first || c.began[next].Sub(cut) > 1600*time.Millisecond {
				t.Errorf("%q led, then %q, %v after the cut", first, next, c.began[next].Sub(cut))
			}
			if c.most > 1 {
				t.Errorf("%d led at once", c.most)
			}
			cancel()
			wg.Wait()
		})
	})
}

func TestAServerThatEndsIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, shared := newCourt(), &cell{}
		one, end := context.WithCancel(t.Context())
		two, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { c.candidate(one, t, &link{cell: shared}, "one") })
		<-time.After(time.Second)
		wg.Go(func() { c.candidate(two, t, &link{cell: shared}, "two") })
		<-time.After(time.Second)
		end()
		<-time.After(300 * time.Millisecond)
		if c.leader() != "two" {
			t.Errorf("%q leads", c.leader())
		}
		cancel()
		wg.Wait()
	})
}

func TestNeverDoTwoServersLeadAtOnceWhateverTheNetworkDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type weather struct {
			wait  time.Duration
			who   int
			state string
		}
		story := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) weather {
			return weather{time.Duration(rapid.IntRange(1, 2500).Draw(t, "ms")) * time.Millisecond,
				rapid.IntRange(0, 2).Draw(t, "who"), rapid.SampledFrom([]string{"", "cut", "deaf"}).Draw(t, "state")}
		}), 1, 12).Draw(rt, "story")
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			c, shared := newCourt(), &cell{}
			links := []*link{{cell: shared}, {cell: shared}, {cell: shared}}
			var wg sync.WaitGroup
			for i, l := range links {
				wg.Go(func() { c.candidate(ctx, t, l, fmt.Sprint(i)) })
			}
			for _, w := range story {
				<-time.After(w.wait)
				links[w.who].set(w.state)
			}
			for _, l := range links {
				l.set("")
			}
			<-time.After(2 * time.Second)
			if c.leader() == "" {
				t.Error("nobody leads two seconds after the network was mended")
			}
			if c.most > 1 {
				t.Errorf("%d led at once", c.most)
			}
			cancel()
			wg.Wait()
		})
	})
}

func TestWorkThatFailsEndsTheCandidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		err := lease.Run(t.Context(), lease.Config{Cell: &link{cell: &cell{}}, Holder: "a", Now: time.Now,
			Log: slog.New(slog.DiscardHandler)}, func(context.Context) error { return boom })
		if !errors.Is(err, boom) {
			t.Errorf("run answered %v", err)
		}
	})
}
