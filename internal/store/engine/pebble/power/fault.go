package power

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"longshore/internal/store/engine/pebble"
)

// sickness makes calls to the file system fail from one on: some of them, or all.
type sickness struct {
	left   atomic.Int64
	kind   string // of file, by a part of its name; "" = any
	sync   bool   // only syncs
	length int64  // how many calls fail
	what   error
	met    atomic.Int64
	cured  atomic.Bool

	metSync atomic.Bool // a sync failed; only that ends what waits for room
}

var _ errorfs.Injector = (*sickness)(nil)

func (s *sickness) String() string { return "sickness" }

// MaybeError fails what the sickness is about.
func (s *sickness) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !strings.Contains(op.Path, s.kind) {
		return nil
	}
	syncs := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
	if s.sync && !syncs {
		return nil
	}
	left := s.left.Add(-1)
	if s.cured.Load() || left > 0 || left <= -s.length {
		return nil
	}
	s.met.Add(1)
	if syncs {
		s.metSync.Store(true)
	}
	return s.what
}

// fault is one history on a disk whose calls fail: what is acknowledged all the same must be there afterwards, and
// after a failed write of the log nothing is acknowledged any more.
func (r *runner) fault(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 4))
	sick := &sickness{
		kind: []string{"", ".log", ".sst", "MANIFEST", "marker"}[rng.IntN(5)], sync: rng.IntN(2) == 0,
		length: []int64{1, 5, 1 << 40}[rng.IntN(3)], what: []error{syscall.EIO, syscall.ENOSPC}[rng.IntN(2)],
	}
	sick.left.Store(int64(1 + rng.IntN(60)))
	disk := vfs.NewCrashableMem()
	e, err := open(errorfs.Wrap(disk, sick), 16<<10)
	if err != nil {
		if sick.met.Load() == 0 {
			r.wrong("fault %d: open: %v", seed, err)
		}
		r.count(func(v *Verdict) { v.Faults++ })
		return // nothing was promised yet
	}
	b := newBook()
	stopped := r.commitAll(rng, seed, e, b, sick)
	left := &fuse{after: disk.CrashClone(vfs.CrashCloneCfg{}), lower: b.acked.Load(), upper: b.begun.Load()}
	_, ended := within(sick, e.Close)
	if !ended {
		r.wrong("fault %d: close hangs", seed)
	}
	r.count(func(v *Verdict) {
		v.Faults++
		if stopped {
			v.Stopped++
		}
	})
	r.settle(seed, left, b)
}

// commitAll commits until the engine stops, and twice more; it says whether it stopped.
func (r *runner) commitAll(rng *rand.Rand, seed uint64, e *pebble.Engine, b *book, sick *sickness) bool {
	for range 120 {
		batch := b.add(rng, false)
		b.begun.Store(batch.Revision)
		err, ended := within(sick, func() error { return e.Commit(context.Background(), batch) })
		if !ended {
			r.wrong("fault %d: a commit hangs: %+v", seed, sick.kind)
			return true
		}
		if err == nil {
			b.acked.Store(batch.Revision)
			continue
		}
		if sick.met.Load() == 0 || sick.what == syscall.ENOSPC && !sick.metSync.Load() {
			r.wrong("fault %d: commit: %v", seed, err)
		}
		for range 2 {
			err = e.Commit(context.Background(), batch)
			if err == nil {
				r.wrong("fault %d: a commit is acknowledged after a failed one", seed)
			}
		}
		return true
	}
	return false
}

// A commit waits while the disk is full, so after illness there is room again; it may then take no longer than
// patience.
const (
	illness  = 300 * time.Millisecond
	patience = 20 * time.Second
)

func within(sick *sickness, do func() error) (error, bool) {
	done := make(chan error, 1)
	go func() { done <- do() }()
	late := time.NewTimer(illness)
	defer late.Stop()
	for range 2 {
		select {
		case err := <-done:
			return err, true
		case <-late.C:
			sick.cured.Store(true)
			late.Reset(patience)
		}
	}
	return nil, false
}
