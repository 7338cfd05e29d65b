package rollout

import (
	"testing"
	"time"

	"longshore/internal/state"
)

// A clock that is set back by about a task's age makes it look fresh when it has served for long.
func TestAClockSetBackCostsAReplacedDeploymentNoHealthyTask(t *testing.T) {
	for _, back := range []time.Duration{0, 5 * time.Second, 9 * time.Second, 10 * time.Second, time.Minute} {
		t.Run(back.String(), func(t *testing.T) {
			w := newWorld(t)
			w.r.HealthyAfter = 2 * time.Second
			w.service(3, 100, 150, nil)
			w.rest()
			w.move(-1, waiting, w.run)
			w.now = w.now.Add(10 * time.Second)
			w.rest()

			w.now = w.now.Add(-back)
			w.deploy(w.change(func(s *state.Service) { s.TaskDefinition = w.define(2, false) }))
			w.now = w.now.Add(-time.Second) // as old as before the new deployment
			w.rest()
			if got := w.move(-1, running, func(*state.Task) {}); got != 3 {
				t.Errorf("%d of 3 healthy tasks were left before any new one ran", got)
			}

			for range 10 {
				w.now = w.now.Add(3 * time.Second)
				w.rest()
				w.move(-1, stopping, w.end)
				w.move(-1, waiting, w.run)
			}
			w.now = w.now.Add(2 * time.Minute)
			w.rest()
			w.move(-1, stopping, w.end)
			w.rest()
			if got := w.show(); got != "ecs-svc/2 PRIMARY COMPLETED desired=3 pending=0 running=3 stopping=0 failed=0\n" {
				t.Errorf("in the end there is\n%s", got)
			}
		})
	}
}

// Old tasks that began just now hold a change up for no longer than it takes to tell what they are.
func TestYoungTasksOfAReplacedDeploymentAreReplacedOnceTheyAreTold(t *testing.T) {
	w := newWorld(t)
	w.r.HealthyAfter = 2 * time.Second
	w.service(2, 50, 100, nil)
	w.rest()
	w.deploy(w.change(func(s *state.Service) { s.TaskDefinition = w.define(2, false) }))
	w.move(-1, waiting, w.run)
	w.rest()
	if got := w.move(-1, stopping, func(*state.Task) {}); got != 0 {
		t.Errorf("%d tasks are stopped before anyone can tell what they are", got)
	}
	next, err := w.r.Reconcile(t.Context(), string(web))
	if err != nil || !next.Equal(w.now.Add(2*time.Second)) {
		t.Fatalf("the next look is at %v, %v", next, err)
	}
	w.now = next
	w.rest()
	if got := w.move(-1, stopping, func(*state.Task) {}); got != 1 {
		t.Errorf("%d of 2 tasks make room, want 1", got)
	}
}
