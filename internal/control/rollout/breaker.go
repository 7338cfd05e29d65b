package rollout

import (
	"time"

	"longshore/internal/state"
)

// settledAfter is how long a task without a health check must have run to be taken for a good one: failures in
// a row are counted until then. A deployment itself does not wait for it.
const settledAfter = 40 * time.Second

// threshold of failed tasks that trips the circuit breaker (API_ThresholdConfiguration).
func threshold(c state.DeployConfig, desired int) int {
	value := c.ThresholdValue
	if value <= 0 {
		value = 50
	}
	if c.ThresholdType == "COUNT" {
		return value
	}
	n := (desired*value + 99) / 100
	if c.ThresholdType == "UNBOUNDED_PERCENT" {
		return max(n, 1)
	}
	return min(max(n, 3), 200)
}

// account counts the tasks that ended since the last look, once each, and the ones that became healthy.
func (p *plan) account() {
	for _, t := range p.Ended {
		p.do(Note{Task: t, Stopped: true})
		d := p.deployment(t.Deployment)
		own := t.StopCode == state.StopFailedToStart || t.StopCode == state.StopEssentialExited
		unwell := t.StopCode == state.StopServiceScheduler && t.StoppedReason == reasonUnwell
		if d == nil || !unwell && (!own || t.SeenHealthy) {
			continue
		}
		if d.Rollout == state.RolloutInProgress {
			d.FailedTasks++
		}
		soon := t.StartedAt.IsZero() || t.StoppedAt.Sub(t.StartedAt) < settledAfter
		if d == p.primary && own && soon {
			p.punish(t)
		}
	}
	for _, t := range p.Tasks {
		d := p.deployment(t.Deployment)
		if d == nil || d.Rollout != state.RolloutInProgress || t.SeenHealthy || !p.active(t) || !p.settled(t) {
			continue
		}
		p.do(Note{Task: t, Healthy: true})
		d.Reached = true
		if p.service.Deploy.ResetOnHealthy == nil || *p.service.Deploy.ResetOnHealthy {
			d.FailedTasks = 0
		}
	}
	p.forgive()
}

// settled says whether a task has proved itself.
func (p *plan) settled(t *state.Task) bool {
	if !p.healthy(t) {
		return false
	}
	if checked(p.Definitions[t.TaskDefinition]) {
		return true
	}
	at := t.StartedAt.Add(max(settledAfter, p.HealthyAfter))
	p.lookAt(at)
	return !at.After(p.now)
}

// judge trips the circuit breaker.
func (p *plan) judge() {
	on := p.service.Deploy.CircuitBreaker
	limit := threshold(p.service.Deploy, p.desired())
	story := p.stories[p.primary.ServiceDeployment]
	if story != nil && !ended(story) && p.primary.RollbackOf == "" {
		p.begin(story, on, limit)
	}
	if !on || p.primary.Rollout != state.RolloutInProgress || p.primary.FailedTasks < limit {
		return
	}
	if story != nil {
		story.BreakerStatus = "TRIGGERED"
	}
	p.fail(textBreaker)
	p.do(Tell{lineOfDeployment(p.service, p.primary, "deployment failed: tasks failed to start.")})
	target := p.lastCompleted()
	switch {
	case p.primary.RollbackOf != "":
		p.endStory(story, state.ServiceDeploymentRollbackFailed, textBreaker)
	case p.service.Deploy.Rollback && target != nil:
		p.rollBack(target, "ECS deployment circuit breaker: rolling back to deploymentId "+target.Key.ID()+".")
	default:
		p.endStory(story, state.ServiceDeploymentStopped, textBreaker)
	}
}

// heed follows a StopServiceDeployment request.
func (p *plan) heed() {
	story := p.stories[p.primary.ServiceDeployment]
	if story == nil || story.StopRequest == "" || ended(story) || p.primary.RollbackOf != "" ||
		p.primary.Rollout != state.RolloutInProgress {
		return
	}
	target := p.lastCompleted()
	p.fail("ECS deployment " + p.primary.Key.ID() + " stopped by request.")
	p.do(Tell{lineOfDeployment(p.service, p.primary, "deployment stopped by request.")})
	switch {
	case story.StopRequest != "ROLLBACK":
		p.endStory(story, state.ServiceDeploymentStopped, "Stopped by request.")
	case target == nil:
		p.endStory(story, state.ServiceDeploymentRollbackFailed, "There is no completed deployment to roll back to.")
	default:
		p.rollBack(target, "ECS deployment rolling back to deploymentId "+target.Key.ID()+" by request.")
	}
}

func (p *plan) fail(reason string) {
	p.primary.Rollout, p.primary.RolloutReason = state.RolloutFailed, reason
}

// lastCompleted is the newest deployment behind the PRIMARY one that was COMPLETED once.
func (p *plan) lastCompleted() *state.Deployment {
	for _, d := range p.deployments { // newest first
		if d != p.primary && d.Completed {
			return d
		}
	}
	return nil
}

// rollBack makes target the PRIMARY deployment again; its tasks that still run are kept.
func (p *plan) rollBack(target *state.Deployment, reason string) {
	failed := p.primary
	failed.Status = state.DeploymentActive
	target.Status, target.Rollout, target.RolloutReason = state.DeploymentPrimary, state.RolloutInProgress, reason
	target.RollbackOf, target.ServiceDeployment, target.FailedTasks = failed.Key, failed.ServiceDeployment, 0
	p.primary = target
	p.service.Throttle = state.Throttle{Deployment: target.Key}
	p.tell("rolling back to deployment %s.", target.Key.ID())
	story := p.stories[failed.ServiceDeployment]
	if story != nil {
		story.Status = state.ServiceDeploymentRollbackInProgress
		story.RollbackTo, story.RollbackReason, story.RollbackAt = target.Revision, reason, p.now
	}
}
