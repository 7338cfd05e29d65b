package rollout

import (
	"time"

	"longshore/internal/state"
)

// Restarts of tasks that never ran are delayed twice as long each time, up to a quarter of an hour (service
// throttle logic). Those that ran are not, but a pause keeps one that ends at once from eating the machine.
const (
	firstDelay = time.Second
	lastDelay  = 15 * time.Minute
	lastPause  = 10 * time.Second
	// tellThrottle is how many rounds of failures are no news yet.
	tellThrottle = 3
)

// delay before the restart that follows the nth round of failures.
func delay(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	if failures > 10 {
		return lastDelay
	}
	return min(firstDelay<<(failures-1), lastDelay)
}

// pause before the restart that follows the nth round of tasks that ended soon after they ran.
func pause(crashes int) time.Duration { return min(delay(crashes), lastPause) }

// punish delays the next start. Tasks that were started together fail together: they are one round.
func (p *plan) punish(t *state.Task) {
	th := &p.service.Throttle
	if th.Until.After(p.now) {
		return
	}
	if !t.StartedAt.IsZero() {
		th.Crashes++
		th.Until = p.now.Add(pause(th.Crashes))
		return
	}
	th.Failures++
	th.Until = p.now.Add(delay(th.Failures))
}

// forgive ends the throttle once a task runs that was started after the last failure, and the pauses once such
// a task has proved itself.
func (p *plan) forgive() {
	th := &p.service.Throttle
	if th.Failures == 0 && th.Crashes == 0 {
		return
	}
	failed := th.Until.Add(-delay(th.Failures))
	crashed := th.Until.Add(-pause(th.Crashes))
	for _, t := range p.Tasks {
		if t.Deployment != p.primary.Key || !p.active(t) || t.Last != state.Running {
			continue
		}
		if t.StartedAt.After(failed) {
			th.Failures = 0
		}
		if th.Crashes > 0 && t.StartedAt.After(crashed) && p.settled(t) {
			th.Crashes = 0
		}
	}
	if th.Failures == 0 && th.Crashes == 0 {
		*th = state.Throttle{Deployment: th.Deployment}
	}
}

// held says whether no task may be started now, and tells why if that goes on.
func (p *plan) held() bool {
	th := p.service.Throttle
	if th.Failures >= tellThrottle {
		p.notice("throttled", textThrottled)
	} else {
		p.resolve("throttled")
	}
	p.lookAt(th.Until)
	return th.Until.After(p.now)
}
