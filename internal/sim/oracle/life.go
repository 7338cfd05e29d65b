package oracle

import (
	"cmp"
	"slices"
	"strings"

	"longshore/internal/state"
)

// forward expects a task's statuses to move forward only, and the first reason of its end to stay.
func (o *Oracle) forward(old, now *state.Task) {
	if old == nil {
		return
	}
	if now.Last.Rank() < old.Last.Rank() {
		o.violate("O3", "task %s goes back from %s to %s", now.Key, old.Last, now.Last)
	}
	if old.Desired == state.Stopped && now.Desired != state.Stopped {
		o.violate("O3", "the stop of task %s is forgotten", now.Key)
	}
	if old.StopCode != "" && (old.StopCode != now.StopCode || old.StoppedReason != now.StoppedReason) {
		o.violate("O8", "task %s stopped because of %s (%s), then because of %s (%s)", now.Key, old.StopCode,
			old.StoppedReason, now.StopCode, now.StoppedReason)
	}
	if now.Version < old.Version {
		o.violate("D4", "task %s goes back from version %d to %d", now.Key, old.Version, now.Version)
	}
	if old.Instance != "" && now.Instance != old.Instance {
		o.violate("O3", "task %s moves from instance %s to %s", now.Key, old.Instance, now.Instance)
	}
	if !now.Released.IsZero() && now.Live() {
		o.violate("O3", "task %s gives its room and ports back and is %s", now.Key, now.Last)
	}
	for i, c := range now.Containers {
		if i < len(old.Containers) && c.Last.Rank() < old.Containers[i].Last.Rank() {
			o.violate("O3", "container %s of task %s goes back from %s to %s", c.Name, now.Key,
				old.Containers[i].Last, c.Last)
		}
	}
}

// trueEnd expects STOPPED to mean what it says, and the story told to be the engine's.
func (o *Oracle) trueEnd(t *state.Task) {
	if t.StopCode == "" || t.StoppedReason == "" || t.StoppedAt.IsZero() || t.Desired != state.Stopped {
		o.violate("O8", "task %s is STOPPED without a complete reason: %q %q", t.Key, t.StopCode, t.StoppedReason)
	}
	if lost(t) {
		o.lostTooEarly(t)
		return
	}
	began, ended := 0, 0
	for _, c := range t.Containers {
		s := o.lastRun(t.Key.ARN(), c.Name)
		if s == nil {
			if c.ExitCode != nil {
				o.violate("O8", "container %s of task %s never ran and has exit code %d", c.Name, t.Key, *c.ExitCode)
			}
			continue
		}
		began++
		if s.Running {
			o.violate("O3", "task %s is STOPPED and its container %s/%s runs", t.Key, s.node, s.ID)
			continue
		}
		ended++
		o.sameEnd(t, c, s)
	}
	o.stopCode(t, began)
}

// lastRun is the container that ran last of those made for a container of a task; nil if none ever did.
func (o *Oracle) lastRun(task, name string) *seen {
	var last *seen
	for _, s := range o.byTask[task] {
		if s.Name != name || s.StartedAt.IsZero() {
			continue
		}
		if last == nil || s.Running || !last.Running && !s.StartedAt.Before(last.StartedAt) {
			last = s
		}
	}
	return last
}

// sameEnd compares a container's end with the engine's truth. What others removed took its exit code along.
func (o *Oracle) sameEnd(t *state.Task, c state.TaskContainer, s *seen) {
	switch {
	case c.ExitCode == nil && !s.byHand:
		o.violate("O8", "container %s of task %s exited with %d, which is not told: %q", c.Name, t.Key, s.ExitCode, c.Reason)
	case c.ExitCode != nil && *c.ExitCode != s.ExitCode:
		o.violate("O8", "container %s of task %s exited with %d, %d is told", c.Name, t.Key, s.ExitCode, *c.ExitCode)
	}
	told := strings.HasPrefix(c.Reason, "OutOfMemoryError")
	if told != s.OOMKilled && !s.byHand {
		o.violate("O8", "container %s of task %s: out of memory is %t, the reason is %q", c.Name, t.Key, s.OOMKilled,
			c.Reason)
	}
	if c.RuntimeID != "" && c.RuntimeID != s.ID {
		o.violate("O8", "container %s of task %s is %s, %s is told", c.Name, t.Key, s.ID, c.RuntimeID)
	}
}

// stopCode expects the code to fit what ran.
func (o *Oracle) stopCode(t *state.Task, began int) {
	switch t.StopCode {
	case state.StopEssentialExited:
		if began == 0 {
			o.violate("O8", "task %s never ran and its stop code is %s", t.Key, t.StopCode)
		}
	case state.StopFailedToStart:
		if began == len(t.Containers) && !slices.ContainsFunc(t.Containers, failedLate) {
			o.violate("O8", "every container of task %s ran and its stop code is %s (%s)", t.Key, t.StopCode,
				t.StoppedReason)
		}
	case state.StopUserInitiated, state.StopServiceScheduler, state.StopSpotInterruption:
	default:
		o.violate("O8", "task %s has the unknown stop code %q", t.Key, cmp.Or(t.StopCode, "none"))
	}
}

// failedLate says that the engine ran a container after it had called its start a failure.
func failedLate(c state.TaskContainer) bool { return strings.Contains(c.Reason, "Error") }

// noteAway keeps since when an instance is away.
func (o *Oracle) noteAway(i *state.Instance) {
	mark, clear := o.away, o.back
	if i.Connected {
		mark, clear = o.back, o.away
	}
	delete(clear, i.Key)
	_, known := mark[i.Key]
	if !known {
		mark[i.Key] = o.Now()
	}
}

// lostTooEarly calls out a task that was given up with an instance that is there, or was a moment ago.
func (o *Oracle) lostTooEarly(t *state.Task) {
	i := o.instances[t.Instance]
	if i == nil || i.Status == state.StatusInactive {
		return
	}
	since, away := o.away[i.Key]
	if !away || o.Now().Sub(since) < o.LostAfter {
		o.violate("O3", "task %s was given up (%s) although its instance was away for %s only", t.Key, t.StoppedReason,
			o.Now().Sub(since))
	}
}
