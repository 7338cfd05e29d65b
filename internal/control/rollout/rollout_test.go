package rollout

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/state"
	"longshore/internal/store"
)

// keep runs the promise in virtual time beside a cluster whose tasks take a second to start and to stop.
func keep(t *testing.T, w *world) (stop func()) {
	w.r.Now = time.Now
	w.now = time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() {
		done <- loop.Run(ctx, loop.Config{Store: w.s, Promise: w.r, Now: time.Now,
			Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	}()
	go func() {
		for ctx.Err() == nil {
			time.Sleep(time.Second)
			w.now = time.Now()
			w.move(-1, waiting, w.run)
			w.move(-1, stopping, w.end)
		}
		done <- nil
	}()
	return func() {
		cancel()
		<-done
		<-done
	}
}

func TestAServiceIsRolledReplacedAndDeletedInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.now = time.Now()
		stop := keep(t, w)
		defer stop()
		w.service(50, 100, 200, nil)
		time.Sleep(3 * time.Second)
		w.steady(t, "ecs-svc/1", 50)
		s := w.change(func(s *state.Service) { s.TaskDefinition = w.define(2, false) })
		w.deploy(s)
		time.Sleep(5 * time.Second)
		w.steady(t, "ecs-svc/2", 50)
		w.move(7, running, w.exit(state.StopEssentialExited))
		time.Sleep(5 * time.Second)
		w.steady(t, "ecs-svc/2", 50)
		w.change(func(s *state.Service) { s.Status, s.DesiredCount = state.StatusDraining, 0 })
		time.Sleep(5 * time.Second)
		gone, _ := w.s.View().Services().Get(web)
		if gone.Status != state.StatusInactive || gone.DeletedAt.IsZero() || w.s.View().Deployments().Len() != 0 {
			t.Errorf("deleted, it is %s with %d deployments", gone.Status, w.s.View().Deployments().Len())
		}
	})
}

func (w *world) steady(t *testing.T, deployment string, n int) {
	t.Helper()
	synctest.Wait()
	want := fmt.Sprintf("%s PRIMARY COMPLETED desired=%d pending=0 running=%d stopping=0 failed=0\n", deployment, n, n)
	if got := w.show(); got != want {
		t.Errorf("the service is\n%swant\n%s", got, want)
	}
}

func TestAThrottledServiceStartsAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.r.Now = time.Now
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- loop.Run(ctx, loop.Config{Store: w.s, Promise: w.r, Now: time.Now, Resync: 1000 * time.Hour,
				Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		}()
		w.service(1, 100, 200, nil)
		starts := 0
		for range 3600 {
			time.Sleep(time.Second)
			w.now = time.Now()
			starts += w.move(-1, waiting, w.exit(state.StopFailedToStart))
		}
		cancel()
		<-done
		if starts < 10 || starts > 16 {
			t.Errorf("a task that never starts was tried %d times in an hour", starts)
		}
		told := slices.IndexFunc(w.events(), func(e string) bool {
			return strings.HasSuffix(e, "is unable to consistently start tasks successfully.")
		})
		if told < 0 {
			t.Error("nobody was told")
		}
	})
}

func TestATaskWithoutAHealthCheckIsHealthyAfterTheConfiguredTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.r.HealthyAfter = 40 * time.Second
		stop := keep(t, w)
		defer stop()
		w.service(2, 100, 200, nil)
		time.Sleep(39 * time.Second)
		synctest.Wait()
		if got := w.show(); !strings.Contains(got, "IN_PROGRESS") {
			t.Errorf("the service is already\n%s", got)
		}
		time.Sleep(5 * time.Second)
		w.steady(t, "ecs-svc/1", 2)
	})
}

func TestTheStoryKeepsTheLastHundredLinesInOrder(t *testing.T) {
	w := newWorld(t)
	w.service(0, 100, 200, nil)
	for i := range 130 {
		w.update(func(tx *store.Tx) {
			now := w.now.Add(-time.Duration(i) * time.Minute) // a clock that goes back
			tx.Tell(web, now, fmt.Sprint(i), fmt.Sprint("line ", i))
		})
	}
	got := w.events()
	if len(got) != 100 || got[0] != "line 30" || got[99] != "line 129" {
		t.Errorf("%d lines from %q to %q", len(got), got[0], got[len(got)-1])
	}
}

func TestChangesOfInstancesConcernTheirServicesAndEveryDaemon(t *testing.T) {
	w := newWorld(t)
	w.service(1, 100, 200, nil)
	daemon := state.NewServiceKey(cluster, "agent")
	host := &state.Instance{Key: state.NewInstanceKey(cluster, "host0"), Status: state.StatusActive}
	w.update(func(tx *store.Tx) {
		tx.Services().Put(&state.Service{Key: daemon, Status: state.StatusActive, Scheduling: state.SchedulingDaemon})
	})
	w.rest()
	w.move(1, waiting, func(t *state.Task) { t.Instance = host.Key })
	draining := *host
	draining.Status = state.StatusDraining
	got := w.r.Keys(store.Change{Table: "instances", Old: host, New: &draining})
	if !slices.Equal(got, []string{string(web), string(daemon)}) {
		t.Errorf("concerns %v", got)
	}
	beat := *host
	beat.SequenceNumber++
	if got := w.r.Keys(store.Change{Table: "instances", Old: host, New: &beat}); got != nil {
		t.Errorf("a heartbeat concerns %v", got)
	}
}
