package logstore

import (
	"container/heap"
	"context"

	"github.com/cockroachdb/pebble/v2"
)

// merge walks the blocks of several streams and yields their events in one order.
//
// Two heaps: blocks whose turn may have come, by the position they stand at; and streams, by a bound of what
// their next unread block can hold. A stream's next block joins the first heap when its bound reaches the head.
// Only blocks at the head are unpacked, and one iterator serves all streams.
type merge struct {
	store   *Store
	it      *pebble.Iterator
	q       Query
	blocks  blockHeap
	streams streamHeap
}

// block is read up to pos; events is nil while it is still packed.
type block struct {
	header
	stream *source
	key    []byte
	events []Event
	pos    int
}

// source is one stream: next is the header of its first block that is not in the heap.
type source struct {
	name   string
	prefix []byte
	next   *block
}

func (m *merge) run(ctx context.Context, names []string) (Page, error) {
	m.blocks.backward, m.streams.backward = m.q.Backward, m.q.Backward
	for _, name := range names {
		src := &source{name: name, prefix: streamPrefix(blockKey, m.q.Group, name)}
		err := m.first(src)
		if err != nil {
			return Page{}, err
		}
		if src.next != nil {
			m.streams.all = append(m.streams.all, src)
		}
	}
	heap.Init(&m.streams)
	return m.page(ctx)
}

func (m *merge) page(ctx context.Context) (Page, error) {
	var page Page
	bytes, scanned := 0, 0
	for {
		r, ok, err := m.peek()
		if err != nil || !ok {
			return page, err
		}
		full := m.q.Limit > 0 && len(page.Records) >= m.q.Limit ||
			m.q.MaxScan > 0 && scanned >= m.q.MaxScan
		keep := !full && (m.q.Match == nil || m.q.Match(r.Message))
		size := len(r.Message) + eventOverhead
		if keep && m.q.MaxBytes > 0 && len(page.Records) > 0 && bytes+size > m.q.MaxBytes {
			full = true
		}
		if full {
			page.More = true
			return page, nil
		}
		if keep {
			page.Records = append(page.Records, r)
			bytes += size
		}
		at := r.Position()
		page.Next = &at
		m.step()
		scanned++
		if scanned%1024 == 0 && ctx.Err() != nil {
			return page, ctx.Err()
		}
	}
}

// peek returns the next event in order without taking it.
func (m *merge) peek() (Record, bool, error) {
	for {
		err := m.admit()
		if err != nil {
			return Record{}, false, err
		}
		if len(m.blocks.all) == 0 {
			return Record{}, false, nil
		}
		b := m.blocks.all[0]
		if b.events != nil {
			e := b.events[b.pos]
			return Record{
				Stream: b.stream.name, Time: e.Time, Ingested: b.ingested, Seq: b.seq + uint64(b.pos), Message: e.Message,
			}, true, nil
		}
		err = m.unpack(b)
		if err != nil {
			return Record{}, false, err
		}
	}
}

// admit moves blocks that could come before the head into the heap.
func (m *merge) admit() error {
	for len(m.streams.all) > 0 {
		src := m.streams.all[0]
		if len(m.blocks.all) > 0 && !m.mayPrecede(src.next, m.blocks.all[0]) {
			return nil
		}
		heap.Push(&m.blocks, src.next)
		err := m.advance(src)
		if err != nil {
			return err
		}
		if src.next == nil {
			heap.Pop(&m.streams)
			continue
		}
		heap.Fix(&m.streams, 0)
	}
	return nil
}

// mayPrecede is exact forwards. Backwards, blocks that begin earlier may end later, by a span at most.
func (m *merge) mayPrecede(next, head *block) bool {
	if m.q.Backward {
		return next.first+maxSpan >= head.edge(true).Time
	}
	return next.first <= head.edge(false).Time
}

// step takes the event that peek returned.
func (m *merge) step() {
	b := m.blocks.all[0]
	if m.q.Backward {
		b.pos--
	} else {
		b.pos++
	}
	m.settle(b)
}

// settle restores the heap after the head has moved; a block with nothing left in the query leaves.
func (m *merge) settle(b *block) {
	if b.pos < 0 || b.pos >= len(b.events) || !m.within(b.edge(m.q.Backward)) {
		heap.Pop(&m.blocks)
		return
	}
	heap.Fix(&m.blocks, 0)
}

func (m *merge) within(p Position) bool {
	if p.Time < m.q.Start || p.Time >= m.q.End {
		return false
	}
	if m.q.After == nil {
		return true
	}
	if m.q.Backward {
		return p.before(*m.q.After)
	}
	return m.q.After.before(p)
}

// unpack reads the head's events and stands it at the first one that the query wants.
func (m *merge) unpack(b *block) error {
	if !m.it.SeekGE(b.key) {
		return errDamaged
	}
	value, err := m.it.ValueAndErr()
	if err != nil {
		return err
	}
	h, packed, err := readHeader(m.it.Key(), value)
	if err != nil {
		return err
	}
	b.events, err = unpack(m.store.dec, h, packed)
	if err != nil {
		return err
	}
	step := 1
	if m.q.Backward {
		b.pos, step = len(b.events)-1, -1
	}
	for b.pos >= 0 && b.pos < len(b.events) && !m.within(b.edge(m.q.Backward)) {
		b.pos += step
	}
	m.settle(b)
	return nil
}

// first finds the stream's first block in the direction of the read.
func (m *merge) first(src *source) error {
	if m.q.Backward {
		return m.find(src, m.it.SeekLT(eventKey(src.prefix, m.q.End, 0)))
	}
	start := m.q.Start
	if start > -1<<62 {
		start -= maxSpan
	}
	return m.find(src, m.it.SeekGE(eventKey(src.prefix, start, 0)))
}

// advance finds the block behind src.next.
func (m *merge) advance(src *source) error {
	if m.q.Backward {
		return m.find(src, m.it.SeekLT(src.next.key))
	}
	if !m.it.SeekGE(src.next.key) {
		return errDamaged
	}
	return m.find(src, m.it.Next())
}

// find makes the first block at or behind the iterator that the query can want the stream's next.
func (m *merge) find(src *source, ok bool) error {
	src.next = nil
	for ; ok; ok = m.move() {
		key := m.it.Key()
		if len(key) != len(src.prefix)+16 || string(key[:len(src.prefix)]) != string(src.prefix) {
			return nil
		}
		value, err := m.it.ValueAndErr()
		if err != nil {
			return err
		}
		h, _, err := readHeader(key, value)
		if err != nil {
			return err
		}
		if h.first >= m.q.End || h.first+maxSpan < m.q.Start && m.q.Backward {
			return nil
		}
		if h.last >= m.q.Start {
			src.next = &block{header: h, stream: src, key: append([]byte(nil), key...)}
			return nil
		}
	}
	return m.it.Error()
}

func (m *merge) move() bool {
	if m.q.Backward {
		return m.it.Prev()
	}
	return m.it.Next()
}
