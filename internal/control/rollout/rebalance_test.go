package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/state"
	"longshore/internal/store"
)

// zoned is a world whose cluster has one instance in each zone, and a service at rest with tasks as given.
func zoned(t testing.TB, maximum int, tasks map[string]int) *world {
	w := newWorld(t)
	total := 0
	w.update(func(tx *store.Tx) {
		for zone, n := range tasks {
			total += n
			tx.Instances().Put(&state.Instance{Key: state.NewInstanceKey(cluster, zone), Kind: state.KindEC2,
				Status: state.StatusActive, Connected: true, CPU: 4096, Memory: 8192,
				Attributes: []state.Attribute{{Name: "ecs.availability-zone", Value: zone}}})
		}
	})
	w.service(total, 100, maximum, func(s *state.Service) { s.AZRebalancing = rebalanced })
	w.rest()
	for zone, n := range tasks {
		w.move(n, waiting, w.runIn(zone))
	}
	w.reconcile()
	return w
}

func (w *world) runIn(zone string) func(*state.Task) {
	return func(t *state.Task) {
		t.Instance, t.Zone = state.NewInstanceKey(cluster, zone), zone
		w.run(t)
	}
}

func (w *world) perZone(fits func(*state.Task) bool) map[string]int {
	out := map[string]int{}
	for t := range w.s.View().Tasks().OfService(web) {
		if fits(t) {
			out[t.Zone]++
		}
	}
	return out
}

func TestTasksMoveToTheZoneThatHasFewest(t *testing.T) {
	w := zoned(t, 200, map[string]int{"a": 3, "b": 0})
	w.rest()
	w.move(1, waiting, w.runIn("b"))
	w.rest()
	w.move(-1, stopping, w.end)
	w.rest()
	if got := fmt.Sprint(w.perZone(running)); got != "map[a:2 b:1]" {
		t.Errorf("tasks are %s", got)
	}
	story := strings.Join(w.events(), "\n")
	for _, want := range []string{
		"(service web) is not AZ balanced with 3 tasks in a, 0 tasks in b. AZ Rebalancing in progress.",
		"(service web) is AZ balanced with 2 tasks in a, 1 tasks in b.",
	} {
		if strings.Count(story, want) != 1 {
			t.Errorf("%q is told %d times in\n%s", want, strings.Count(story, want), story)
		}
	}
}

func TestAMoveThatDoesNotHelpIsGivenUpForAWhile(t *testing.T) {
	w := zoned(t, 200, map[string]int{"a": 3, "b": 0})
	w.rest()
	w.move(1, waiting, func(t *state.Task) { t.Waiting = &state.Waiting{Code: "RESOURCE:MEMORY", Since: w.now} })
	w.rest()
	if w.move(-1, stopping, w.end) != 1 {
		t.Fatal("the task without room still waits")
	}
	w.rest()
	if w.perZone(waiting)[""] != 0 {
		t.Error("the next try came at once")
	}
	w.now = w.now.Add(unmovableFor)
	w.rest()
	if w.perZone(waiting)[""] != 1 {
		t.Error("there is no next try")
	}
}

func TestNothingMovesWithoutRoomOrLeave(t *testing.T) {
	w := zoned(t, 110, map[string]int{"a": 3, "b": 0})
	w.rest()
	if len(w.perZone(waiting)) != 0 {
		t.Error("a task beyond maximumPercent")
	}
	w = zoned(t, 200, map[string]int{"a": 3, "b": 0})
	w.move(1, running, func(t *state.Task) { t.ProtectedUntil = w.now.Add(time.Hour) })
	w.rest()
	if len(w.perZone(waiting)) != 0 {
		t.Error("a protected service is moved")
	}
	w = zoned(t, 200, map[string]int{"a": 3, "b": 0})
	w.change(func(s *state.Service) { s.AZRebalancing = "DISABLED" })
	w.move(-1, waiting, w.runIn("b"))
	w.rest()
	w.move(-1, stopping, w.end)
	w.rest()
	if n := w.perZone(running); n["a"]+n["b"] != 3 {
		t.Errorf("switched off in between, it leaves %v", n)
	}
}

func TestRebalancingEndsInBalanceWithinTheBounds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tasks := map[string]int{}
		for _, zone := range []string{"a", "b", "c"}[:rapid.IntRange(2, 3).Draw(r, "zones")] {
			tasks[zone] = rapid.IntRange(0, 5).Draw(r, zone)
		}
		w := zoned(t, 200, tasks)
		desired := w.change(func(*state.Service) {}).DesiredCount
		for range 4 * desired {
			w.rest()
			now := w.perZone(running)
			if n := now["a"] + now["b"] + now["c"]; n < desired || n > desired+1 {
				r.Fatalf("%v run of %d", now, desired)
			}
			low := slices.MinFunc([]string{"a", "b", "c"}[:len(tasks)], func(x, y string) int { return now[x] - now[y] })
			w.move(-1, waiting, w.runIn(low))
			w.move(-1, stopping, w.end)
		}
		w.rest()
		now := w.perZone(running)
		counts := []int{}
		for zone := range tasks {
			counts = append(counts, now[zone])
		}
		if len(w.perZone(waiting)) != 0 || slices.Max(counts)-slices.Min(counts) > 1 {
			r.Fatalf("from %v to %v", tasks, now)
		}
	})
}
