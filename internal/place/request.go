package place

import (
	"strings"

	"longshore/internal/place/cql"
	"longshore/internal/state"
)

// Request asks for room for one task.
type Request struct {
	// Task is the caller's own copy: Choose writes Instance and Zone into it and keeps the pointer, so what
	// it needs and belongs to must not change afterwards. Its Key must be set.
	Task *state.Task
	// Definition is the task's revision; nil requires nothing.
	Definition *state.TaskDefinition
	// Subnets of a FARGATE task: its zone is one of theirs.
	Subnets []*state.Subnet
}

// Fargate says whether the task runs on FARGATE, by launch type or capacity provider.
func Fargate(t *state.Task) bool {
	return t.LaunchType == state.LaunchFargate || strings.HasPrefix(t.CapacityProvider, "FARGATE")
}

// zoneAttribute is what services are spread by unless they say otherwise.
const zoneAttribute = "ecs.availability-zone"

// measure is what orders instances of the same rank: see lane.
type measure int

const (
	byTasks measure = iota // fewest tasks first
	byCPU                  // least free cpu first
	byMemory
	byChance
)

// plan is what a request asks for, worked out once for all requests that are alike.
type plan struct {
	fargate   bool
	kind      string
	provider  string // of the instance; empty is any
	attrs     []state.Attribute
	arch      string
	exprs     []cql.Expr
	live      bool  // an expression looks at what changes
	err       error // an expression that cannot be read
	distinct  bool
	group     groupKey
	strategy  []state.PlacementStrategy
	spread    []string // attributes of the leading spreads
	spreads   []string // joined names of the first, first two … of them
	host      bool     // then by instance
	measure   measure
	irregular bool // a chain that lanes have no order for
	lane      laneKey
}

// planKey finds the plan of a request that is like an earlier one.
type planKey struct {
	definition                                 *state.TaskDefinition
	group                                      groupKey
	launch, provider, constraints, strategyKey string
	service                                    bool
}

func newPlan(r Request) *plan {
	t := r.Task
	p := &plan{group: groupOf(t), strategy: Strategy(t.Service != "", t.Strategy)}
	constraints := t.Constraints
	if r.Definition != nil {
		p.attrs = r.Definition.RequiresAttributes
		p.arch = archOf(r.Definition.RuntimePlatform)
		constraints = append(constraints[:len(constraints):len(constraints)], r.Definition.PlacementConstraints...)
	}
	if Fargate(t) {
		p.fargate, p.kind, p.attrs, p.strategy = true, state.KindFargate, nil, nil
		constraints = nil
	} else {
		p.kind = state.KindEC2
		if t.LaunchType == state.LaunchExternal {
			p.kind = state.KindExternal
		}
		p.provider = t.CapacityProvider
	}
	p.constrain(constraints)
	p.chain()
	p.lane = p.laneKey()
	return p
}

// Strategy is the chain that placement follows: services are spread over the zones unless they say
// otherwise, standalone tasks have none of their own.
func Strategy(service bool, given []state.PlacementStrategy) []state.PlacementStrategy {
	if len(given) == 0 && service {
		return []state.PlacementStrategy{{Type: "spread", Field: "attribute:" + zoneAttribute}}
	}
	return given
}

func archOf(p *state.RuntimePlatform) string {
	if p == nil {
		return ""
	}
	return strings.ToLower(p.CPUArchitecture)
}

func (pl *plan) constrain(all []state.PlacementConstraint) {
	for _, c := range all {
		if c.Type == "distinctInstance" {
			pl.distinct = true
			continue
		}
		e, err := cql.Parse(c.Expression)
		if err != nil {
			pl.err = err
			continue
		}
		pl.exprs = append(pl.exprs, e)
		pl.live = pl.live || e.Live()
	}
}

// chain reads the strategies into an order. What follows binpack or random decides only between equals,
// which arrival does as well; a spread by attribute there has no lane.
func (pl *plan) chain() {
	ended := false
	for _, s := range pl.strategy {
		attribute, host := spreadOf(s)
		switch {
		case s.Type == "spread" && host:
			pl.host = pl.host || !ended
		case s.Type == "spread":
			if pl.host || ended {
				pl.irregular = true
				return
			}
			pl.spread = append(pl.spread, attribute)
			pl.spreads = append(pl.spreads, join(pl.spread))
		case ended:
		case s.Type == "binpack":
			ended, pl.measure = true, byMemory
			if strings.EqualFold(s.Field, "cpu") {
				pl.measure = byCPU
			}
		case s.Type == "random":
			ended, pl.measure = true, byChance
		}
	}
}

// spreadOf is the attribute that a strategy spreads by, or host for the instance itself.
func spreadOf(s state.PlacementStrategy) (attribute string, host bool) {
	attribute, ok := strings.CutPrefix(s.Field, "attribute:")
	return attribute, !ok
}

// laneKey finds the lane of a plan.
type laneKey struct {
	class   string // what an instance must be
	spread  string
	measure measure
	group   groupKey // of a lane of a group's own
}

func (pl *plan) laneKey() laneKey {
	parts := []string{pl.kind, pl.provider, pl.arch}
	for _, a := range pl.attrs {
		parts = append(parts, a.Name, a.Value)
	}
	parts = append(parts, "\x02")
	for _, e := range pl.exprs {
		parts = append(parts, e.String())
	}
	return laneKey{class: strings.Join(parts, "\x01"), spread: join(pl.spread), measure: pl.measure}
}

func planKeyOf(r Request) planKey {
	t := r.Task
	k := planKey{definition: r.Definition, group: groupOf(t), launch: t.LaunchType,
		provider: t.CapacityProvider, service: t.Service != ""}
	for _, c := range t.Constraints {
		k.constraints += c.Type + "\x01" + c.Expression + "\x02"
	}
	for _, s := range t.Strategy {
		k.strategyKey += s.Type + "\x01" + s.Field + "\x02"
	}
	return k
}
