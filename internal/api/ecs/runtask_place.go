package ecs

import (
	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
)

// placeTasks looks for room for every task, inside the Update that writes them: two calls cannot be promised the
// same room. A task without room is a failure, unless its provider can still grow.
func (a *API) placeTasks(tx *store.Tx, o order, tasks []*state.Task, out *outcome) error {
	providers := shareOut(tx.View(), o, len(tasks))
	s := a.Board.Begin(tx.Instances(), tx.Tasks())
	defer s.End()
	for i, skeleton := range tasks {
		t := skeleton.Clone() // the Board keeps what it places, and the closure may run again
		t.CapacityProvider = providers[i]
		why := s.Choose(place.Request{Task: t, Definition: o.definition, Subnets: subnetsOf(tx.View(), t)})
		switch {
		case len(why) == 0:
			placed(t)
		case why[0].Code == place.CodeNone:
			return invalid("%s", place.CodeNone)
		case grows(tx.View(), t):
			t.Waiting = &state.Waiting{Code: why[0].Code, Reason: place.Explain(why), Since: t.CreatedAt}
		default:
			out.refuse(why)
			continue
		}
		out.tasks = append(out.tasks, t)
	}
	return nil
}

// placed hands a task to its instance: at once, or when control/attach has given it its interface.
func placed(t *state.Task) {
	if t.Network == nil {
		t.Last = state.Pending
	}
}

// refuse tells a task that found no room: one failure for each instance that was close.
func (o *outcome) refuse(why []place.Refusal) {
	for _, w := range why {
		arn := ""
		if w.Instance != "" {
			arn = w.Instance.ARN()
		}
		o.fail(arn, w.Code, "")
	}
}

// grows says whether the task's provider adds instances by itself: then the task waits for one in PROVISIONING
// (Amazon ECS Developer Guide, "Cluster auto scaling").
func grows(v store.View, t *state.Task) bool {
	if t.CapacityProvider == "" || isFargate(t.CapacityProvider) {
		return false
	}
	p, ok := v.Providers().Get(state.NewProviderKey(t.Key.Cluster().Scope(), t.CapacityProvider))
	return ok && p.ManagedScaling != nil && p.ManagedScaling.Status == enabled
}

// shareOut names the provider of each of n tasks, all "" without a strategy. The ratio holds for what runs, not for
// one call: the group's live tasks count, or five calls for one task each would all go to the heaviest provider.
func shareOut(v store.View, o order, n int) []string {
	strategy := o.capacity.strategy
	if len(strategy) == 0 {
		return make([]string, n)
	}
	have := map[string]int{}
	if len(strategy) > 1 {
		for t := range v.Tasks().OfFamily(o.cluster, o.definition.Key.Family().Name()) {
			if t.Service == "" && t.Group == o.model.Group && t.Desired == state.Running {
				have[t.CapacityProvider]++
			}
		}
	}
	return state.ShareOut(strategy, have, n)
}

func subnetsOf(v store.View, t *state.Task) []*state.Subnet {
	if t.Network == nil {
		return nil
	}
	out := make([]*state.Subnet, 0, len(t.Network.Subnets))
	for _, id := range t.Network.Subnets {
		s, ok := v.Subnets().Get(state.NewResourceKey(t.Key.Cluster().Scope(), id))
		if ok {
			out = append(out, s)
		}
	}
	return out
}
