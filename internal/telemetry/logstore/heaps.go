package logstore

import "container/heap"

// edge is the position that the block yields next, or, while it is packed, the earliest it can yield.
func (b *block) edge(backward bool) Position {
	if b.events != nil {
		return Position{Time: b.events[b.pos].Time, Seq: b.seq + uint64(b.pos)}
	}
	if backward {
		return Position{Time: b.last, Seq: b.seq + uint64(b.count) - 1}
	}
	return Position{Time: b.first, Seq: b.seq}
}

// blockHeap has the block that yields the next event on top.
type blockHeap struct {
	all      []*block
	backward bool
}

var _ heap.Interface = (*blockHeap)(nil)

func (h *blockHeap) Len() int      { return len(h.all) }
func (h *blockHeap) Swap(i, j int) { h.all[i], h.all[j] = h.all[j], h.all[i] }
func (h *blockHeap) Push(x any)    { h.all = append(h.all, x.(*block)) }

func (h *blockHeap) Less(i, j int) bool {
	a, b := h.all[i], h.all[j]
	if h.backward {
		a, b = b, a
	}
	return a.edge(h.backward).before(b.edge(h.backward))
}

func (h *blockHeap) Pop() any {
	last := h.all[len(h.all)-1]
	h.all[len(h.all)-1] = nil
	h.all = h.all[:len(h.all)-1]
	return last
}

// streamHeap has the stream whose next block begins first on top, or last when reading backwards.
type streamHeap struct {
	all      []*source
	backward bool
}

var _ heap.Interface = (*streamHeap)(nil)

func (h *streamHeap) Len() int      { return len(h.all) }
func (h *streamHeap) Swap(i, j int) { h.all[i], h.all[j] = h.all[j], h.all[i] }
func (h *streamHeap) Push(x any)    { h.all = append(h.all, x.(*source)) }

func (h *streamHeap) Less(i, j int) bool {
	if h.backward {
		return h.all[i].next.first > h.all[j].next.first
	}
	return h.all[i].next.first < h.all[j].next.first
}

func (h *streamHeap) Pop() any {
	last := h.all[len(h.all)-1]
	h.all[len(h.all)-1] = nil
	h.all = h.all[:len(h.all)-1]
	return last
}
