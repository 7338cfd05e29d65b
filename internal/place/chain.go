package place

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"longshore/internal/state"
)

// pickSlowly follows the chain step by step over all instances: for chains that have no lane.
func (p *pool) pickSlowly(pl *plan, r Request) *node {
	var left []*node
	for _, n := range p.nodes {
		if pl.refuse(n) == "" && pl.room(p, n, r) {
			left = append(left, n)
		}
	}
	for i := range pl.strategy {
		score := p.score(pl, i)
		if score != nil {
			left = lowest(left, score)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return slices.MinFunc(left, func(a, b *node) int {
		return cmp.Or(cmp.Compare(len(a.tasks), len(b.tasks)), cmp.Compare(a.order, b.order))
	})
}

// score is what the i-th strategy wants little of; nil for one that has no preference. A spread by an
// attribute goes by it and those before it: racks within zones.
func (p *pool) score(pl *plan, i int) func(*node) int {
	s := pl.strategy[i]
	switch {
	case s.Type == "binpack" && strings.EqualFold(s.Field, "cpu"):
		return func(n *node) int { return n.cpu }
	case s.Type == "binpack":
		return func(n *node) int { return n.memory }
	case s.Type != "spread":
		return nil
	}
	_, host := spreadOf(s)
	if host {
		return func(n *node) int { return p.onNode(pl.group, n) }
	}
	names := attributesOf(pl.strategy[:i+1])
	joined := join(names)
	counts := p.groups[pl.group].spread(joined)
	return func(n *node) int { return counts[n.tuple(joined, names)] }
}

// attributesOf are the attributes that a chain spreads by.
func attributesOf(all []state.PlacementStrategy) []string {
	var names []string
	for _, s := range all {
		name, host := spreadOf(s)
		if s.Type == "spread" && !host {
			names = append(names, name)
		}
	}
	return names
}

func lowest(all []*node, score func(*node) int) []*node {
	low := math.MaxInt
	for _, n := range all {
		low = min(low, score(n))
	}
	return slices.DeleteFunc(all, func(n *node) bool { return score(n) > low })
}
