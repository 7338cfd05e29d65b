package taskrun

import (
	"time"

	"longshore/internal/acs"
)

// action is one thing to do. Container is nil for the task as a whole.
type action struct {
	Op        op
	Container *containerView
	Reason    string
}

// decision is what to do now, and when to decide again if nothing happens; zero = only when something happens.
type decision struct {
	Actions []action
	Wake    time.Time
}

func (d *decision) wakeAt(t time.Time) {
	if d.Wake.IsZero() || t.Before(d.Wake) {
		d.Wake = t
	}
}

func (d *decision) add(o op, c *containerView, reason string) {
	d.Actions = append(d.Actions, action{Op: o, Container: c, Reason: reason})
}

// Plan decides the next steps of a task, at most one per container.
func plan(v *view, now time.Time) decision {
	var d decision
	if v.Final {
		return d
	}
	if planLooks(v, now, &d) {
		return d
	}
	if !v.Condemned {
		if reason, doomed := condemnation(v); doomed {
			d.add(opCondemn, nil, reason)
			return d
		}
		planForward(v, now, &d)
		planTell(v, now, &d)
		return d
	}
	planStop(v, now, &d)
	return d
}

// planLooks asks for the truth where a hint cast doubt. It returns true while a container is altogether unknown:
// nothing may be decided before the past is known.
func planLooks(v *view, now time.Time, d *decision) bool {
	unknown := false
	for _, c := range v.Containers {
		unknown = unknown || c.Phase == phaseUnknown
		if !c.Recheck || c.ID == "" || c.Looking {
			continue
		}
		if c.Busy != opNone && c.Busy != opStop && c.Busy != opKill {
			continue
		}
		if now.Before(c.LookAt) {
			d.wakeAt(c.LookAt)
			continue
		}
		d.add(opInspect, c, "")
	}
	return unknown
}

// condemnation says why a task must stop. An empty reason leaves the words to the control plane: it knows who asked,
// and a container's exit code or reason tells the rest.
func condemnation(v *view) (string, bool) {
	if v.Desired == acs.StatusStopped {
		return "", true
	}
	live := false
	for _, c := range v.Containers {
		ended := c.Phase == phaseStopped && !c.willRestart()
		if ended && c.Spec.Essential {
			return "", true
		}
		live = live || !ended
	}
	return "", !live
}

func planForward(v *view, now time.Time, d *decision) {
	if !v.Setup {
		if v.Busy != opNone {
			return
		}
		if now.Before(v.RetryAt) {
			d.wakeAt(v.RetryAt)
			return
		}
		d.add(opSetup, nil, "")
		return
	}
	for _, c := range v.Containers {
		if c.Busy != opNone || c.Looking {
			continue
		}
		if now.Before(c.RetryAt) {
			d.wakeAt(c.RetryAt)
			continue
		}
		planContainer(v, c, now, d)
	}
}

// slowAnswer is how long a container may be pulled, created or started before its task says what it waits for.
const slowAnswer = 15 * time.Second

func planTell(v *view, now time.Time, d *decision) {
	for _, a := range d.Actions {
		if a.Op == opPull || a.Op == opCreate || a.Op == opStart {
			d.wakeAt(now.Add(slowAnswer))
		}
	}
	for _, c := range v.Containers {
		if c.Slow || c.Busy != opPull && c.Busy != opCreate && c.Busy != opStart {
			continue
		}
		due := c.BusySince.Add(slowAnswer)
		if now.Before(due) {
			d.wakeAt(due)
			continue
		}
		d.add(opTell, c, "")
	}
}

func planContainer(v *view, c *containerView, now time.Time, d *decision) {
	switch {
	case c.Phase == phaseStopped && c.Undead:
		d.add(opKill, c, "")
	case c.willRestart():
		d.add(opRestart, c, "")
	case c.Phase == phaseWaiting && c.NeedPull && !c.Pulled:
		d.add(opPull, c, "") // images of later containers are fetched while earlier ones start
	case c.Phase == phaseWaiting || c.Phase == phaseCreated:
		g := gateOf(v, c, now)
		switch {
		case g.Never != "":
			d.add(opAbandon, c, g.Never)
		case !g.Open:
			if !g.Until.IsZero() {
				d.wakeAt(g.Until)
			}
		case c.Phase == phaseWaiting:
			d.add(opCreate, c, "")
		default:
			d.add(opStart, c, "")
		}
	}
}

// planStop ends containers in the reverse of their start order, then tears the task down, then calls it stopped.
func planStop(v *view, now time.Time, d *decision) {
	if v.Busy == opSetup {
		return // what it made must be known before it can be undone
	}
	left := false
	for _, c := range v.Containers {
		if c.Phase == phaseStopped && !c.Undead && !c.Unsure {
			left = left || c.Busy != opNone || c.Looking || c.doubtful()
			continue
		}
		left = true
		if c.Busy != opNone || c.Looking {
			continue
		}
		if now.Before(c.RetryAt) && (c.Phase == phaseRunning || c.Undead || c.Unsure) {
			d.wakeAt(c.RetryAt)
			continue
		}
		planEnd(v, c, d)
	}
	if left || v.Busy != opNone {
		return
	}
	if v.TornDown {
		d.add(opFinish, nil, "")
		return
	}
	if now.Before(v.RetryAt) {
		d.wakeAt(v.RetryAt)
		return
	}
	d.add(opTeardown, nil, "")
}

// doubtful says that a start seemed to fail and that nobody has looked since: the container may have run and ended,
// and then its end is to be told.
func (c *containerView) doubtful() bool { return c.Recheck && c.ID != "" && c.StartedAt.IsZero() }

func planEnd(v *view, c *containerView, d *decision) {
	if c.Unsure && !c.Undead && c.Phase != phaseRunning {
		if !c.Recheck { // what it has done is to be told before it goes
			d.add(opRemove, c, "")
		}
		return
	}
	if c.Phase == phaseWaiting || c.Phase == phaseCreated {
		d.add(opAbandon, c, "")
		return
	}
	for _, other := range v.Containers {
		if other.Phase != phaseStopped && other != c && dependsOn(other.Spec, c.Spec.Name) {
			return
		}
	}
	if c.StopTry > 0 || c.Undead {
		d.add(opKill, c, "") // the polite way was tried and the engine let us down
		return
	}
	d.add(opStop, c, "")
}
