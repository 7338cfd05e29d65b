package daemon

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"time"
)

// By Go's default a process holds twice what lives. Records live long, so a daemon with very many of them would
// hold as much garbage again: it may have some, and no more than this.
const (
	garbage      = 192 << 20
	garbageShare = 8   // and one part in so many of what lives
	mostPercent  = 100 // Go's default
	trimEvery    = 10 * time.Second
	whileLoading = 7 << 28 // the heap that garbage of a load may fill
)

// trimLoad bounds the garbage of reading the records, until trim takes over.
func trimLoad() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(whileLoading)
	}
}

// gcPercent is how much garbage, in percent of what lives, may gather before it is collected.
func gcPercent(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	return int(min(mostPercent, (garbage+live/garbageShare)*100/live))
}

// trim keeps the share of garbage to what the live heap asks for, unless the environment has a word on it.
func (d *Daemon) trim(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return ctx.Err()
	}
	set := gcPercent(heapLive())
	debug.SetGCPercent(set)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64)
	}
	t := time.NewTicker(trimEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		want := gcPercent(heapLive())
		if want != set { // setting it stops the world for a moment
			debug.SetGCPercent(want)
			set = want
		}
	}
}
