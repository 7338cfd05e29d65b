package logship

import (
	"context"
	"sync"
	"time"
)

const (
	eventOverhead  = 26 // bytes that the service counts beside a message
	maxBatchBytes  = 1 << 20
	maxBatchEvents = 10_000
	maxBatchSpan   = 24 * time.Hour
)

// queued is an event on its way.
type queued struct {
	Event
	mark  Mark  // what is shipped once this event and all before it are
	lines int64 // how many lines are lost with it
}

func (e queued) size() int { return len(e.Message) + eventOverhead }

// queue holds events between reading and sending, at most so many bytes of messages.
type queue struct {
	max      int
	blocking bool

	mu      sync.Mutex
	events  []queued
	bytes   int
	closed  bool
	dropped int64 // lines lost since they were last told

	changed chan struct{} // an event came, or the end
	room    chan struct{} // events left
}

func newQueue(o options) *queue {
	return &queue{
		max: o.bufferBytes, blocking: o.blocking, changed: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// push adds an event. A full queue drops it, or makes the reader wait in blocking mode.
func (q *queue) push(ctx context.Context, e queued) {
	for {
		q.mu.Lock()
		if len(q.events) == 0 || q.bytes+e.size() <= q.max {
			q.events = append(q.events, e)
			q.bytes += e.size()
			q.mu.Unlock()
			signal(q.changed)
			return
		}
		if !q.blocking {
			q.dropped += e.lines
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		select {
		case <-q.room:
		case <-ctx.Done():
			return
		}
	}
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	signal(q.changed)
}

// wait returns when events are there and either due has passed or no more fit into a batch; false at the end.
func (q *queue) wait(ctx context.Context, due time.Duration) bool {
	timer := time.NewTimer(due)
	defer timer.Stop()
	elapsed := due <= 0
	for {
		q.mu.Lock()
		some, closed := len(q.events) > 0, q.closed
		full := q.bytes >= maxBatchBytes || len(q.events) >= maxBatchEvents
		q.mu.Unlock()
		if some && (elapsed || full || closed) {
			return true
		}
		if closed {
			return false
		}
		select {
		case <-q.changed:
		case <-timer.C:
			elapsed = true
		case <-ctx.Done():
			return false
		}
	}
}

// take removes the next batch.
func (q *queue) take() []queued {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, bytes := 0, 0
	var oldest, newest int64
	for _, e := range q.events {
		if n == 0 {
			oldest, newest = e.Time, e.Time
		}
		oldest, newest = min(oldest, e.Time), max(newest, e.Time)
		if n == maxBatchEvents || n > 0 && (bytes+e.size() > maxBatchBytes ||
			newest-oldest > maxBatchSpan.Milliseconds()) {
			break
		}
		n++
		bytes += e.size()
	}
	batch := append([]queued(nil), q.events[:n]...)
	clear(q.events[:n])
	q.events = q.events[n:]
	if len(q.events) == 0 {
		q.events = nil
	}
	q.bytes -= bytes
	signal(q.room)
	return batch
}

// lost answers the lines dropped since it was last asked.
func (q *queue) lost() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.dropped
	q.dropped = 0
	return n
}

func (q *queue) lose(lines int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped += lines
}

// ended is true when nothing will be pushed any more.
func (q *queue) ended() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
