package schedule

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

var (
	cluster = state.NewClusterKey(state.Scope{Account: "123456789012", Region: "us-east-1"}, "c")
	web     = state.NewServiceKey(cluster, "web")
)

// rig runs the promise on a memory store inside a synctest bubble.
type rig struct {
	t  *testing.T
	st *store.Store
}

func run(t *testing.T, test func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), memory.Engine{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		board := place.NewBoard(func(int) int { return 0 })
		id := 0
		p := New(Config{Store: st, Board: board, Now: time.Now, Batch: 3,
			NewID: func() string { id++; return fmt.Sprint("id", id) }})
		go func() { _ = Follow(ctx, st, board) }()
		go func() {
			_ = loop.Run(ctx, loop.Config{Store: st, Promise: p, Now: time.Now,
				Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		}()
		synctest.Wait()
		test(&rig{t, st})
		cancel()
		synctest.Wait()
	})
}

func (r *rig) update(fn func(tx *store.Tx)) {
	r.t.Helper()
	err := r.st.Update(r.t.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

func (r *rig) task(k state.TaskKey) *state.Task {
	r.t.Helper()
	t, ok := r.st.View().Tasks().Get(k)
	if !ok {
		r.t.Fatalf("no task %s", k)
	}
	return t
}

func (r *rig) events() []string {
	var out []string
	for e := range r.st.View().Events().All() {
		out = append(out, e.Message)
	}
	return out
}

func instance(id string, cpu int) *state.Instance {
	return &state.Instance{Key: state.NewInstanceKey(cluster, id), Kind: state.KindEC2, Status: state.StatusActive,
		Connected: true, CPU: cpu, Memory: 4096}
}

func task(n, cpu int) *state.Task {
	return &state.Task{Key: state.NewTaskKey(cluster, fmt.Sprint("t", n)), Service: web, Group: "service:web",
		LaunchType: state.LaunchEC2, Need: state.Need{CPU: cpu}, Desired: state.Running, Last: state.Provisioning,
		CreatedAt: time.Unix(int64(n), 0), Version: 1, Containers: []state.TaskContainer{{Name: "app", Last: state.Pending}}}
}

func TestABurstIsPlacedAndHandedToItsInstances(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) {
			tx.Instances().Put(instance("i1", 1024))
			tx.Instances().Put(instance("i2", 1024))
			for n := range 8 {
				tx.Tasks().Put(task(n, 256))
			}
		})
		on := map[state.InstanceKey]int{}
		for n := range 8 {
			x := r.task(task(n, 0).Key)
			on[x.Instance]++
			if x.Last != state.Pending || x.Version != 2 {
				r.t.Errorf("task %d: %s, version %d", n, x.Last, x.Version)
			}
		}
		if on[instance("i1", 0).Key] != 4 || on[instance("i2", 0).Key] != 4 {
			r.t.Errorf("got %v", on)
		}
	})
}

func TestAWaitingTaskSaysWhyOnceAndIsPlacedWhenASlotIsFreed(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) {
			tx.Services().Put(&state.Service{Key: web, Status: state.StatusActive})
			tx.Instances().Put(instance("i1", 1024))
			for n := range 4 {
				tx.Tasks().Put(task(n, 512))
			}
		})
		for n := range 4 {
			x := r.task(task(n, 0).Key)
			if (n < 2) != (x.Waiting == nil) || (n < 2) != (x.Instance != "") {
				r.t.Errorf("task %d: on %q, waiting %v", n, x.Instance, x.Waiting)
			}
		}
		if w := r.task(task(2, 0).Key).Waiting; w.Code != place.CodeCPU || !w.Since.Equal(time.Now()) {
			r.t.Errorf("got %+v", w)
		}
		events := r.events()
		want := "(service web) was unable to place a task because no container instance met all of its requirements. " +
			"The closest matching (container-instance i1) has insufficient CPU units available."
		if len(events) != 1 || !strings.HasPrefix(events[0], want) {
			r.t.Errorf("got %q", events)
		}
		start := time.Now()
		r.update(func(tx *store.Tx) { // stopping is not enough: the processes still run
			x, _ := tx.Tasks().Get(task(0, 0).Key)
			x = x.Clone()
			x.Stop(state.StopUserInitiated, "", time.Now())
			tx.Tasks().Put(x)
		})
		if r.task(task(2, 0).Key).Instance != "" {
			r.t.Error("placed before the slot was free")
		}
		r.update(func(tx *store.Tx) {
			x, _ := tx.Tasks().Get(task(0, 0).Key)
			x = x.Clone()
			x.Last, x.Released = state.Stopped, time.Now()
			x.Version++
			tx.Tasks().Put(x)
		})
		if x := r.task(task(2, 0).Key); x.Instance == "" || x.Waiting != nil {
			r.t.Errorf("the oldest waiter was not woken: %+v", x.Waiting)
		}
		if r.task(task(3, 0).Key).Instance != "" || len(r.events()) != 1 || !time.Now().Equal(start) {
			r.t.Errorf("events %q after %s", r.events(), time.Since(start))
		}
	})
}

func TestANoticeIsToldBehindWhatWasToldBefore(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) { // within one instant, with an id that sorts late
			tx.Services().Put(&state.Service{Key: web, Status: state.StatusActive})
			tx.Tell(web, time.Now(), "zz", "first")
			tx.Tasks().Put(task(1, 256))
		})
		told := r.events()
		if len(told) != 2 || told[0] != "first" {
			r.t.Errorf("told in this order: %q", told)
		}
	})
}

func TestAnInstanceThatJoinsOrReconnectsWakesTheWaiting(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) { tx.Tasks().Put(task(1, 512)) })
		if w := r.task(task(1, 0).Key).Waiting; w == nil || w.Code != place.CodeNone {
			r.t.Fatalf("got %v", w)
		}
		i := instance("i1", 1024)
		i.Connected = false
		r.update(func(tx *store.Tx) { tx.Instances().Put(i) })
		r.update(func(tx *store.Tx) { tx.Tasks().Put(task(2, 512)) })
		if w := r.task(task(2, 0).Key).Waiting; w == nil || w.Code != place.CodeAgent {
			r.t.Fatalf("got %v", w)
		}
		r.update(func(tx *store.Tx) { tx.Instances().Put(instance("i1", 1024)) })
		for n := 1; n < 3; n++ {
			if r.task(task(n, 0).Key).Instance == "" {
				r.t.Errorf("task %d still waits", n)
			}
		}
	})
}

func TestAFargateTaskGetsTheLeastUsedZoneOfItsSubnetsAndWaitsForItsInterface(t *testing.T) {
	run(t, func(r *rig) {
		scope := cluster.Scope()
		r.update(func(tx *store.Tx) {
			for i, z := range []string{"a", "b", "c"} {
				tx.Subnets().Put(&state.Subnet{Key: state.NewResourceKey(scope, fmt.Sprint("subnet-", i)), Zone: z})
			}
			for n := range 6 {
				x := task(n, 4096)
				x.LaunchType = state.LaunchFargate
				x.Network = &state.NetworkConfig{Subnets: []string{"subnet-0", "subnet-1", "subnet-2"}}
				tx.Tasks().Put(x)
			}
		})
		if w := r.task(task(0, 0).Key).Waiting; w == nil || w.Code != place.CodeFargate {
			r.t.Fatalf("got %v", w)
		}
		host := instance("h", 1)
		host.Key, host.Kind = state.NewInstanceKey(state.NewClusterKey(scope, state.FargateCluster), "h"), state.KindFargate
		r.update(func(tx *store.Tx) { tx.Instances().Put(host) })
		zones := map[string]int{}
		for n := range 6 {
			x := r.task(task(n, 0).Key)
			zones[x.Zone]++
			if x.Instance != host.Key || x.Last != state.Provisioning {
				r.t.Errorf("task %d: %s on %q", n, x.Last, x.Instance)
			}
		}
		if zones["a"] != 2 || zones["b"] != 2 || zones["c"] != 2 {
			r.t.Errorf("got %v", zones)
		}
	})
}

func TestATaskStoppedBeforeItWasPlacedEndsHere(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) { tx.Tasks().Put(task(1, 512)) })
		r.update(func(tx *store.Tx) {
			x, _ := tx.Tasks().Get(task(1, 0).Key)
			x = x.Clone()
			x.Stop(state.StopUserInitiated, "Task stopped by user", time.Now())
			tx.Tasks().Put(x)
		})
		x := r.task(task(1, 0).Key)
		if x.Last != state.Stopped || x.StoppedAt.IsZero() || x.Released.IsZero() || x.Waiting != nil ||
			x.Containers[0].Last != state.Stopped || x.StoppedReason != "Task stopped by user" {
			r.t.Errorf("got %+v", x)
		}
	})
}

func TestChangesOfInstancesThatCannotHelpWakeNobody(t *testing.T) {
	was := instance("i1", 1)
	cases := map[string]struct {
		change func(*state.Instance)
		want   bool
	}{
		"sequence number": {func(i *state.Instance) { i.SequenceNumber++ }, false},
		"drained":         {func(i *state.Instance) { i.Status = state.StatusDraining }, false},
		"disconnected":    {func(i *state.Instance) { i.Connected = false }, false},
		"attribute":       {func(i *state.Instance) { i.Attributes = []state.Attribute{{Name: "a"}} }, true},
		"more cpu":        {func(i *state.Instance) { i.CPU++ }, true},
	}
	for name, c := range cases {
		now := *was
		c.change(&now)
		if opens(was, &now) != c.want {
			t.Errorf("%s: not %v", name, c.want)
		}
	}
	if !opens(nil, was) {
		t.Error("a new instance opens")
	}
}
