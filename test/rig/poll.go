//go:build e2e

package rig

import (
	"context"
	"testing"
	"time"
)

// pollEvery is how often a condition is looked at.
const pollEvery = 50 * time.Millisecond

// Eventually waits until check answers nil; its last answer is the failure's explanation.
func Eventually(t testing.TB, within time.Duration, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	err := Poll(ctx, check)
	if err != nil {
		t.Fatalf("%s: not within %s: %v", what, within, err)
	}
}

// Poll looks until check answers nil or ctx ends; the answer is the last complaint that ctx did not cause.
func Poll(ctx context.Context, check func(context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
	}
}

// Pause lets d pass while ctx lasts; only for rates and random moments, never in the place of a condition.
func Pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
