package loop

import (
	"container/heap"
	"time"
)

// timers is the set of looks that are due later, soonest first.
type timers struct{ h timerHeap }

type timer struct {
	at  time.Time
	key string
}

func (t *timers) push(x timer) { heap.Push(&t.h, x) }

// pop takes out what is due by now.
func (t *timers) pop(now time.Time) []timer {
	var out []timer
	for len(t.h) > 0 && !t.h[0].at.After(now) {
		out = append(out, heap.Pop(&t.h).(timer))
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

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
