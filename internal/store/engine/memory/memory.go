// Package memory is the engine that keeps nothing: for tests and for throw-away installations.
package memory

import (
	"context"

	"longshore/internal/store"
)

// Engine forgets everything when it is closed. The zero value is ready.
type Engine struct{}

var _ store.Engine = Engine{}

// Load yields nothing.
func (Engine) Load(context.Context, func(string, string, []byte) error) (uint64, error) {
	return 0, nil
}

// Commit has nothing to wait for.
func (Engine) Commit(context.Context, store.Batch) error { return nil }

// Close does nothing.
func (Engine) Close() error { return nil }
