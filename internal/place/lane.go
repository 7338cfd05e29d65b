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
	plan    *plan // any plan of the lane: they differ in what the lane does not look at
	at      int   // position in the pool's log
	rows    map[*node]*row
	buckets map[string]*bucket
	sorted  []*bucket // scratch
}

// row is what the lane knows of a node.
type row struct {
	of     *state.Instance // the record that was judged
	fit    bool
	bucket *bucket
	entry  *entry // nil when it is in no bucket
}

type bucket struct {
	values  []string // of the first, first two … attributes, joined
	root    *entry
	ranking []int // scratch: tasks of the group by values
}

// lane of a plan, brought up to date.
func (p *pool) lane(pl *plan) *lane {
	l := p.lanes[pl.lane]
	if l == nil {
		l = &lane{plan: pl, at: p.end(), rows: map[*node]*row{}, buckets: map[string]*bucket{}}
		p.trim()
		p.lanes[pl.lane] = l
		for _, n := range p.nodes {
			l.refresh(p, n)
		}
		return l
	}
	for _, n := range p.log[l.at-p.start:] {
		l.refresh(p, n)
	}
	l.at = p.end()
	return l
}

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
	r := l.rows[n]
	if r == nil {
		r = &row{}
		l.rows[n] = r
	}
	if r.of != n.instance || l.plan.live {
		r.of, r.fit = n.instance, l.plan.refuse(n) == ""
	}
	if p.nodes[n.instance.Key] != n {
		l.unfile(r)
		delete(l.rows, n)
		return
	}
	if !r.fit {
		l.unfile(r)
		return
	}
	l.file(r, l.bucketOf(n), l.entryOf(p, n, r.entry))
}

func (l *lane) entryOf(p *pool, n *node, old *entry) entry {
	e := entry{node: n, cpu: n.cpu, memory: n.memory, priority: mix(uint64(n.order))}
	e.key.order = n.order
	if l.plan.host || l.plan.distinct {
		e.key.group = p.onNode(l.plan.group, n)
	}
	switch l.plan.measure {
	case byTasks:
		e.key.measure = len(n.tasks)
	case byCPU:
		e.key.measure = n.cpu
	case byMemory:
		e.key.measure = n.memory
	}
	return e
}

func (p *pool) onNode(g groupKey, n *node) int {
	of := p.groups[g]
	if of == nil {
		return 0
	}
	return of.on[n]
}

func (l *lane) file(r *row, b *bucket, e entry) {
	if r.entry != nil {
		same := r.bucket == b && r.entry.key == e.key
		if same && r.entry.cpu == e.cpu && r.entry.memory == e.memory {
			return
		}
		l.unfile(r)
	}
	r.bucket, r.entry = b, &e
	b.root = insert(b.root, r.entry)
}

func (l *lane) unfile(r *row) {
	if r.entry == nil {
		return
	}
	r.bucket.root = remove(r.bucket.root, r.entry.key)
	r.bucket, r.entry = nil, nil
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
func (l *lane) ranked(p *pool, g *group) []*bucket {
	if len(l.sorted) < 2 {
		return l.sorted
	}
	for i, joined := range l.plan.spreads {
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

// pick is the best instance for a request of plan pl, or nil.
func (p *pool) pick(pl *plan, r Request, chance func(int) int) *node {
	if pl.irregular {
		return p.pickSlowly(pl, r)
	}
	l := p.lane(pl)
	g := p.groups[pl.group]
	cpu, memory := math.MinInt, math.MinInt
	if !pl.fargate {
		cpu, memory = r.Task.Need.CPU, r.Task.Need.Memory
	}
	ok := func(n *node) bool { return pl.room(p, n, r) }
	var best *entry
	var from *bucket
	for _, b := range l.ranked(p, g) {
		if best != nil && !slices.Equal(b.ranking, from.ranking) {
			break // what follows has more tasks of the group
		}
		e := b.root.first(0, cpu, memory, ok)
		if e != nil && (best == nil || e.key.less(best.key)) {
			best, from = e, b
		}
	}
	switch {
	case best == nil:
		return nil
	case pl.measure == byChance:
		best = from.random(best, cpu, memory, chance, ok)
	}
	return best.node
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
