package rollout

import (
	"slices"
	"strings"
	"time"

	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
)

// View is one service and everything of it at one revision.
type View struct {
	Service     *state.Service
	Deployments []*state.Deployment
	Stories     map[state.ServiceDeploymentKey]*state.ServiceDeployment // of these deployments
	Tasks       []*state.Task                                           // live
	Ended       []*state.Task                                           // stopped, not accounted for yet
	Definitions map[state.TaskDefinitionKey]*state.TaskDefinition       // of these deployments
	// Eligible instances of a DAEMON service: each is to run one task.
	Eligible map[state.InstanceKey]bool
	// Zones that a service with AZ rebalancing can use, sorted; nil while it is deploying.
	Zones     []string
	Instances place.Instances
	Others    place.Tasks // every task, for the order of leaving
	// HealthyAfter is how long a task without a health check must run before it is healthy.
	HealthyAfter time.Duration
}

// look reads the view of one service.
func look(v store.View, k state.ServiceKey, healthyAfter time.Duration) (View, bool) {
	s, ok := v.Services().Get(k)
	if !ok || s.Status == state.StatusInactive {
		return View{}, false
	}
	out := View{
		Service:      s,
		Deployments:  slices.Collect(v.Deployments().OfService(k)),
		Stories:      map[state.ServiceDeploymentKey]*state.ServiceDeployment{},
		Tasks:        slices.Collect(v.Tasks().OfService(k)),
		Ended:        slices.Collect(v.Tasks().EndedOfService(k)),
		Definitions:  map[state.TaskDefinitionKey]*state.TaskDefinition{},
		Instances:    v.Instances(),
		Others:       v.Tasks(),
		HealthyAfter: healthyAfter,
	}
	slices.SortStableFunc(out.Deployments, func(a, b *state.Deployment) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(string(b.Key), string(a.Key))
	})
	for _, d := range out.Deployments {
		td, ok := v.TaskDefinitions().Get(d.TaskDefinition)
		if ok {
			out.Definitions[td.Key] = td
		}
		story, ok := v.ServiceDeployments().Get(d.ServiceDeployment)
		if ok {
			out.Stories[story.Key] = story
		}
	}
	if s.Scheduling == state.SchedulingDaemon {
		out.Eligible = eligible(v, &out)
	}
	if s.AZRebalancing == rebalanced {
		out.Zones = zonesOf(v, &out)
	}
	return out, true
}

// eligible lists the instances that a DAEMON service belongs on, by the definition of its PRIMARY deployment.
func eligible(v store.View, of *View) map[state.InstanceKey]bool {
	out := map[state.InstanceKey]bool{}
	i := slices.IndexFunc(of.Deployments, func(d *state.Deployment) bool { return d.Status == state.DeploymentPrimary })
	if i < 0 {
		return out
	}
	d := of.Deployments[i]
	td := of.Definitions[d.TaskDefinition]
	if td == nil {
		return out
	}
	model := newTask(of.Service, d, td, "")
	for host := range v.Instances().OfCluster(of.Service.Key.Cluster()) {
		if place.Eligible(place.Request{Task: model, Definition: td}, host) {
			out[host.Key] = true
		}
	}
	return out
}
