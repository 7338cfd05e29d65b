package oracle

import (
	"time"

	"longshore/internal/state"
)

// deploymentChanged expects COMPLETED to mean that what is asked for runs and is healthy.
func (o *Oracle) deploymentChanged(old, now *state.Deployment) {
	o.rolled(old, now)
	if now.Rollout != state.RolloutCompleted || old != nil && old.Rollout == state.RolloutCompleted {
		return
	}
	s := o.services[now.Service]
	if s == nil || s.Scheduling != state.SchedulingReplica || s.Status != state.StatusActive {
		return
	}
	healthy := 0
	for k := range o.byService[now.Service] {
		t := o.tasks[k]
		if t.Deployment == now.Key && o.healthy(t) {
			healthy++
		}
	}
	if healthy < s.DesiredCount {
		o.violate("O4", "deployment %s is COMPLETED with %d healthy tasks of %d", now.Key, healthy, s.DesiredCount)
	}
}

// streak is how many tasks of a deployment failed since the last good one.
type streak struct {
	failed     int
	tripped    time.Time // since when they are enough for the circuit breaker
	complained bool
}

// failure counts a task that failed before its deployment had a good one, as API_DeploymentCircuitBreaker has it.
func (o *Oracle) failure(t *state.Task) {
	d := o.deployments[t.Deployment]
	if d == nil || d.Rollout != state.RolloutInProgress {
		return
	}
	m := o.note(t)
	if !m.running.IsZero() && o.Now().Sub(m.running) > crashWatch {
		delete(o.streaks, d.Key)
		return
	}
	if t.SeenHealthy || t.StopCode != state.StopEssentialExited && t.StopCode != state.StopFailedToStart {
		return
	}
	if o.streaks[d.Key] == nil {
		o.streaks[d.Key] = &streak{}
	}
	o.streaks[d.Key].failed++
}

// proved ends the streak of a deployment that has a good task.
func (o *Oracle) proved(old, now *state.Task) {
	if old != nil && !old.SeenHealthy && now.SeenHealthy {
		delete(o.streaks, now.Deployment)
	}
}

// rolled ends the streak of a deployment that begins, again or for the first time, or is over.
func (o *Oracle) rolled(old, now *state.Deployment) {
	if now.Rollout != state.RolloutInProgress || old == nil || old.Rollout != now.Rollout {
		delete(o.streaks, now.Key)
	}
}

// tripLimit is how long a circuit breaker may take: longer than a disk is full, and than a loop waits after that.
const tripLimit = 45 * time.Second

// breakers expects circuit breakers to trip (API_DeploymentCircuitBreaker): at half of what is asked for, three tasks
// at least.
func (o *Oracle) breakers(now, served time.Time) {
	for k, run := range o.streaks {
		d := o.deployments[k]
		if d == nil || !o.mustTrip(d, run.failed) {
			run.tripped = time.Time{}
			continue
		}
		if run.tripped.IsZero() {
			run.tripped = now
		}
		if now.Sub(latest(run.tripped, served)) > tripLimit && !run.complained {
			run.complained = true
			o.violate("O4", "deployment %s goes on after %d tasks in a row failed, its circuit breaker notwithstanding", k,
				run.failed)
		}
	}
}

// mustTrip says whether so many failures end a deployment; only what cannot keep running is held to it.
func (o *Oracle) mustTrip(d *state.Deployment, failed int) bool {
	s := o.services[d.Service]
	return s != nil && s.Status == state.StatusActive && s.Scheduling == state.SchedulingReplica &&
		s.Deploy.CircuitBreaker && s.Deploy.ThresholdType == "" && s.Deploy.ThresholdValue == 0 &&
		d.Status == state.DeploymentPrimary && d.Rollout == state.RolloutInProgress &&
		o.doomed(d.TaskDefinition) && failed >= max(3, (s.DesiredCount+1)/2)
}
