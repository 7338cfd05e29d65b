package loop

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimersGiveEveryKeyOnceAtTheTimeThatWasSetLast(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tm := timers{of: map[string]*timer{}}
		start := time.Unix(1_000_000, 0)
		now := start
		naive := map[string]time.Time{}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(r, "key")
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(r, "sleep")) * time.Second)
				got := tm.pop(now)
				slices.Sort(got)
				var want []string
				for k, at := range naive {
					if !at.After(now) {
						want = append(want, k)
					}
				}
				slices.Sort(want)
				if !slices.Equal(got, want) {
					r.Fatalf("popped %v, want %v", got, want)
				}
				maps.DeleteFunc(naive, func(_ string, at time.Time) bool { return !at.After(now) })
			case 1:
				tm.set(key, time.Time{})
				delete(naive, key)
			default:
				at := now.Add(time.Duration(rapid.IntRange(0, 50).Draw(r, "in")) * time.Second)
				tm.set(key, at)
				naive[key] = at
			}
			if len(tm.h) != len(naive) || len(tm.of) != len(naive) {
				r.Fatalf("%d timers for %d keys", len(tm.h), len(naive))
			}
			next := time.Hour
			for _, at := range naive {
				next = min(next, max(at.Sub(now), 0))
			}
			if tm.wait(now) != next {
				r.Fatalf("waits %v, want %v", tm.wait(now), next)
			}
		}
	})
}
