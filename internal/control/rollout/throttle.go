package rollout

import (
	"time"

	"longshore/internal/state"
)

// Restarts of tasks that never ran are delayed twice as long each time, up to a quarter of an hour (service
// throttle logic). One that ran and ended by itself soon after is replaced after a pause that does not grow.
const (
	firstDelay = time.Second
	lastDelay  = 15 * time.Minute
	crashPause = time.Second
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

// punish delays the next start. Tasks that were started together fail together: they are one round.
func (p *plan) punish(t *state.Task) {
	th := &p.service.Throttle
	if !t.StartedAt.IsZero() {
		until := p.now.Add(crashPause)
		if th.Until.Before(until) {
			th.Until = until
		}
		return
	}
	if th.Failures > 0 && th.Until.After(p.now) {
		return
	}
	th.Failures++
	th.Until = p.now.Add(delay(th.Failures))
}

// forgive ends the throttle once a task runs that was started after the last failure.
func (p *plan) forgive() {
	th := &p.service.Throttle
	if th.Failures == 0 {
		return
	}
	failed := th.Until.Add(-delay(th.Failures))
	for _, t := range p.Tasks {
		if t.Deployment == p.primary.Key && t.Last == state.Running && t.StartedAt.After(failed) {
			*th = state.Throttle{Deployment: th.Deployment}
			return
		}
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
