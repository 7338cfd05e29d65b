package loop

import (
	"container/heap"
	"time"
)

// timers is the set of looks that are due later, soonest first. A key has one at most, however often it is
// looked at before: far deadlines of busy keys must not pile up.
type timers struct {
	h  timerHeap
	of map[string]*timer
}

type timer struct {
	at  time.Time
	key string
	pos int // in the heap
}

// set makes at the one time when key is due; the zero time takes it away.
func (t *timers) set(key string, at time.Time) {
	x := t.of[key]
	switch {
	case x == nil && at.IsZero():
	case x == nil:
		x = &timer{at: at, key: key}
		t.of[key] = x
		heap.Push(&t.h, x)
	case at.IsZero():
		delete(t.of, key)
		heap.Remove(&t.h, x.pos)
	default:
		x.at = at
		heap.Fix(&t.h, x.pos)
	}
}

// pop takes out the keys that are due by now.
func (t *timers) pop(now time.Time) []string {
	var out []string
	for len(t.h) > 0 && !t.h[0].at.After(now) {
		x := heap.Pop(&t.h).(*timer)
		delete(t.of, x.key)
		out = append(out, x.key)
	}
	return out
}

// wait is how long nothing is due: an hour at the most, so that a jump of the clock is noticed.
func (t *timers) wait(now time.Time) time.Duration {
	if len(t.h) == 0 {
		return time.Hour
	}
	return min(max(t.h[0].at.Sub(now), 0), time.Hour)
}

type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.pos = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return x
}
