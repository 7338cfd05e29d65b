package power

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"longshore/internal/store/engine/pebble"
)

// fuse takes the disk as a power loss leaves it, at one operation of the file system.
type fuse struct {
	left         atomic.Int64
	once         sync.Once
	blown        atomic.Bool
	disk         *vfs.MemFS
	rng          *rand.Rand
	book         *book
	at           string // the file it blew at
	after        *vfs.MemFS
	lower, upper uint64 // what must, and what may, be kept
	crowd        *crowd
	must         []uint64 // what must be kept of the crowd's
}

var _ errorfs.Injector = (*fuse)(nil)

func (f *fuse) String() string { return "fuse" }

// MaybeError burns the fuse; it lets every operation pass.
func (f *fuse) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && f.left.Add(-1) == 0 {
		f.blow(op.Path)
	}
	return nil
}

func (f *fuse) blow(at string) {
	f.once.Do(func() {
		kept := 0
		switch f.rng.IntN(5) {
		case 0:
			kept = 100
		case 1, 2:
			kept = f.rng.IntN(101)
		}
		f.at = at
		f.lower = f.book.acked.Load()
		if f.crowd != nil {
			f.must = f.crowd.counts()
		}
		f.after = f.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: f.rng})
		f.upper = f.book.begun.Load()
		f.blown.Store(true)
	})
}

func newFuse(disk *vfs.MemFS, rng *rand.Rand, b *book) *fuse {
	f := &fuse{disk: disk, rng: rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())), book: b}
	f.left.Store(int64(1 + rng.IntN([]int{40, 250, 800}[rng.IntN(3)])))
	return f
}

// lives is one history: an engine that loses power, comes back on what is left, and loses it again.
func (r *runner) lives(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := newBook()
	f := &fuse{after: vfs.NewCrashableMem()}
	for life := range 2 + rng.IntN(3) {
		f = r.live(rng, seed, life, f, b)
		if f == nil {
			return
		}
	}
	r.settle(seed, f, b)
}

// live is from one power loss to the next.
func (r *runner) live(rng *rand.Rand, seed uint64, life int, before *fuse, b *book) *fuse {
	b.acked.Store(before.lower) // what was acknowledged after the power went was not on this disk
	b.begun.Store(before.upper)
	f := newFuse(before.after, rng, b)
	e, err := open(errorfs.Wrap(f.disk, f), []uint64{8 << 10, 32 << 10, 256 << 10}[rng.IntN(3)])
	if err != nil {
		r.wrong("seed %d life %d: refused after a power loss at %s: %v", seed, life, before.at, err)
		return nil
	}
	inRecovery := f.blown.Load()
	if !r.check(seed, life, e, before, b) {
		return nil
	}
	if inRecovery { // what was found must be found again
		f.lower, f.upper = b.acked.Load(), b.acked.Load()
	}
	for range 10 + rng.IntN(150) {
		if f.blown.Load() {
			break
		}
		batch := b.add(rng, true)
		b.begun.Store(batch.Revision)
		err = e.Commit(context.Background(), batch)
		if err != nil {
			r.wrong("seed %d life %d: commit: %v", seed, life, err)
			return nil
		}
		b.acked.Store(batch.Revision)
	}
	if rng.IntN(3) == 0 {
		f.left.Store(int64(1 + rng.IntN(6))) // in the middle of the end
	}
	err = e.Close()
	if err != nil {
		r.wrong("seed %d life %d: close: %v", seed, life, err)
	}
	f.blow("")
	r.count(func(v *Verdict) {
		v.Crashes++
		v.Batches += len(b.batches)
		if inRecovery {
			v.InRecovery++
		}
		if strings.Contains(f.at, ".sst") || strings.Contains(f.at, "MANIFEST") || strings.Contains(f.at, "marker") {
			v.InTables++
		}
	})
	return f
}

// check compares what came back with what must and may be there, and forgets what did not come back.
func (r *runner) check(seed uint64, life int, e *pebble.Engine, before *fuse, b *book) bool {
	rev, digest, err := b.read(e)
	switch {
	case err != nil:
		r.wrong("seed %d life %d: load after a power loss at %s: %v", seed, life, before.at, err)
	case rev < before.lower || rev > before.upper:
		r.wrong("seed %d life %d: revision %d after a power loss at %s, not %d to %d", seed, life, rev, before.at,
			before.lower, before.upper)
	case digest != b.digest(rev):
		r.wrong("seed %d life %d: after a power loss at %s the records are not those of revision %d", seed, life,
			before.at, rev)
	default:
		b.batches = b.batches[:rev]
		b.begun.Store(rev)
		b.acked.Store(rev)
		return true
	}
	return false
}

// settle is the last return.
func (r *runner) settle(seed uint64, before *fuse, b *book) {
	e, err := open(before.after, 0)
	if err != nil {
		r.wrong("seed %d: refused after a power loss at %s: %v", seed, before.at, err)
		return
	}
	r.check(seed, -1, e, before, b)
	err = e.Close()
	if err != nil {
		r.wrong("seed %d: close: %v", seed, err)
	}
}
