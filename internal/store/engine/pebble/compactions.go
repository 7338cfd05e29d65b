package pebble

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// compactions lets tables be merged, as a rule one merge at a time, and none before begin: a start that has records to read needs
// the processors itself, and after a crash there is often something to merge.
//
// Pebble may call TrySchedule with its own locks held, so nothing here calls Pebble with mu held.
type compactions struct {
	db pebble.DBForCompaction

	mu       sync.Mutex
	begun    bool
	closed   bool
	running  int  // a merge may be done before it is counted, so this may be -1 for a moment
	granting bool // somebody asks Pebble for work
	granted  sync.Cond
}

var (
	_ pebble.CompactionScheduler   = (*compactions)(nil)
	_ pebble.CompactionGrantHandle = (*compactions)(nil)
)

func newCompactions() *compactions {
	c := &compactions{}
	c.granted.L = &c.mu
	return c
}

// begin allows merges from now on; to call it again does nothing.
func (c *compactions) begin() {
	c.mu.Lock()
	again := c.begun
	c.begun = true
	c.mu.Unlock()
	if !again {
		c.grant()
	}
}

// grant starts a merge if there is need of one and none runs.
func (c *compactions) grant() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.granting {
		c.granted.Wait()
	}
	if !c.may() {
		return
	}
	c.granting = true
	c.mu.Unlock()
	waiting, _ := c.db.GetWaitingCompaction()
	began := waiting && c.db.Schedule(c)
	c.mu.Lock()
	if began {
		c.running++
	}
	c.granting = false
	c.granted.Broadcast()
}

func (c *compactions) may() bool { return c.begun && !c.closed && c.running <= 0 }

// Register implements pebble.CompactionScheduler.
func (c *compactions) Register(_ int, db pebble.DBForCompaction) { c.db = db }

// Unregister implements pebble.CompactionScheduler: Pebble is not called any more when it returns.
func (c *compactions) Unregister() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.granting {
		c.granted.Wait()
	}
}

// TrySchedule implements pebble.CompactionScheduler.
func (c *compactions) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.may() {
		return false, nil
	}
	c.running++
	return true, c
}

// UpdateGetAllowedWithoutPermission implements pebble.CompactionScheduler: it is always one.
func (c *compactions) UpdateGetAllowedWithoutPermission() {}

// Started implements pebble.CompactionGrantHandle.
func (c *compactions) Started() {}

// MeasureCPU implements pebble.CompactionGrantHandle.
func (c *compactions) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats implements pebble.CompactionGrantHandle.
func (c *compactions) CumulativeStats(pebble.CompactionGrantHandleStats) {}

// Done implements pebble.CompactionGrantHandle.
func (c *compactions) Done() {
	c.mu.Lock()
	c.running--
	c.mu.Unlock()
	c.grant()
}
