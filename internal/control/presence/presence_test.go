package presence

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
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

var cluster = state.NewClusterKey(state.Scope{Account: "123456789012", Region: "us-east-1"}, "c")

func update(t *testing.T, st *store.Store, fn func(tx *store.Tx)) {
	t.Helper()
	err := st.Update(t.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// run starts the loop on a store with one instance and one task on it.
func run(t *testing.T, i state.Instance, test func(t *testing.T, st *store.Store, task func() *state.Task),
) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), memory.Engine{})
		if err != nil {
			t.Fatal(err)
		}
		i.Key = state.NewInstanceKey(cluster, "i1")
		k := state.NewTaskKey(cluster, "t1")
		update(t, st, func(tx *store.Tx) {
			tx.Instances().Put(&i)
			tx.Tasks().Put(&state.Task{Key: k, Instance: i.Key, Desired: state.Running, Last: state.Running, Version: 5,
				Containers: []state.TaskContainer{{Name: "app", Last: state.Running}}})
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_ = loop.Run(ctx, loop.Config{Store: st, Promise: New(Config{Store: st, Now: time.Now}), Now: time.Now,
				Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		}()
		synctest.Wait()
		test(t, st, func() *state.Task {
			synctest.Wait()
			x, _ := st.View().Tasks().Get(k)
			return x
		})
		cancel()
		synctest.Wait()
	})
}

func TestTasksOfASilentInstanceAreLostAfterFiveMinutes(t *testing.T) {
	run(t, state.Instance{Kind: state.KindEC2, Status: state.StatusActive, Connected: true, EC2InstanceID: "i-1"},
		func(t *testing.T, st *store.Store, task func() *state.Task) {
			update(t, st, func(tx *store.Tx) {
				i, _ := tx.Instances().Get(state.NewInstanceKey(cluster, "i1"))
				c := *i
				c.Connected, c.DisconnectedAt = false, time.Now()
				tx.Instances().Put(&c)
			})
			time.Sleep(5*time.Minute - time.Second)
			if task().Last != state.Running {
				t.Error("lost too early")
			}
			time.Sleep(time.Second)
			x := task()
			if x.Last != state.Stopped || x.Desired != state.Stopped || x.StopCode != state.StopTerminationNotice ||
				!strings.Contains(x.StoppedReason, "i-1") || x.Released.IsZero() || x.StoppedAt.IsZero() ||
				x.Containers[0].Last != state.Stopped || x.Containers[0].ExitCode != nil || x.Version != 7 {
				t.Errorf("got %+v", x)
			}
		})
}

func TestAnInstanceThatReturnsInTimeKeepsItsTasks(t *testing.T) {
	run(t, state.Instance{Status: state.StatusActive, DisconnectedAt: time.Unix(1, 0)},
		func(t *testing.T, st *store.Store, task func() *state.Task) {
			time.Sleep(4 * time.Minute) // silent since long before this server was started: it gets its time all the same
			update(t, st, func(tx *store.Tx) {
				i, _ := tx.Instances().Get(state.NewInstanceKey(cluster, "i1"))
				c := *i
				c.Connected = true
				tx.Instances().Put(&c)
			})
			time.Sleep(time.Hour)
			if task().Last != state.Running {
				t.Errorf("got %+v", task())
			}
		})
}

func TestTasksOfADeregisteredInstanceAreLostAtOnce(t *testing.T) {
	run(t, state.Instance{Status: state.StatusActive, Connected: true},
		func(t *testing.T, st *store.Store, task func() *state.Task) {
			update(t, st, func(tx *store.Tx) {
				i, _ := tx.Instances().Get(state.NewInstanceKey(cluster, "i1"))
				c := *i
				c.Status = state.StatusInactive
				tx.Instances().Put(&c)
			})
			x := task()
			if x.Last != state.Stopped || x.StoppedReason != "Container instance deregistration forced by user" {
				t.Errorf("got %+v", x)
			}
		})
}

func TestJudge(t *testing.T) {
	at := func(minutes int) time.Time { return time.Unix(int64(minutes*60), 0) }
	cases := []struct {
		name          string
		i             state.Instance
		started, now  int
		lost, waiting bool
	}{
		{"connected", state.Instance{Connected: true}, 0, 100, false, false},
		{"silent for 4 minutes", state.Instance{DisconnectedAt: at(10)}, 0, 14, false, true},
		{"silent for 5 minutes", state.Instance{DisconnectedAt: at(10)}, 0, 15, true, false},
		{"silent, server just started", state.Instance{DisconnectedAt: at(10)}, 99, 100, false, true},
		{"never connected", state.Instance{RegisteredAt: at(10)}, 0, 12, false, true},
		{"deregistered", state.Instance{Connected: true, Status: state.StatusInactive}, 99, 100, true, false},
	}
	for _, c := range cases {
		got := judge(&c.i, at(c.started), 5*time.Minute, at(c.now))
		if (got.reason != "") != c.lost || got.at.IsZero() == c.waiting {
			t.Errorf("%s: got %s", c.name, fmt.Sprint(got))
		}
	}
}
