package place

import (
	"cmp"
	"slices"
	"strings"

	"longshore/internal/state"
)

// LeastWanted picks the n tasks of a service that its strategies miss least, in the order in which they
// should leave: placement backwards. Spread takes from where most tasks are, binpack from the host with the
// most free of its resource; among equals the youngest leaves first. strategy is the service's own; empty
// keeps the zones even.
func LeastWanted(n int, tasks []*state.Task, strategy []state.PlacementStrategy, instances Instances,
	of Tasks) []*state.Task {
	left := slices.Clone(tasks)
	slices.SortFunc(left, func(a, b *state.Task) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(string(b.Key), string(a.Key)))
	})
	var steps []step
	chain := Strategy(true, strategy)
	for i := range chain {
		steps = append(steps, newStep(chain[:i+1], left, instances, of)...)
	}
	var out []*state.Task
	for len(out) < n && len(left) > 0 {
		i := worst(left, steps)
		t := left[i]
		left = slices.Delete(left, i, i+1)
		out = append(out, t)
		for _, s := range steps {
			s.leave(t)
		}
	}
	return out
}

// step is one strategy, backwards: the higher a task's score, the less it is wanted.
type step struct {
	score func(*state.Task) int
	leave func(*state.Task)
}

// newStep is the last strategy of a chain.
func newStep(chain []state.PlacementStrategy, tasks []*state.Task, instances Instances, of Tasks) []step {
	s := chain[len(chain)-1]
	value := func(t *state.Task) string { return string(t.Instance) }
	weight := func(*state.Task) int { return 1 }
	scores := map[string]int{}
	switch s.Type {
	case "spread":
		_, host := spreadOf(s)
		if !host {
			names := attributesOf(chain)
			value = func(t *state.Task) string { return valuesOf(t, names, instances) }
		}
		for _, t := range tasks {
			scores[value(t)]++
		}
	case "binpack":
		measure := func(t *state.Task) int { return t.Need.Memory }
		total := func(i *state.Instance) int { return i.Memory }
		if strings.EqualFold(s.Field, "cpu") {
			measure = func(t *state.Task) int { return t.Need.CPU }
			total = func(i *state.Instance) int { return i.CPU }
		}
		weight = func(t *state.Task) int { return -measure(t) }
		scores = roomLeft(tasks, instances, of, total, measure)
	default:
		return nil
	}
	return []step{{
		score: func(t *state.Task) int { return scores[value(t)] },
		leave: func(t *state.Task) { scores[value(t)] -= weight(t) },
	}}
}

// roomLeft is what is free of a resource on every instance that runs one of the tasks.
func roomLeft(tasks []*state.Task, instances Instances, of Tasks, total func(*state.Instance) int,
	measure func(*state.Task) int) map[string]int {
	out := map[string]int{}
	for _, t := range tasks {
		_, known := out[string(t.Instance)]
		i, ok := instances.Get(t.Instance)
		if known || !ok {
			continue
		}
		out[string(t.Instance)] = total(i)
		for x := range of.OfInstance(t.Instance) {
			if holds(x) {
				out[string(t.Instance)] -= measure(x)
			}
		}
	}
	return out
}

// valuesOf attributes for a task: its own zone, else those of its instance.
func valuesOf(t *state.Task, names []string, instances Instances) string {
	i, ok := instances.Get(t.Instance)
	out := ""
	for _, name := range names {
		switch {
		case name == zoneAttribute && t.Zone != "":
			out += t.Zone
		case ok:
			out += i.Attribute(name)
		}
		out += "\x00"
	}
	return out
}

// worst is the index of the task with the highest scores, step by step; the earliest of equals.
func worst(left []*state.Task, steps []step) int {
	best := 0
	for i := 1; i < len(left); i++ {
		for _, s := range steps {
			order := cmp.Compare(s.score(left[i]), s.score(left[best]))
			if order > 0 {
				best = i
			}
			if order != 0 {
				break
			}
		}
	}
	return best
}
