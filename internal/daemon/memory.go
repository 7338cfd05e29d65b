package daemon

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"longshore/internal/hugepage"
)

// By Go's default a process holds twice what lives. Records live long, so a daemon with very many of them would
// hold as much garbage again: it may have some, and no more than this.
const (
	garbage      = 192 << 20
	garbageShare = 8   // and one part in so many of what lives
	mostPercent  = 100 // Go's default
	trimEvery    = 10 * time.Second
	whileLoading = 400 // a load makes little garbage: nearly all of what it allocates stays

	largeStore = 2 << 20 // bytes on disk from which on huge pages are worth their waste
	asLoaded   = 12      // how much more than on disk records take in memory, at most
	mostHuge   = 4 << 30
)

// spareLoad lets the records be read with few collections, until trim takes over, and into huge pages: to get fresh memory
// of the kernel 4 KiB at a time is most of the work of a large load.
func spareLoad(records string) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(whileLoading)
	}
	onDisk := sizeOf(records)
	if onDisk >= largeStore {
		hugepage.Ask(int(min(asLoaded*onDisk, mostHuge)))
	}
}

// sizeOf is how many bytes the files of a directory have; what cannot be read counts as nothing.
func sizeOf(dir string) int64 {
	sum := int64(0)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
	}
	return sum
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
