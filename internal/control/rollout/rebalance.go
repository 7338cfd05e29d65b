package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
)

// AZ rebalancing moves tasks from the zone that has most to the one that has fewest, one at a time: a task more
// than desired starts, placement puts it where fewest are, and when it is healthy the surplus leaves from where
// most are (API_CreateService, availabilityZoneRebalancing).

const (
	rebalanced = "ENABLED"

	// Notices that remember where the move stands.
	noticeRebalancing = "rebalancing"
	noticeUnmovable   = "unmovable"

	// unmovableFor is how long nothing is moved after a move that did not help.
	unmovableFor = 30 * time.Minute
)

// rebalance is how many tasks more than desired there are to be for the moment: one, or none.
func (p *plan) rebalance(r roll, c census) int {
	if len(p.Zones) < 2 || p.disturbed(r) {
		p.resolve(noticeRebalancing)
		return 0
	}
	if c.healthy != c.desired {
		return 0 // something is replaced first, or the surplus leaves
	}
	counts := p.perZone(r.healthy)
	low, high := extremes(counts)
	_, moving := p.service.Notices[noticeRebalancing]
	switch {
	case high-low < 2:
		if moving {
			p.resolve(noticeRebalancing)
			p.tell("is AZ balanced with %s.", spelled(counts))
		}
		return 0
	case !moving:
		return p.beginMove(c, counts)
	case slices.ContainsFunc(r.coming, func(t *state.Task) bool {
		return t.Waiting != nil || t.Zone != "" && counts[t.Zone] > low
	}):
		p.resolve(noticeRebalancing)
		p.remember(noticeUnmovable)
		p.tell("is not AZ balanced with %s. AZ Rebalancing stopped: there is no room where fewest are.",
			spelled(counts))
		return 0
	}
	return 1
}

// disturbed says whether the service has other work than moving tasks. Tasks that are protected stay where they
// are, and with them the service.
func (p *plan) disturbed(r roll) bool {
	return p.primary.Rollout != state.RolloutCompleted || len(r.unwell) > 0 || len(r.leaving) > 0 ||
		len(r.oldFree)+len(r.oldGuarded)+len(r.oldWeak)+len(r.oldYoung) > 0 || slices.ContainsFunc(r.healthy, p.guarded)
}

func (p *plan) beginMove(c census, counts map[string]int) int {
	failed, waits := p.service.Notices[noticeUnmovable]
	if waits && p.now.Before(failed.Add(unmovableFor)) {
		p.lookAt(failed.Add(unmovableFor))
		return 0
	}
	if c.upper <= c.desired || c.coming > 0 {
		return 0
	}
	p.resolve(noticeUnmovable)
	p.remember(noticeRebalancing)
	p.tell("is not AZ balanced with %s. AZ Rebalancing in progress.", spelled(counts))
	return 1
}

// remember begins a notice.
func (p *plan) remember(name string) {
	if p.service.Notices == nil {
		p.service.Notices = map[string]time.Time{}
	}
	p.service.Notices[name] = p.now
}

// perZone counts tasks in the zones that can be used and in those that they are in.
func (p *plan) perZone(tasks []*state.Task) map[string]int {
	out := map[string]int{}
	for _, z := range p.Zones {
		out[z] = 0
	}
	for _, t := range tasks {
		out[t.Zone]++
	}
	return out
}

func extremes(counts map[string]int) (low, high int) {
	all := slices.Sorted(maps.Values(counts))
	return all[0], all[len(all)-1]
}

// spelled is "3 tasks in us-east-1a, 1 tasks in us-east-1b".
func spelled(counts map[string]int) string {
	parts := []string{}
	for _, z := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d tasks in %s", counts[z], z))
	}
	return strings.Join(parts, ", ")
}

// zonesOf lists the zones of the subnets of a service on FARGATE, else those with an instance that can run it.
func zonesOf(v store.View, of *View) []string {
	i := slices.IndexFunc(of.Deployments, func(d *state.Deployment) bool { return d.Status == state.DeploymentPrimary })
	if i < 0 || of.Deployments[i].Rollout != state.RolloutCompleted {
		return nil
	}
	d, found := of.Deployments[i], map[string]bool{}
	td := of.Definitions[d.TaskDefinition]
	provider := ""
	if len(d.CapacityStrategy) > 0 {
		provider = d.CapacityStrategy[0].Provider
	}
	if td == nil {
		return nil
	}
	model := newTask(of.Service, d, td, provider)
	if place.Fargate(model) && d.Network != nil {
		for _, id := range d.Network.Subnets {
			s, ok := v.Subnets().Get(state.NewResourceKey(of.Service.Key.Cluster().Scope(), id))
			if ok {
				found[s.Zone] = true
			}
		}
		return slices.Sorted(maps.Keys(found))
	}
	for host := range v.Instances().OfCluster(of.Service.Key.Cluster()) {
		zone := host.Zone()
		if host.Connected && !found[zone] && place.Eligible(place.Request{Task: model, Definition: td}, host) {
			found[zone] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
