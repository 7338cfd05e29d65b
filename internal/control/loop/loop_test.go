package loop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// clusters is a promise about clusters that notes when it looked at which.
type clusters struct {
	reconcile func(ctx context.Context, key string) (time.Time, error)

	mu      sync.Mutex
	looks   []string
	running map[string]int
	most    int
}

func (p *clusters) Name() string { return "clusters" }

func (p *clusters) Keys(c store.Change) []string {
	if c.Table != "clusters" {
		return nil
	}
	return []string{c.Key[strings.LastIndexByte(c.Key, '/')+1:]}
}

func (p *clusters) All(v store.View) []string {
	var out []string
	for c := range v.Clusters().All() {
		out = append(out, c.Key.Name())
	}
	return out
}

func (p *clusters) Reconcile(ctx context.Context, key string) (time.Time, error) {
	p.mu.Lock()
	p.looks = append(p.looks, key)
	if p.running == nil {
		p.running = map[string]int{}
	}
	p.running[key]++
	if p.running[key] > 1 {
		panic("two looks at " + key + " at once")
	}
	busy := 0
	for _, n := range p.running {
		busy += n
	}
	p.most = max(p.most, busy)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.running[key]--
		p.mu.Unlock()
	}()
	if p.reconcile == nil {
		return time.Time{}, nil
	}
	return p.reconcile(ctx, key)
}

// took gives the looks since the last call.
func (p *clusters) took() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.looks
	p.looks = nil
	return out
}

type rig struct {
	t *testing.T
	s *store.Store
	p *clusters
	loop.Config
	log bytes.Buffer
}

func newRig(t *testing.T) *rig {
	s, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, s: s, p: &clusters{}}
	r.Config = loop.Config{Store: s, Promise: r.p, Now: time.Now, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
		Resync: time.Hour}
	return r
}

func (r *rig) put(names ...string) {
	r.t.Helper()
	err := r.s.Update(r.t.Context(), func(tx *store.Tx) error {
		for _, n := range names {
			tx.Clusters().Put(&state.Cluster{Key: state.NewClusterKey(state.Scope{Account: "1", Region: "r"}, n)})
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// run keeps the promise until the test ends.
func (r *rig) run() (stop func() error) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- loop.Run(ctx, r.Config) }()
	r.t.Cleanup(cancel)
	return func() error {
		cancel()
		return <-done
	}
}

func (r *rig) expect(what string, want ...string) {
	r.t.Helper()
	got := r.p.took()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Errorf("%s: looked at %v, want %v", what, got, want)
	}
}

func TestEverythingIsScannedOnceAndThenEveryChangeIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.put("a", "b")
		ready := false
		r.Ready = func() { ready = true }
		stop := r.run()
		r.expect("the scan", "a", "b")
		if !ready {
			t.Error("the first scan is over and nobody was told")
		}
		r.put("c")
		r.expect("a change", "c")
		time.Sleep(time.Hour)
		r.expect("a resync", "a", "b", "c")
		err := stop()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("run answered %v", err)
		}
		r.put("d")
		r.expect("after the end")
	})
}

func TestAnEmptyStoreIsReadyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ready := false
		r.Ready = func() { ready = true }
		stop := r.run()
		synctest.Wait()
		if !ready {
			t.Error("not ready")
		}
		_ = stop()
	})
}

func TestAKeyThatChangesWhileItIsLookedAtIsLookedAtOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		gate := make(chan struct{})
		r.p.reconcile = func(context.Context, string) (time.Time, error) {
			<-gate
			return time.Time{}, nil
		}
		stop := r.run()
		r.put("a")
		r.expect("the first change", "a")
		for range 5 {
			r.put("a")
		}
		r.expect("while it is looked at")
		gate <- struct{}{}
		r.expect("after that, once for all", "a")
		gate <- struct{}{}
		r.expect("and no more")
		_ = stop()
	})
}

func TestWorkersBoundHowManyKeysAreLookedAtTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Workers = 3
		r.p.reconcile = func(context.Context, string) (time.Time, error) {
			time.Sleep(time.Second)
			return time.Time{}, nil
		}
		var names []string
		for i := range 9 {
			names = append(names, fmt.Sprint("c", i))
		}
		r.put(names...)
		stop := r.run()
		time.Sleep(3*time.Second + time.Millisecond)
		r.expect("nine looks in three seconds", names...)
		if r.p.most != 3 {
			t.Errorf("%d looks at once", r.p.most)
		}
		_ = stop()
	})
}

func TestADeadlineBringsALookWithoutAHintAndALaterOneReplacesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var wait atomic.Int64
		wait.Store(int64(10 * time.Minute))
		r.p.reconcile = func(context.Context, string) (time.Time, error) {
			if wait.Load() == 0 {
				return time.Time{}, nil
			}
			return time.Now().Add(time.Duration(wait.Load())), nil
		}
		stop := r.run()
		r.put("a")
		r.expect("the change", "a")
		time.Sleep(10 * time.Minute)
		r.expect("the deadline", "a")
		time.Sleep(time.Minute)
		wait.Store(int64(20 * time.Minute))
		r.put("a")
		r.expect("a change before the deadline", "a")
		time.Sleep(10 * time.Minute)
		r.expect("the replaced deadline")
		wait.Store(0)
		time.Sleep(10 * time.Minute)
		r.expect("the new deadline", "a")
		time.Sleep(15 * time.Minute)
		r.expect("no deadline is pending")
		_ = stop()
	})
}

func TestAFailureIsRetriedWithGrowingDelaysAndHintsDoNotHurryIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var fails atomic.Bool
		fails.Store(true)
		r.p.reconcile = func(context.Context, string) (time.Time, error) {
			if fails.Load() {
				return time.Time{}, errors.New("disk on fire")
			}
			return time.Time{}, nil
		}
		stop := r.run()
		r.put("a")
		r.expect("the change", "a")
		for range 20 {
			r.put("a")
		}
		r.expect("hints during the delay")
		time.Sleep(50 * time.Millisecond)
		r.expect("the first retry", "a")
		time.Sleep(50 * time.Millisecond)
		r.expect("the second retry comes later")
		time.Sleep(50 * time.Millisecond)
		r.expect("the second retry", "a")
		time.Sleep(10 * time.Minute)
		n := len(r.p.took())
		if n < 20 || n > 40 {
			t.Errorf("%d retries in ten minutes", n)
		}
		fails.Store(false)
		time.Sleep(time.Minute)
		r.expect("the last retry", "a")
		r.put("a")
		r.expect("a hint after success", "a")
		if !strings.Contains(r.log.String(), "disk on fire") {
			t.Error("the failure was not logged")
		}
		_ = stop()
	})
}

func TestRunWaitsForTheLooksThatAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		over := false
		r.p.reconcile = func(ctx context.Context, _ string) (time.Time, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			over = true
			return time.Time{}, ctx.Err()
		}
		stop := r.run()
		r.put("a")
		r.expect("the change", "a")
		_ = stop()
		if !over {
			t.Error("run returned before its worker")
		}
	})
}
