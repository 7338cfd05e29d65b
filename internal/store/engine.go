package store

import (
	"context"
	"errors"
)

// Engine keeps encoded records durably. Commit is called by one goroutine at a time, and Load never beside
// it. A revision is always greater than the last committed one; that of a failed batch may come again.
type Engine interface {
	// Load yields every live record and answers the last committed revision (0 for an empty engine). A value
	// is only valid while yield runs. After ErrConflict it is called once more.
	Load(ctx context.Context, yield func(table, key string, value []byte) error) (revision uint64, err error)
	// Commit applies the batch atomically and returns once it would survive a power loss. ErrConflict asks
	// the store to load again and run the closures again; any other error stops the store for good, because
	// after a failed fsync nobody knows what the disk holds.
	Commit(ctx context.Context, b Batch) error
	Close() error
}

// Batch is what one group commit writes. Base is the revision that its closures saw: a shared engine refuses
// with ErrConflict what is not based on its newest one.
type Batch struct {
	Base     uint64
	Revision uint64
	Ops      []Op
}

// Op sets or, with a nil Value, deletes one record.
type Op struct {
	Table, Key string
	Value      []byte
}

var (
	// ErrConflict is an engine's word for "another server wrote first".
	ErrConflict = errors.New("write conflict")
	// ErrNoSpace is an engine's word for "nothing was written, the disk is full": the Update fails, later
	// ones may pass.
	ErrNoSpace = errors.New("no space left for the record store")
	// ErrStopped is returned by every Update after the engine failed.
	ErrStopped = errors.New("record store stopped after a failed write")
	// ErrClosed is returned by every Update after Close.
	ErrClosed = errors.New("record store is closed")
)
