package rollout

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"longshore/internal/state"
)

// Plan says what brings the service closer to what is asked for, and nothing if it is there.
func Plan(v View, now time.Time) []Action {
	p := newPlan(v, now)
	if v.Service.Status == state.StatusDraining {
		p.dissolve()
		return p.result()
	}
	p.elect()
	if p.primary == nil {
		return nil
	}
	p.account()
	p.heed()
	p.judge()
	p.scale()
	p.finish()
	return p.result()
}

// plan holds drafts of the records and what came of them so far.
type plan struct {
	View
	now         time.Time
	service     *state.Service      // draft
	deployments []*state.Deployment // drafts, newest first
	stories     map[state.ServiceDeploymentKey]*state.ServiceDeployment
	primary     *state.Deployment
	gone        map[state.TaskKey]bool // stopped by this plan
	removed     map[state.DeploymentKey]bool
	out         []Action
	wake        time.Time
}

func newPlan(v View, now time.Time) *plan {
	p := &plan{View: v, now: now, gone: map[state.TaskKey]bool{}, removed: map[state.DeploymentKey]bool{},
		stories: map[state.ServiceDeploymentKey]*state.ServiceDeployment{}}
	s := *v.Service
	s.Notices = maps.Clone(s.Notices)
	p.service = &s
	for _, d := range v.Deployments {
		c := *d
		p.deployments = append(p.deployments, &c)
	}
	for k, story := range v.Stories {
		c := *story
		p.stories[k] = &c
	}
	return p
}

// result adds the drafts that differ from the records, and the next deadline.
func (p *plan) result() []Action {
	for i, d := range p.deployments {
		switch {
		case p.removed[d.Key]:
			p.do(Remove{d.Key})
		case !reflect.DeepEqual(d, p.Deployments[i]):
			d.UpdatedAt = p.now
			p.do(SetDeployment{d})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(p.stories)) {
		story := p.stories[k]
		if !reflect.DeepEqual(story, p.Stories[k]) {
			story.UpdatedAt = p.now
			p.do(SetStory{story})
		}
	}
	if !reflect.DeepEqual(p.service, p.Service) {
		p.do(SetService{p.service})
	}
	if !p.wake.IsZero() {
		p.do(Wake{p.wake})
	}
	return p.out
}

func (p *plan) do(a Action) { p.out = append(p.out, a) }

func (p *plan) tell(format string, args ...any) {
	p.do(Tell{line(p.service, format, args...)})
}

// notice tells a line that stays true for a while once, and again every six hours.
func (p *plan) notice(name, format string, args ...any) {
	last, told := p.service.Notices[name]
	if told && p.now.Before(last.Add(noticeEvery)) {
		p.lookAt(last.Add(noticeEvery))
		return
	}
	if p.service.Notices == nil {
		p.service.Notices = map[string]time.Time{}
	}
	p.service.Notices[name] = p.now
	p.lookAt(p.now.Add(noticeEvery))
	p.tell(format, args...)
}

// resolve ends a notice.
func (p *plan) resolve(name string) { delete(p.service.Notices, name) }

// lookAt asks for another look at a time, the earliest of several.
func (p *plan) lookAt(at time.Time) {
	if at.After(p.now) && (p.wake.IsZero() || at.Before(p.wake)) {
		p.wake = at
	}
}

// elect finds the PRIMARY deployment, the newest that says so, and ends the story of those that it replaces.
func (p *plan) elect() {
	for _, d := range p.deployments {
		switch {
		case d.Status != state.DeploymentPrimary:
		case p.primary == nil:
			p.primary = d
		default:
			d.Status = state.DeploymentActive
		}
	}
	if p.primary == nil {
		return
	}
	for _, d := range p.deployments {
		if d == p.primary || d.ServiceDeployment == p.primary.ServiceDeployment {
			continue
		}
		story := p.stories[d.ServiceDeployment]
		if story != nil && !ended(story) {
			p.endStory(story, state.ServiceDeploymentStopped, "Replaced by deployment "+p.primary.Key.ID()+".")
		}
	}
	if p.service.Throttle.Deployment != p.primary.Key {
		p.service.Throttle = state.Throttle{Deployment: p.primary.Key}
	}
}

func (p *plan) deployment(k state.DeploymentKey) *state.Deployment {
	for _, d := range p.deployments {
		if d.Key == k {
			return d
		}
	}
	return nil
}

// active says whether the task is asked to run and not on its way out.
func (p *plan) active(t *state.Task) bool {
	return t.Desired == state.Running && t.Last.Rank() <= state.Running.Rank() && !p.gone[t.Key]
}

// healthy says whether the task counts for the lower bound.
func (p *plan) healthy(t *state.Task) bool {
	if t.Last != state.Running || t.Health == state.HealthUnhealthy {
		return false
	}
	if checked(p.Definitions[t.TaskDefinition]) {
		return t.Health == state.HealthHealthy
	}
	if t.StartedAt.After(p.now) {
		return true // the clock went back: it has run for longer than can be told
	}
	wait := p.HealthyAfter
	if p.service.Throttle.Crashes > 0 && t.Deployment == p.service.Throttle.Deployment {
		wait = max(wait, settledAfter) // others like it ran, and ended at once
	}
	from := t.StartedAt.Add(wait)
	p.lookAt(from)
	return !from.After(p.now)
}

// young says whether only time keeps a running task from being healthy. That is no reason to give it up: a clock that
// was set back makes a task that served for long look as if it had begun just now, at a moment at which stopping it
// would break the lower bound. Time tells soon, and it is healthy or gone.
func (p *plan) young(t *state.Task) bool {
	return t.Last == state.Running && t.Health != state.HealthUnhealthy &&
		!checked(p.Definitions[t.TaskDefinition]) && !p.healthy(t)
}

// checked says whether an essential container has a health check: only those count (API_HealthCheck).
func checked(td *state.TaskDefinition) bool {
	if td == nil {
		return false
	}
	return slices.ContainsFunc(td.Containers, func(c state.Container) bool {
		return c.Essential && c.HealthCheck != nil && !slices.Equal(c.HealthCheck.Command, []string{"NONE"})
	})
}

// stop asks for the end of tasks and tells so.
func (p *plan) stop(reason string, tasks []*state.Task) {
	if len(tasks) == 0 {
		return
	}
	p.do(Stop{tasks, state.StopServiceScheduler, reason})
	var ran, waited []string
	for _, t := range tasks {
		p.gone[t.Key] = true
		if t.Last == state.Running {
			ran = append(ran, t.Key.ID())
			continue
		}
		waited = append(waited, t.Key.ID())
	}
	if len(ran) > 0 {
		p.do(Tell{tasksLine(p.service, "stopped", "running tasks", ran)})
	}
	if len(waited) > 0 {
		p.do(Tell{tasksLine(p.service, "stopped", "pending tasks", waited)})
	}
}
