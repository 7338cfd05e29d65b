package power

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"longshore/internal/state"
	"longshore/internal/store"
)

// crowd is several writers of one store, each of which writes pairs of records, one pair an Update.
type crowd struct {
	begun, acked []atomic.Uint64 // pairs, by writer
}

// writers is a history with many Updates under way at once, which the store commits together.
func (r *runner) writers(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	disk := vfs.NewCrashableMem()
	c := &crowd{begun: make([]atomic.Uint64, 2+rng.IntN(6))}
	c.acked = make([]atomic.Uint64, len(c.begun))
	f := newFuse(disk, rng, newBook())
	f.crowd = c
	e, err := open(errorfs.Wrap(disk, f), []uint64{8 << 10, 32 << 10}[rng.IntN(2)])
	if err != nil {
		r.wrong("seed %d: %v", seed, err)
		return
	}
	s, err := store.Open(context.Background(), e)
	if err != nil {
		r.wrong("seed %d: %v", seed, err)
		return
	}
	each := uint64(10 + rng.IntN(30))
	var wg sync.WaitGroup
	for w := range c.begun {
		wg.Go(func() { r.write(seed, s, c, w, each, f) })
	}
	wg.Wait()
	f.blow("")
	err = s.Close()
	if err != nil {
		r.wrong("seed %d: close: %v", seed, err)
	}
	r.count(func(v *Verdict) { v.Crashes++; v.Batches += int(each) * len(c.begun) })
	r.compare(seed, f, c)
}

func (c *crowd) counts() []uint64 {
	out := make([]uint64, len(c.acked))
	for i := range c.acked {
		out[i] = c.acked[i].Load()
	}
	return out
}

func pair(w int, i uint64) (string, string) {
	return fmt.Sprintf("w%d-a%03d", w, i), fmt.Sprintf("w%d-b%03d", w, i)
}

var scope = state.Scope{Account: "000000000000", Region: "us-east-1"}

func (r *runner) write(seed uint64, s *store.Store, c *crowd, w int, each uint64, f *fuse) {
	for i := range each {
		if f.blown.Load() {
			return
		}
		a, b := pair(w, i)
		c.begun[w].Store(i + 1)
		err := s.Update(context.Background(), func(tx *store.Tx) error {
			tx.Clusters().Put(&state.Cluster{Key: state.NewClusterKey(scope, a)})
			tx.Clusters().Put(&state.Cluster{Key: state.NewClusterKey(scope, b)})
			return nil
		})
		if err != nil {
			r.wrong("seed %d: update: %v", seed, err)
			return
		}
		c.acked[w].Store(i + 1)
	}
}

// compare wants of every writer what was acknowledged, and no more than it had begun: whole pairs, none left out.
func (r *runner) compare(seed uint64, f *fuse, c *crowd) {
	have, err := names(f.after)
	if err != nil {
		r.wrong("seed %d: after a power loss at %s: %v", seed, f.at, err)
		return
	}
	for w := range c.begun {
		n := uint64(0)
		for a, b := pair(w, n); have[a] && have[b]; a, b = pair(w, n) {
			delete(have, a)
			delete(have, b)
			n++
		}
		if n < f.must[w] || n > c.begun[w].Load() {
			r.wrong("seed %d: writer %d has %d updates after a power loss at %s, not %d to %d", seed, w, n, f.at, f.must[w],
				c.begun[w].Load())
		}
	}
	if len(have) > 0 {
		r.wrong("seed %d: after a power loss at %s there are halves, or updates without those before: %v", seed, f.at, have)
	}
}

func names(disk *vfs.MemFS) (map[string]bool, error) {
	e, err := open(disk, 0)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(context.Background(), e)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	out := map[string]bool{}
	for c := range s.View().Clusters().All() {
		out[c.Key.Name()] = true
	}
	return out, s.Close()
}
