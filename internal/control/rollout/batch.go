package rollout

// census counts a service's tasks that are asked to run, by what they are good for.
type census struct {
	desired, lower, upper int

	// Of the PRIMARY deployment.
	coming  int // not healthy yet
	healthy int
	unwell  int // failing their health checks
	leaving int // healthy, but where they cannot stay

	// Of the deployments before it; what is not yet running has left the count already.
	oldFree    int // healthy
	oldGuarded int // healthy and protected from scale-in
	oldWeak    int // running, not healthy
	oldYoung   int // running for too short a time to tell: neither counted on nor given up
}

// batch is what one look at the census does: how many to start, and how many of which kind to stop.
type batch struct {
	start                                int
	surplus, unwell, leaving, old, older int // surplus of the PRIMARY ones; old: healthy, older: not healthy
	stuck                                bool
}

// bounds of a service's tasks while it changes (API_DeploymentConfiguration): at least lower healthy ones, at
// most upper that are not stopping.
func bounds(desired, minimumPercent, maximumPercent int) (lower, upper int) {
	return (desired*minimumPercent + 99) / 100, desired * maximumPercent / 100
}

// next is the largest batch that stays within the bounds. Starting goes before stopping where there is room;
// otherwise something makes room, as far as the lower bound allows.
func (c census) next() batch {
	b := batch{}
	spare := max(0, c.healthy+c.leaving+c.oldFree+c.oldGuarded-c.lower) // healthy tasks that may go
	want := max(0, c.desired-c.coming-c.healthy)
	if want == 0 {
		b.surplus = c.coming + c.healthy - c.desired
		idle := min(b.surplus, c.coming)
		b.surplus = idle + min(b.surplus-idle, spare)
		spare -= b.surplus - idle
	}
	short := max(0, want-max(0, c.upper-c.active()))

	// Old tasks go as new ones replace them, and to make room; the weak ones are missed by nobody. No healthy
	// one makes room for the replacement of a new one that fails.
	old := c.oldFree + c.oldGuarded + c.oldWeak
	goes := min(old, max(old-max(0, c.desired-c.healthy), short-c.unwell, 0))
	b.older = min(goes, c.oldWeak)
	b.old = min(goes-b.older, c.oldFree, spare)
	spare -= b.old
	short -= b.old + b.older

	b.leaving = min(max(c.healthy+c.leaving-c.desired, short-c.unwell, 0), c.leaving, spare)
	short -= b.leaving

	b.unwell = min(max(c.healthy+c.unwell-c.desired, 0), c.unwell)
	if b.unwell == 0 && short > 0 && c.unwell > 0 && c.coming == 0 {
		b.unwell = 1 // one at a time, so that the next stops only when its replacement runs
	}
	stopped := b.surplus + b.old + b.older + b.leaving + b.unwell
	b.start = min(want, max(0, c.upper-(c.active()-stopped)))
	b.stuck = want > 0 && b.start == 0 && stopped == 0 && c.coming == 0 && c.oldYoung == 0
	return b
}

// active tasks are those that count for the upper bound.
func (c census) active() int {
	return c.coming + c.healthy + c.unwell + c.leaving + c.oldFree + c.oldGuarded + c.oldWeak + c.oldYoung
}
