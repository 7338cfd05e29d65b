package disk

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/sim/dice"
	"longshore/internal/store"
)

func newDisk(seed uint64) *Disk {
	return New(Config{Dice: dice.New(seed), Sync: time.Millisecond, Stall: 50 * time.Millisecond})
}

func one(rev uint64) store.Batch {
	return store.Batch{Revision: rev, Ops: []store.Op{
		{Table: "t", Key: "a", Value: fmt.Append(nil, rev)}, {Table: "t", Key: "b", Value: fmt.Append(nil, rev)}}}
}

// held is what a fresh engine reads: its revision and records.
func held(t *testing.T, d *Disk) (uint64, map[string]string) {
	got := map[string]string{}
	rev, err := d.Open().Load(t.Context(), func(_, key string, value []byte) error {
		got[key] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rev, got
}

func TestWhatWasCommittedOutlivesItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(1)
		e := d.Open()
		began := time.Now()
		err := e.Commit(t.Context(), one(1))
		if err != nil || time.Since(began) < time.Millisecond {
			t.Error(err, time.Since(began))
		}
		d.Crash()
		err = e.Commit(t.Context(), one(2))
		if !errors.Is(err, ErrFenced) {
			t.Error("a crashed server writes:", err)
		}
		rev, got := held(t, d)
		if rev != 1 || got["a"] != "1" || got["b"] != "1" {
			t.Error(rev, got)
		}
	})
}

func TestABatchOnItsWayLandsWholeOrNotAtAll(t *testing.T) {
	seen := map[uint64]int{}
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk(seed)
			e := d.Open()
			done := make(chan error, 1)
			go func() { done <- e.Commit(t.Context(), one(1)) }()
			synctest.Wait()
			d.Crash()
			if err := <-done; !errors.Is(err, ErrFenced) {
				t.Error("a commit under a crash is acknowledged:", err)
			}
			rev, got := held(t, d)
			if len(got) != int(rev)*2 {
				t.Error("half a batch:", rev, got)
			}
			seen[rev]++
		})
	}
	if seen[0] < 5 || seen[1] < 5 {
		t.Error(seen)
	}
}

func TestAFullDiskTakesNothingAndABrokenOneStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, fail := 1.0, 0.0
		d := newDisk(1)
		d.Full, d.Fail = func() float64 { return full }, func() float64 { return fail }
		e := d.Open()
		err := e.Commit(t.Context(), one(1))
		if !errors.Is(err, store.ErrNoSpace) {
			t.Error(err)
		}
		full, fail = 0, 1
		err = e.Commit(t.Context(), one(1))
		if !errors.Is(err, ErrBroken) {
			t.Error(err)
		}
		fail = 0
		err = e.Commit(t.Context(), one(2))
		if !errors.Is(err, ErrFenced) {
			t.Error("a broken engine writes on:", err)
		}
	})
}
