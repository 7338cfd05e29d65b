package rollout

import (
	"slices"
	"time"

	"longshore/internal/state"
)

// finish completes the deployment, forgets those that are over, and tells of the steady state.
func (p *plan) finish() {
	live := map[state.DeploymentKey]int{}
	active := map[state.DeploymentKey]int{}
	healthy, stray := 0, 0
	for _, t := range p.Tasks {
		live[t.Deployment]++
		if t.Deployment != p.primary.Key {
			stray++
		}
		if !p.active(t) {
			continue
		}
		active[t.Deployment]++
		if t.Deployment == p.primary.Key && p.healthy(t) {
			healthy++
		}
	}
	desired := p.desired()
	there := healthy == desired && active[p.primary.Key] == desired && stray == 0 && !p.starts()
	if there && p.primary.Rollout == state.RolloutInProgress {
		p.complete()
	}
	p.settle(live, active, desired)
	p.steady(there && live[p.primary.Key] == desired)
}

func (p *plan) starts() bool {
	return slices.ContainsFunc(p.out, func(a Action) bool {
		_, is := a.(Start)
		return is
	})
}

func (p *plan) complete() {
	d := p.primary
	d.Rollout, d.RolloutReason = state.RolloutCompleted, "ECS deployment "+d.Key.ID()+" completed."
	d.Completed, d.FailedTasks = true, 0
	p.do(Tell{lineOfDeployment(p.service, d, "deployment completed.")})
	story := p.stories[d.ServiceDeployment]
	switch {
	case story == nil || ended(story):
	case d.RollbackOf != "":
		p.endStory(story, state.ServiceDeploymentRollbackSuccessful, story.RollbackReason)
	default:
		p.endStory(story, state.ServiceDeploymentSuccessful, "")
	}
}

// settle writes what each deployment is to run and removes those that have left.
func (p *plan) settle(live, active map[state.DeploymentKey]int, desired int) {
	keep := p.lastCompleted()
	if p.primary.Rollout != state.RolloutInProgress || p.primary.RollbackOf != "" {
		keep = nil
	}
	for _, d := range p.deployments {
		switch {
		case d == p.primary:
			d.DesiredCount = desired
		case live[d.Key] == 0 && d != keep:
			p.removed[d.Key] = true
		default:
			d.DesiredCount = active[d.Key]
		}
	}
}

// steady tells once that the service is what it is asked to be, and again every six hours.
func (p *plan) steady(is bool) {
	others := len(p.deployments) - 1 - len(p.removed)
	if !is || others > 0 || p.primary.Rollout != state.RolloutCompleted {
		p.service.SteadyAt = time.Time{}
		return
	}
	again := p.service.SteadyAt.Add(noticeEvery)
	if p.service.SteadyAt.IsZero() || !again.After(p.now) {
		p.service.SteadyAt = p.now
		again = p.now.Add(noticeEvery)
		p.tell("has reached a steady state.")
	}
	p.lookAt(again)
}

// dissolve ends a deleted service: first its tasks, then itself.
func (p *plan) dissolve() {
	var out []*state.Task
	var by state.DeploymentKey
	for _, t := range p.Tasks {
		if p.active(t) {
			out, by = append(out, t), t.Deployment
		}
	}
	p.stop(reasonScaling(by), out)
	for _, t := range p.Ended {
		p.do(Note{Task: t, Stopped: true})
	}
	if len(p.Tasks) > 0 {
		return
	}
	for _, d := range p.deployments {
		p.removed[d.Key] = true
		story := p.stories[d.ServiceDeployment]
		if story != nil && !ended(story) {
			p.endStory(story, state.ServiceDeploymentStopped, "The service was deleted.")
		}
	}
	p.service.Status, p.service.DeletedAt = state.StatusInactive, p.now
	p.service.Notices, p.service.Throttle = nil, state.Throttle{}
}

// ended says whether a service deployment has come to its end.
func ended(s *state.ServiceDeployment) bool { return !s.FinishedAt.IsZero() }

// begin keeps the record of a deployment under way.
func (p *plan) begin(s *state.ServiceDeployment, breaker bool, limit int) {
	if s.Status == "" || s.Status == state.ServiceDeploymentPending {
		s.Status = state.ServiceDeploymentInProgress
	}
	if s.StartedAt.IsZero() {
		s.StartedAt = p.now
	}
	s.BreakerStatus, s.FailureCount, s.Threshold = "DISABLED", 0, 0
	if breaker {
		s.BreakerStatus, s.FailureCount, s.Threshold = "MONITORING", p.primary.FailedTasks, limit
	}
}

func (p *plan) endStory(s *state.ServiceDeployment, status, reason string) {
	if s == nil {
		return
	}
	s.Status, s.StatusReason, s.FinishedAt = status, reason, p.now
	if status == state.ServiceDeploymentStopped {
		s.StoppedAt = p.now
	}
	if s.BreakerStatus == "MONITORING" {
		s.BreakerStatus = "MONITORING_COMPLETE"
	}
}
