package oracle

import (
	"fmt"
	"testing"
	"time"

	"longshore/internal/state"
)

// deployment of the service, as it is after edit.
func (r *rig) deployment(edit func(*state.Deployment)) {
	d := *r.rows["deployments"+string(first)].(*state.Deployment)
	edit(&d)
	r.put("deployments", string(first), &d)
}

// fails begins a deployment with a circuit breaker, of what cannot run, and ends some tasks of it.
func (r *rig) fails(tasks int) {
	r.Doomed = func(string) bool { return true }
	r.deployment(func(d *state.Deployment) { d.Rollout = state.RolloutInProgress })
	s := *r.rows["services"+string(web)].(*state.Service)
	s.Deploy.CircuitBreaker, s.Deploy.MaximumPercent = true, 200
	r.put("services", string(web), &s)
	for range tasks {
		n := 100 + int(r.rev)
		r.task(n, nothing)
		r.process(fmt.Sprint("f", n), n, up)
		r.process(fmt.Sprint("f", n), n, down(3))
		r.task(n, ended(3))
	}
}

// instance of the rig, in another state.
func (r *rig) instance(status string) {
	i := *r.rows["instances"+string(box)].(*state.Instance)
	i.Status = status
	r.put("instances", string(box), &i)
}

func TestWhatWasAskedForStaysAndWhatFailsEnds(t *testing.T) {
	for _, c := range []scenario{
		{"a circuit breaker does not trip", "O4", func(r *rig) {
			r.fails(3)
			r.later(time.Second)
			r.later(time.Minute)
		}},
		{"a circuit breaker trips", "", func(r *rig) {
			r.fails(3)
			r.later(time.Second)
			r.deployment(func(d *state.Deployment) { d.Rollout = state.RolloutFailed })
			r.later(time.Minute)
		}},
		{"too few failures for a circuit breaker", "", func(r *rig) {
			r.fails(2)
			r.later(time.Second)
			r.later(time.Minute)
		}},
		{"failures with a good task between them", "", func(r *rig) {
			r.fails(2)
			r.task(9, runs)
			r.task(9, func(t *state.Task) { t.SeenHealthy = true })
			r.fails(2)
			r.later(time.Second)
			r.later(time.Minute)
		}},
		{"failures before a deployment began again", "", func(r *rig) {
			r.fails(2)
			r.deployment(func(d *state.Deployment) { d.Rollout = state.RolloutFailed })
			r.fails(2)
			r.later(time.Second)
			r.later(time.Minute)
		}},
		{"an instance drains no more and nobody asked", "D1", func(r *rig) {
			r.instance(state.StatusDraining)
			r.instance(state.StatusActive)
		}},
		{"an instance drains no more long after somebody asked", "D1", func(r *rig) {
			r.instance(state.StatusDraining)
			r.StateAsked(box.ARN(), state.StatusActive)
			r.later(time.Minute)
			r.instance(state.StatusActive)
		}},
		{"an instance drains no more as asked", "", func(r *rig) {
			r.instance(state.StatusDraining)
			r.StateAsked(box.ARN(), state.StatusActive)
			r.instance(state.StatusActive)
		}},
	} {
		t.Run(c.name, c.run)
	}
}
