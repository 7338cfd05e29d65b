package place

import (
	"fmt"
	"math"

	"longshore/internal/state"
)

// failure is a kind of request that found no room: the same one finds none later in the session either.
type failure struct {
	plan *plan
	need string
}

func failureOf(pl *plan, r Request) failure {
	if pl.fargate {
		return failure{plan: pl}
	}
	return failure{pl, fmt.Sprint(r.Task.Need)}
}

// maxPlans that are remembered.
const maxPlans = 4096

func (b *Board) plan(r Request) *plan {
	k := planKeyOf(r)
	p := b.plans[k]
	if p == nil {
		if len(b.plans) >= maxPlans {
			clear(b.plans)
		}
		p = newPlan(r)
		b.plans[k] = p
	}
	return p
}

// Choose places the task: it sets Instance and Zone, and holds the room from then on; the caller puts the
// task in the same transaction. Without room it changes nothing and answers why, the closest instance first.
func (s *Session) Choose(r Request) []Refusal {
	pl := s.b.plan(r)
	if len(s.failed) > 0 {
		why := s.failed[failureOf(pl, r)]
		if why != nil {
			return why
		}
	}
	p := s.pool(poolOf(r.Task))
	for {
		n := p.pick(pl, r, s.b.chance)
		if n == nil {
			why := p.explain(pl, r)
			if s.reread(p, poolOf(r.Task), why) {
				continue
			}
			if !pl.live {
				s.failed[failureOf(pl, r)] = why
			}
			return why
		}
		if s.check(p, n) {
			s.take(p, n, pl, r)
			return nil
		}
	}
}

// reread compares the instances that came closest, and the list of all, with the transaction before a task is
// refused: a Board that lags must not refuse what fits. It says whether anything was new.
func (s *Session) reread(p *pool, k state.ClusterKey, why []Refusal) bool {
	before := p.end()
	if p.listed != s.b.session {
		p.listed = s.b.session
		for i := range s.instances.OfCluster(k) {
			n := p.nodes[i.Key]
			if n == nil || n.instance != i {
				p.putInstance(i)
				s.check(p, p.nodes[i.Key])
			}
		}
	}
	for _, w := range why {
		n := p.nodes[w.Instance]
		if n != nil && n.compared != s.b.session {
			s.compare(p, n)
		}
	}
	return p.end() > before
}

// poolOf is the cluster whose instances a task may use.
func poolOf(t *state.Task) state.ClusterKey {
	c := t.Key.Cluster()
	if Fargate(t) {
		return state.NewClusterKey(c.Scope(), state.FargateCluster)
	}
	return c
}

func (s *Session) take(p *pool, n *node, pl *plan, r Request) {
	t := r.Task
	t.Instance = n.instance.Key
	t.Zone = n.instance.Zone()
	if pl.fargate {
		t.Zone = p.zone(pl.group, r.Subnets, t.Zone)
	}
	p.putTask(n, t)
	s.b.loose = append(s.b.loose, loose{t.Key, t.Instance})
}

// zone is the one of the subnets' zones with the fewest tasks of the group.
func (p *pool) zone(k groupKey, subnets []*state.Subnet, otherwise string) string {
	best, least := otherwise, math.MaxInt
	g := p.groups[k]
	for _, n := range subnets {
		tasks := 0
		if g != nil {
			tasks = g.zones[n.Zone]
		}
		if tasks < least {
			best, least = n.Zone, tasks
		}
	}
	return best
}

// Start places the task on a given instance, as StartTask does: without strategies and constraints, but
// never where it does not fit.
func (s *Session) Start(r Request, k state.InstanceKey) *Refusal {
	p := s.pool(k.Cluster())
	n := p.nodes[k]
	if n != nil {
		s.check(p, n)
		n = p.nodes[k]
	}
	if n == nil {
		return &Refusal{CodeMissing, k}
	}
	pl := *s.b.plan(r)
	pl.kind, pl.provider, pl.fargate = n.instance.Kind, "", false
	pl.exprs, pl.err, pl.distinct = nil, nil, false
	code := p.reason(&pl, n, r)
	if code != "" {
		return &Refusal{code, k}
	}
	s.take(p, n, &pl, r)
	return nil
}

// Eligible says whether a task of the request may run on the instance as far as the instance itself goes:
// status, kind, attributes and memberOf, not room, connection or neighbours. A DAEMON service runs one task
// on each such instance.
func Eligible(r Request, i *state.Instance) bool {
	connected := *i
	connected.Connected = true
	return newPlan(r).refuse(&node{instance: &connected}) == ""
}
