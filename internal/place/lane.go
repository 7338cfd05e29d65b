package place

import (
	"cmp"
	"math"
	"slices"

	"longshore/internal/state"
)

// lane keeps the instances that one kind of request may use, in buckets by the attributes that it spreads
// by, each in the order in which it would take them.
type lane struct {
	plan    *plan  // any plan of the lane: they differ in what the lane does not look at
	own     bool   // in the order of the plan's group
	at      int    // position in the pool's log
	rows    []*row // by the order of the node
	buckets map[string]*bucket
	sorted  []*bucket // scratch
}

// row is what the lane knows of a node.
type row struct {
	of     *state.Instance // the record that was judged
	fit    bool
	bucket *bucket // nil when it is in none
	entry  entry
}

type bucket struct {
	values  []string // of the first, first two … attributes, joined
	root    *entry
	ranking []int // scratch: tasks of the group by values
}

// lane of a plan, brought up to date. A group that is on few instances shares a lane with the others and
// passes its own instances by; one that is on many has a lane in its own order.
func (p *pool) lane(pl *plan, g *group) *lane {
	k := pl.lane
	if pl.grouped() && g != nil && len(g.on)*dense > len(p.nodes) {
		k.group = pl.group
	}
	l := p.lanes[k]
	if l == nil {
		l = &lane{plan: pl, own: k.group != groupKey{}, buckets: map[string]*bucket{}}
		p.trim()
		p.lanes[k] = l
		for _, n := range p.nodes {
			l.refresh(p, n)
		}
	} else {
		for _, n := range p.log[l.at-p.start:] {
			l.refresh(p, n)
		}
	}
	l.at = p.end()
	return l
}

// dense is the part of all instances (one in …) above which a group gets a lane of its own.
const dense = 4

// grouped says whether the order looks at the group's tasks on the instance.
func (pl *plan) grouped() bool { return pl.host || pl.distinct }

// maxRows bounds the memory of all lanes of a pool, in rows of about 200 bytes.
const maxRows = 500_000

// trim forgets the longest unused lane when there are too many.
func (p *pool) trim() {
	if (len(p.lanes)+1)*len(p.nodes) <= maxRows {
		return
	}
	var oldest laneKey
	at := math.MaxInt
	for k, l := range p.lanes {
		if l.at < at {
			oldest, at = k, l.at
		}
	}
	delete(p.lanes, oldest)
}

// refresh files a node anew where it changed.
func (l *lane) refresh(p *pool, n *node) {
	for len(l.rows) <= n.order {
		l.rows = append(l.rows, nil)
	}
	r := l.rows[n.order]
	if r == nil {
		r = &row{}
		l.rows[n.order] = r
	}
	if r.of != n.instance || l.plan.live {
		if r.of != n.instance {
			l.unfile(r) // its attributes may belong in another bucket
		}
		r.of, r.fit = n.instance, !n.gone && l.plan.refuse(n) == ""
	}
	if !r.fit || n.gone {
		l.unfile(r)
		return
	}
	k := l.keyOf(p, n)
	e := &r.entry
	if r.bucket != nil {
		if e.key == k && e.cpu == n.cpu && e.memory == n.memory {
			return
		}
		r.bucket.root = remove(r.bucket.root, e.key)
	} else {
		r.bucket = l.bucketOf(n)
	}
	*e = entry{key: k, node: n, cpu: n.cpu, memory: n.memory, priority: mix(uint64(n.order))}
	r.bucket.root = insert(r.bucket.root, e)
}

func (l *lane) keyOf(p *pool, n *node) key {
	k := key{order: n.order}
	if l.own {
		k.group = p.onNode(l.plan.group, n)
	}
	switch l.plan.measure {
	case byTasks:
		k.measure = len(n.tasks)
	case byCPU:
		k.measure = n.cpu
	case byMemory:
		k.measure = n.memory
	}
	return k
}

func (p *pool) onNode(g groupKey, n *node) int {
	of := p.groups[g]
	if of == nil {
		return 0
	}
	return of.on[n]
}

func (l *lane) unfile(r *row) {
	if r.bucket == nil {
		return
	}
	r.bucket.root = remove(r.bucket.root, r.entry.key)
	r.bucket = nil
}

func (l *lane) bucketOf(n *node) *bucket {
	value := n.tuple(l.plan.lane.spread, l.plan.spread)
	b := l.buckets[value]
	if b != nil {
		return b
	}
	b = &bucket{ranking: make([]int, len(l.plan.spread))}
	for i, joined := range l.plan.spreads {
		b.values = append(b.values, n.tuple(joined, l.plan.spread[:i+1]))
	}
	l.buckets[value] = b
	l.sorted = append(l.sorted, b)
	return b
}

// ranked sorts the buckets: those with the fewest tasks of the group first, attribute by attribute.
func (l *lane) ranked(p *pool, pl *plan, g *group) []*bucket {
	if len(l.sorted) < 2 {
		return l.sorted
	}
	for i, joined := range pl.spreads {
		counts := g.spread(joined)
		for _, b := range l.sorted {
			b.ranking[i] = counts[b.values[i]]
		}
	}
	slices.SortFunc(l.sorted, func(a, b *bucket) int {
		return cmp.Or(slices.Compare(a.ranking, b.ranking), slices.Compare(a.values, b.values))
	})
	return l.sorted
}

// pick is the best instance for a request of plan pl, or nil. Tier after tier: buckets with equally many
// tasks of the group are one set for the strategies that follow.
func (p *pool) pick(pl *plan, r Request, chance func(int) int) *node {
	if pl.irregular {
		return p.pickSlowly(pl, r)
	}
	g := p.groups[pl.group]
	l := p.lane(pl, g)
	past := pl.grouped() && !l.own && g != nil
	s := search{p: p, l: l, pl: pl, g: g, cpu: math.MinInt, memory: math.MinInt, chance: chance,
		ok: func(n *node) bool { return (!past || g.on[n] == 0) && pl.room(p, n, r) }}
	if !pl.fargate {
		s.cpu, s.memory = r.Task.Need.CPU, r.Task.Need.Memory
	}
	for all := l.ranked(p, pl, g); len(all) > 0; {
		end := 1
		for end < len(all) && slices.Equal(all[end].ranking, all[0].ranking) {
			end++
		}
		n := s.tier(all[:end])
		if n == nil && past && !pl.distinct {
			n = s.among(all[:end], r)
		}
		if n != nil {
			return n
		}
		all = all[end:]
	}
	return nil
}

// search is one decision.
type search struct {
	p           *pool
	l           *lane
	pl          *plan
	g           *group
	cpu, memory int
	ok          func(*node) bool
	chance      func(int) int
}

// tier takes the best of some buckets.
func (s *search) tier(buckets []*bucket) *node {
	var best *entry
	var from *bucket
	for _, b := range buckets {
		e := b.root.first(0, s.cpu, s.memory, s.ok)
		if e != nil && (best == nil || e.key.less(best.key)) {
			best, from = e, b
		}
	}
	switch {
	case best == nil:
		return nil
	case s.pl.measure == byChance:
		best = from.random(best, s.cpu, s.memory, s.chance, s.ok)
	}
	return best.node
}

// among takes the best instance that the group is on already: a group with a few of them shares a lane with
// others, which does not order by the group.
func (s *search) among(buckets []*bucket, r Request) *node {
	var best *node
	var least key
	for n, tasks := range s.g.on {
		row := s.l.rows[n.order]
		if row.bucket == nil || !slices.Contains(buckets, row.bucket) || !s.pl.room(s.p, n, r) {
			continue
		}
		k := row.entry.key
		k.group = tasks
		if best == nil || k.less(least) {
			best, least = n, k
		}
	}
	return best
}

// room says whether the task fits a node that meets the plan's standing requirements.
func (pl *plan) room(p *pool, n *node, r Request) bool {
	if pl.fargate {
		return true
	}
	return n.short(&r.Task.Need) == "" && (!pl.distinct || p.onNode(pl.group, n) == 0)
}

// random starts at a random place among the entries that are as good as best, and takes the next that fits.
func (b *bucket) random(best *entry, cpu, memory int, chance func(int) int, ok func(*node) bool) *entry {
	from := b.root.rank(best.key)
	to := b.root.rank(key{group: best.key.group + 1, measure: math.MinInt})
	e := b.root.first(from+chance(to-from), cpu, memory, ok)
	if e == nil || e.key.group != best.key.group {
		return best
	}
	return e
}
