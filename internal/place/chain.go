package place

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// pickSlowly follows the chain step by step over all instances: for chains that have no lane.
func (p *pool) pickSlowly(pl *plan, r Request) *node {
	var left []*node
	for _, n := range p.nodes {
		if pl.refuse(n) == "" && pl.room(p, n, r) {
			left = append(left, n)
		}
	}
	for _, s := range pl.strategy {
		score := p.score(pl, s.Type, s.Field)
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

// score is what a strategy wants little of; nil for one that has no preference.
func (p *pool) score(pl *plan, kind, field string) func(*node) int {
	switch {
	case kind == "binpack" && strings.EqualFold(field, "cpu"):
		return func(n *node) int { return n.cpu }
	case kind == "binpack":
		return func(n *node) int { return n.memory }
	case kind != "spread":
		return nil
	}
	name, ok := strings.CutPrefix(field, "attribute:")
	if !ok {
		return func(n *node) int { return p.onNode(pl.group, n) }
	}
	names := []string{name}
	joined := join(names)
	counts := p.groups[pl.group].spread(joined)
	return func(n *node) int { return counts[n.tuple(joined, names)] }
}

func lowest(all []*node, score func(*node) int) []*node {
	low := math.MaxInt
	for _, n := range all {
		low = min(low, score(n))
	}
	return slices.DeleteFunc(all, func(n *node) bool { return score(n) > low })
}
