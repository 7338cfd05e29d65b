package place

// entry is a node of a treap: a search tree by key whose priorities are pseudo-random, so that it stays
// balanced, and whose entries know the most free cpu and memory below them, so that a search passes by
// whatever cannot fit.
type entry struct {
	key         key
	node        *node
	cpu, memory int // as filed
	maxCPU      int
	maxMemory   int
	size        int
	priority    uint64
	left, right *entry
}

// key orders instances: tasks of the group, then the strategy's measure, then arrival.
type key struct{ group, measure, order int }

func (k key) less(o key) bool {
	if k.group != o.group {
		return k.group < o.group
	}
	if k.measure != o.measure {
		return k.measure < o.measure
	}
	return k.order < o.order
}

func (e *entry) count() int {
	if e == nil {
		return 0
	}
	return e.size
}

func (e *entry) pull() *entry {
	e.size = 1 + e.left.count() + e.right.count()
	e.maxCPU, e.maxMemory = e.cpu, e.memory
	for _, c := range [...]*entry{e.left, e.right} {
		if c != nil {
			e.maxCPU = max(e.maxCPU, c.maxCPU)
			e.maxMemory = max(e.maxMemory, c.maxMemory)
		}
	}
	return e
}

// cut separates the entries below k from the others.
func cut(e *entry, k key) (below, rest *entry) {
	if e == nil {
		return nil, nil
	}
	if e.key.less(k) {
		e.right, rest = cut(e.right, k)
		return e.pull(), rest
	}
	below, e.left = cut(e.left, k)
	return below, e.pull()
}

func merge(a, b *entry) *entry {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		a.right = merge(a.right, b)
		return a.pull()
	}
	b.left = merge(a, b.left)
	return b.pull()
}

func insert(root, e *entry) *entry {
	if root == nil || e.priority > root.priority {
		e.left, e.right = cut(root, e.key)
		return e.pull()
	}
	if e.key.less(root.key) {
		root.left = insert(root.left, e)
	} else {
		root.right = insert(root.right, e)
	}
	return root.pull()
}

// remove takes out the entry with this key, which must be there.
func remove(root *entry, k key) *entry {
	switch {
	case root == nil:
		return nil
	case root.key == k:
		return merge(root.left, root.right)
	case k.less(root.key):
		root.left = remove(root.left, k)
	default:
		root.right = remove(root.right, k)
	}
	return root.pull()
}

// first is the first entry from the given rank on that has the room and passes ok.
func (e *entry) first(rank, cpu, memory int, ok func(*node) bool) *entry {
	if e == nil || rank >= e.size || e.maxCPU < cpu || e.maxMemory < memory {
		return nil
	}
	before := e.left.count()
	f := e.left.first(rank, cpu, memory, ok)
	if f != nil {
		return f
	}
	if rank <= before && e.cpu >= cpu && e.memory >= memory && ok(e.node) {
		return e
	}
	return e.right.first(rank-before-1, cpu, memory, ok)
}

// rank counts the entries below k.
func (e *entry) rank(k key) int {
	n := 0
	for e != nil {
		if e.key.less(k) {
			n += e.left.count() + 1
			e = e.right
			continue
		}
		e = e.left
	}
	return n
}

// mix turns an order into a priority (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
