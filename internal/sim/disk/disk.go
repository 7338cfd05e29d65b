// Package disk is the record store's disk in a simulation: it survives the servers that write to it, one at a time,
// and promises about a batch whose commit did not return no more than a real one does: it is there whole or not at all.
//
// # Concurrency
//
// A Disk is safe for concurrent use; an Engine is used as store.Engine says.
package disk

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"longshore/internal/sim/dice"
	"longshore/internal/store"
)

var (
	// ErrFenced is what an engine gets once its server has crashed.
	ErrFenced = errors.New("server has crashed")
	// ErrBroken is an I/O error: what the disk holds of the batch is not known.
	ErrBroken = errors.New("input/output error")
)

// Config of a disk.
type Config struct {
	Dice *dice.Dice
	// Sync is what a commit takes at least; one in fifty takes Stall.
	Sync, Stall time.Duration
	// Full and Fail are the odds of the moment that a commit finds no space, or breaks; nil = never.
	Full, Fail func() float64
	// Point is told before and after each commit, and may crash the server there. nil = nothing happens.
	Point func(what string)
	// Note is told of each fault, by its kind. nil = nobody is.
	Note func(kind, text string)
}

// Disk holds records durably.
type Disk struct {
	Config
	mu      sync.Mutex
	records map[[2]string][]byte
	rev     uint64
	engine  *Engine // that may write
	commits int
}

// New empty disk.
func New(c Config) *Disk {
	if c.Full == nil {
		c.Full = func() float64 { return 0 }
	}
	if c.Fail == nil {
		c.Fail = func() float64 { return 0 }
	}
	if c.Point == nil {
		c.Point = func(string) {}
	}
	if c.Note == nil {
		c.Note = func(string, string) {}
	}
	return &Disk{Config: c, records: map[[2]string][]byte{}}
}

// Commits that became durable.
func (d *Disk) Commits() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.commits
}

// Held says whether a server has the disk, and may write to it.
func (d *Disk) Held() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.engine != nil
}

// Engine is one server's hold of a disk.
type Engine struct {
	d       *Disk
	pending *store.Batch // being synced
}

var _ store.Engine = (*Engine)(nil)

// Open takes the disk; who had it before is fenced.
func (d *Disk) Open() *Engine {
	d.Crash()
	e := &Engine{d: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.engine = e
	return e
}

// Crash fences the server that has the disk. A batch on its way lands whole or is lost.
func (d *Disk) Crash() {
	d.mu.Lock()
	e := d.engine
	d.engine = nil
	landed := false
	if e != nil && e.pending != nil {
		landed = d.Dice.Chance(0.5)
		if landed {
			d.apply(*e.pending)
		}
		e.pending = nil
		d.mu.Unlock()
		d.Note("torn commit", map[bool]string{true: "it landed", false: "it is lost"}[landed])
		return
	}
	d.mu.Unlock()
}

func (d *Disk) apply(b store.Batch) {
	for _, op := range b.Ops {
		k := [2]string{op.Table, op.Key}
		if op.Value == nil {
			delete(d.records, k)
			continue
		}
		d.records[k] = op.Value
	}
	d.rev = b.Revision
	d.commits++
}

// Load implements store.Engine.
func (e *Engine) Load(_ context.Context, yield func(table, key string, value []byte) error) (uint64, error) {
	d := e.d
	d.mu.Lock()
	records, rev, fenced := maps.Clone(d.records), d.rev, d.engine != e
	d.mu.Unlock()
	if fenced {
		return 0, ErrFenced
	}
	keys := slices.SortedFunc(maps.Keys(records), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, k := range keys {
		err := yield(k[0], k[1], records[k])
		if err != nil {
			return 0, err
		}
	}
	return rev, nil
}

// Commit implements store.Engine: it returns when the batch is durable, a simulated sync later.
func (e *Engine) Commit(_ context.Context, b store.Batch) error {
	d := e.d
	d.Point("commit")
	full, fail := d.Dice.Chance(d.Full()), d.Dice.Chance(d.Fail())
	d.mu.Lock()
	switch {
	case d.engine != e:
		d.mu.Unlock()
		return ErrFenced
	case full:
		d.mu.Unlock()
		d.Note("no space", "")
		return store.ErrNoSpace
	case fail:
		e.pending = &b
		d.mu.Unlock()
		d.Note("write error", "")
		d.Crash() // it landed or not; this engine writes no more
		return ErrBroken
	}
	e.pending = &b
	d.mu.Unlock()
	time.Sleep(d.takes())
	d.mu.Lock()
	if d.engine != e {
		d.mu.Unlock()
		return ErrFenced
	}
	e.pending = nil
	d.apply(b)
	d.mu.Unlock()
	d.Point("committed")
	if e.fenced() {
		return ErrFenced
	}
	return nil
}

func (e *Engine) fenced() bool {
	e.d.mu.Lock()
	defer e.d.mu.Unlock()
	return e.d.engine != e
}

// takes is how long the disk syncs.
func (d *Disk) takes() time.Duration {
	if d.Dice.Chance(0.02) {
		return d.Dice.Between(d.Sync, d.Stall)
	}
	return d.Dice.Between(d.Sync, 2*d.Sync)
}

// Close implements store.Engine.
func (e *Engine) Close() error { return nil }
