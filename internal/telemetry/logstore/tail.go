package logstore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// tailBuffer is how many appends a slow reader may lag behind before it loses some.
const tailBuffer = 256

// Tail is a live view of a group: what is appended from now on, pushed, never polled for.
type Tail struct {
	// C delivers the events of one append at a time and is closed when the context ends.
	C <-chan []Record

	c       chan []Record
	group   string
	streams []string
	dropped atomic.Int64
}

// Dropped counts the events that came while the reader was too slow to take them.
func (t *Tail) Dropped() int64 { return t.dropped.Load() }

// Tail follows the named streams of a group, or all of them when none is named, until ctx ends.
func (s *Store) Tail(ctx context.Context, group string, streams ...string) *Tail {
	c := make(chan []Record, tailBuffer)
	t := &Tail{C: c, c: c, group: group, streams: streams}
	s.tails.add(t)
	context.AfterFunc(ctx, func() { s.tails.remove(t) })
	return t
}

type tails struct {
	mu  sync.RWMutex
	all map[*Tail]bool
}

func (ts *tails) add(t *Tail) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.all == nil {
		ts.all = map[*Tail]bool{}
	}
	ts.all[t] = true
}

func (ts *tails) remove(t *Tail) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	delete(ts.all, t)
	close(t.c)
}

// publish never waits: the writer's acknowledgement does not depend on who is watching.
func (ts *tails) publish(stream Stream, events []Event, seq uint64, ingested int64) {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	var records []Record
	for t := range ts.all {
		if t.group != stream.Group || (len(t.streams) > 0 && !slices.Contains(t.streams, stream.Name)) {
			continue
		}
		if records == nil {
			records = asRecords(stream, events, seq, ingested)
		}
		select {
		case t.c <- records:
		default:
			t.dropped.Add(int64(len(records)))
		}
	}
}

func asRecords(stream Stream, events []Event, seq uint64, ingested int64) []Record {
	records := make([]Record, len(events))
	for i, e := range events {
		records[i] = Record{
			Stream: stream.Name, Time: e.Time, Ingested: ingested, Seq: seq + uint64(i), Message: e.Message,
		}
	}
	return records
}
