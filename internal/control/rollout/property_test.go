package rollout

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/state"
	"longshore/internal/store"
)

// Over any history of updates, faults, scaling and protection, after every single step: what rollout itself
// stops never takes healthy tasks below the lower bound, what it starts never goes above the upper one; and
// once the faults end, the service is what it was last asked to be.
func TestEveryHistoryStaysWithinTheBoundsAndConverges(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		w.service(rapid.IntRange(0, 6).Draw(r, "desired"), rapid.IntRange(0, 100).Draw(r, "min"),
			rapid.IntRange(110, 250).Draw(r, "max"), func(s *state.Service) {
				s.Deploy.CircuitBreaker = rapid.Bool().Draw(r, "breaker")
				s.Deploy.Rollback = rapid.Bool().Draw(r, "rollback")
			})
		revision := 1
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			revision = w.stir(r, revision)
			w.watched(r)
		}
		w.calm(r, revision)
	})
}

// stir does one thing to the world.
func (w *world) stir(r *rapid.T, revision int) int {
	n := rapid.IntRange(1, 4).Draw(r, "n")
	switch rapid.SampledFrom([]string{"run", "run", "run", "stopped", "stopped", "fail", "exit", "ill", "well", "deploy",
		"scale", "wait", "kill", "protect", "percent"}).Draw(r, "what") {
	case "run":
		w.move(n, waiting, w.run)
	case "stopped":
		w.move(n, stopping, w.end)
	case "fail":
		w.move(n, waiting, w.exit(state.StopFailedToStart))
	case "exit":
		w.move(n, running, w.exit(state.StopEssentialExited))
	case "kill":
		w.move(n, running, func(t *state.Task) { t.Stop(state.StopUserInitiated, "Task stopped by user", w.now) })
	case "ill":
		w.move(n, running, func(t *state.Task) { t.Health = state.HealthUnhealthy })
	case "well":
		w.move(n, running, func(t *state.Task) { t.Health = state.HealthHealthy })
	case "protect":
		w.move(n, running, func(t *state.Task) { t.ProtectedUntil = w.now.Add(time.Minute) })
	case "wait":
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(r, "seconds")) * time.Second)
	case "scale":
		w.change(func(s *state.Service) { s.DesiredCount = rapid.IntRange(0, 6).Draw(r, "to") })
	case "percent":
		w.change(func(s *state.Service) { s.Deploy.MinimumHealthyPercent = rapid.IntRange(0, 100).Draw(r, "to") })
	case "deploy":
		revision++
		td := w.define(revision, rapid.Bool().Draw(r, "checked"))
		w.deploy(w.change(func(s *state.Service) { s.TaskDefinition = td }))
	}
	return revision
}

// watched reconciles step by step and holds each step to the bounds.
func (w *world) watched(r *rapid.T) {
	for range 50 {
		before := w.s.View()
		if !w.reconcile() {
			return
		}
		w.check(r, before, w.s.View())
	}
	r.Fatal("rollout never comes to rest")
}

func (w *world) check(r *rapid.T, before, after store.View) {
	s, _ := after.Services().Get(web)
	lower, upper := bounds(s.DesiredCount, s.Deploy.MinimumHealthyPercent, s.Deploy.MaximumPercent)
	count := func(v store.View) (healthy, active int) {
		seen, _ := look(v, web, 0)
		p := newPlan(seen, w.now)
		p.service.Throttle.Crashes = 0 // it makes "healthy" stricter, which is no stop
		for t := range v.Tasks().OfService(web) {
			if !p.active(t) {
				continue
			}
			active++
			if p.healthy(t) {
				healthy++
			}
		}
		return healthy, active
	}
	was, wasActive := count(before)
	is, isActive := count(after)
	if is < min(was, lower) {
		r.Fatalf("healthy tasks went from %d to %d, the lower bound is %d", was, is, lower)
	}
	if isActive > max(wasActive, upper) {
		r.Fatalf("active tasks went from %d to %d, the upper bound is %d", wasActive, isActive, upper)
	}
	primaries := 0
	for d := range after.Deployments().OfService(web) {
		if d.Status == state.DeploymentPrimary {
			primaries++
		}
	}
	if primaries != 1 {
		r.Fatalf("%d deployments are PRIMARY", primaries)
	}
}

// calm ends the faults: tasks run and are healthy, those told to stop do. A new deployment with bounds that let
// it go on must then complete.
func (w *world) calm(r *rapid.T, revision int) {
	td := w.define(revision+1, false)
	s := w.change(func(s *state.Service) {
		s.TaskDefinition = td
		s.Deploy.MinimumHealthyPercent, s.Deploy.MaximumPercent = 50, 200
	})
	w.deploy(s)
	for range 60 {
		w.watched(r)
		w.now = w.now.Add(2 * time.Minute)
		w.move(-1, waiting, w.run)
		w.move(-1, running, func(t *state.Task) { t.Health = state.HealthHealthy })
		w.move(-1, stopping, w.end)
	}
	w.watched(r)
	v := w.s.View()
	n := 0
	for t := range v.Tasks().OfService(web) {
		n++
		if t.TaskDefinition != td || !running(t) {
			r.Fatalf("task %s of %s is left over", t.Key, t.TaskDefinition)
		}
	}
	now, _ := v.Services().Get(web)
	if n != s.DesiredCount || now.SteadyAt.IsZero() {
		r.Fatalf("%d of %d tasks run, steady since %v", n, s.DesiredCount, now.SteadyAt)
	}
	for d := range v.Deployments().OfService(web) {
		if d.Rollout != state.RolloutCompleted || d.DesiredCount != s.DesiredCount {
			r.Fatalf("deployment %s is %s", d.Key, d.Rollout)
		}
	}
}
