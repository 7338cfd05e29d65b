package oracle

import "longshore/internal/state"

// deploymentChanged expects COMPLETED to mean that what is asked for runs and is healthy.
func (o *Oracle) deploymentChanged(old, now *state.Deployment) {
	if now.Rollout != state.RolloutCompleted || old != nil && old.Rollout == state.RolloutCompleted {
		return
	}
	delete(o.failures, now.Key)
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

// failure counts the tasks of a deployment that failed before one of it was good, and expects the circuit breaker to
// trip where there is one (API_DeploymentCircuitBreaker): the threshold is half of what is asked for, three at least,
// and some more may be on their way.
func (o *Oracle) failure(t *state.Task) {
	d := o.deployments[t.Deployment]
	s := o.services[t.Service]
	if d == nil || s == nil || s.Scheduling != state.SchedulingReplica {
		return
	}
	m := o.note(t)
	if !m.running.IsZero() && o.Now().Sub(m.running) > crashWatch || d.Rollout != state.RolloutInProgress {
		delete(o.failures, d.Key)
		return
	}
	if t.StopCode != state.StopEssentialExited && t.StopCode != state.StopFailedToStart {
		return
	}
	o.failures[d.Key]++
	limit := max(3, (s.DesiredCount+1)/2) + 2*s.DesiredCount + 2
	if s.Deploy.CircuitBreaker && o.failures[d.Key] > limit && o.doomed(d.TaskDefinition) {
		o.violate("O4", "deployment %s goes on after %d tasks in a row failed, its circuit breaker notwithstanding", d.Key,
			o.failures[d.Key])
		delete(o.failures, d.Key)
	}
}
