package power

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"longshore/internal/store/engine/pebble"
)

const (
	logBytes = 68 << 10 // of log at least, so that 64 KiB can be cut off
	page     = 4 << 10
	memTable = 256 << 10 // nothing leaves the log
)

// log is a disk whose newest records are in one log, and what to expect of it.
type log struct {
	disk   *vfs.MemFS
	path   string
	data   []byte
	ends   []int    // of the log, after each batch
	states []uint64 // digests, by revision
	book   *book
}

// write fills a log.
func writeLog(rng *rand.Rand) (*log, error) {
	l := &log{disk: vfs.NewCrashableMem(), book: newBook()}
	e, err := open(l.disk, memTable)
	if err != nil {
		return nil, err
	}
	records := map[string][]byte{}
	l.states = append(l.states, 0)
	for len(l.data) < logBytes {
		batch := l.book.add(rng, false)
		err = e.Commit(context.Background(), batch)
		if err != nil {
			return nil, err
		}
		l.book.apply(records, batch)
		l.states = append(l.states, l.book.sum(records))
		err = l.look(true)
		if err != nil {
			return nil, err
		}
		l.ends = append(l.ends, len(l.data))
	}
	l.disk = l.disk.CrashClone(vfs.CrashCloneCfg{})
	err = l.look(true)
	return l, errors.Join(err, e.Close())
}

// look reads the newest log, or the one before it.
func (l *log) look(newest bool) error {
	names, err := l.disk.List(dir)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".log") })
	slices.Sort(names)
	at := len(names) - 1
	if !newest {
		at--
	}
	if at < 0 {
		return errors.New("no such log")
	}
	l.path = l.disk.PathJoin(dir, names[at])
	data, err := l.disk.UnsafeGetFileDataBuffer(l.path)
	l.data = slices.Clone(data)
	return err
}

// with is the disk with another content of the log.
func (l *log) with(data []byte) (*vfs.MemFS, error) {
	disk := l.disk.CrashClone(vfs.CrashCloneCfg{})
	f, err := disk.Create(l.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	return disk, errors.Join(err, f.Sync(), f.Close())
}

// kept is how many batches end within the first n bytes.
func (l *log) kept(n int) int {
	i, found := slices.BinarySearch(l.ends, n)
	if found {
		i++
	}
	return i
}

// opened is the revision that a damaged log gives, or a refusal.
func (l *log) opened(data []byte) (rev int, digest uint64, refused error, err error) {
	disk, err := l.with(data)
	if err != nil {
		return 0, 0, nil, err
	}
	e, err := open(disk, memTable)
	if err != nil {
		return 0, 0, err, nil
	}
	got, digest, err := l.book.read(e)
	if err != nil {
		return 0, 0, errors.Join(err, e.Close()), nil
	}
	return int(got), digest, nil, e.Close()
}

// torn damages a log in every way.
func (r *runner) torn(ctx context.Context) {
	rng := rand.New(rand.NewPCG(r.cfg.Seed, 3))
	l, err := writeLog(rng)
	if err != nil {
		r.wrong("write a log: %v", err)
		return
	}
	r.each(ctx, r.cfg.Cuts, func(i int) { r.cut(l, len(l.data)-1-i) })
	places := make([]int, r.cfg.Flips)
	for i := range places {
		places[i] = rng.IntN(len(l.data) * 8)
	}
	r.each(ctx, len(places), func(i int) {
		r.flip(l, places[i])
		r.count(func(v *Verdict) { v.Flips++ })
	})
	from := rng.IntN(len(l.data)*8 - r.cfg.Window)
	r.each(ctx, r.cfg.Window, func(i int) {
		r.flip(l, from+i)
		r.count(func(v *Verdict) { v.Window++ })
	})
	if r.cfg.Flips > 0 {
		r.pages(ctx, l)
		r.older(ctx, rng)
	}
}

// cut tears the log off: what is whole before the tear must be there, and nothing else.
func (r *runner) cut(l *log, at int) {
	rev, digest, refused, err := l.opened(l.data[:at])
	want := l.kept(at)
	switch {
	case err != nil:
		r.wrong("cut at %d: %v", at, err)
	case refused != nil:
		r.judge(l, "cut", at, refused)
	case rev != want || digest != l.states[want]:
		r.wrong("cut at %d: revision %d, not %d", at, rev, want)
	}
	r.count(func(v *Verdict) { v.Cuts++ })
}

// judge wants a refusal that helps.
func (r *runner) judge(l *log, what string, at int, refused error) {
	var corrupt *pebble.CorruptError
	if !errors.As(refused, &corrupt) || corrupt.File != l.path || corrupt.Offset < 0 ||
		!strings.Contains(refused.Error(), "backup") {
		r.wrong("%s at %d of %s: refused without place or remedy: %v", what, at, l.path, refused)
		return
	}
	r.count(func(v *Verdict) { v.Refused++ })
}

func (r *runner) flip(l *log, bit int) {
	data := slices.Clone(l.data)
	data[bit/8] ^= 1 << (bit % 8)
	r.damaged(l, "flip", bit/8, data)
}

// damaged opens a log whose length is right and whose bytes are not. What comes back is everything, or nothing but
// a refusal; only where no batch was begun behind the damage may it be taken for a torn end.
func (r *runner) damaged(l *log, what string, from int, data []byte) {
	rev, digest, refused, err := l.opened(data)
	switch {
	case err != nil:
		r.wrong("%s at %d: %v", what, from, err)
	case refused != nil:
		r.judge(l, what, from, refused)
	case rev == len(l.ends) && digest == l.states[rev]:
		r.count(func(v *Verdict) { v.Whole++ })
	case rev == l.kept(from) && digest == l.states[rev] && l.nothingBehind(rev, data):
		r.count(func(v *Verdict) { v.Shorter++ })
	default:
		r.wrong("%s at %d: opened with revision %d of %d", what, from, rev, len(l.ends))
	}
}

// nothingBehind says whether no whole batch is left, in its place, behind the first that is missing.
func (l *log) nothingBehind(rev int, data []byte) bool {
	for i := rev; i < len(l.ends); i++ {
		from := 0
		if i > 0 {
			from = l.ends[i-1]
		}
		if slices.Equal(data[from:l.ends[i]], l.data[from:l.ends[i]]) {
			return false
		}
	}
	return true
}

// pages zeroes, doubles and swaps whole pages.
func (r *runner) pages(ctx context.Context, l *log) {
	n := len(l.data) / page
	r.each(ctx, n*n, func(i int) {
		a, b := i/n*page, i%n*page
		data := slices.Clone(l.data)
		what := "doubled page"
		switch {
		case a == b:
			what = "zeroed page"
			clear(data[a : a+page])
		case a < b:
			what = "swapped page"
			copy(data[a:], l.data[b:b+page])
			copy(data[b:], l.data[a:a+page])
		default:
			copy(data[a:], l.data[b:b+page])
		}
		r.damaged(l, what, min(a, firstDifference(data, l.data)), data)
		r.count(func(v *Verdict) { v.Pages++ })
	})
}

func firstDifference(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// older damages a log that is not the newest: the one whose records are being sorted.
func (r *runner) older(ctx context.Context, rng *rand.Rand) {
	l, err := twoLogs(rng)
	if err != nil {
		r.wrong("write two logs: %v", err)
		return
	}
	n := min(len(l.data)*8, 4096)
	r.each(ctx, n, func(i int) {
		bit := i * (len(l.data) * 8 / n)
		data := slices.Clone(l.data)
		data[bit/8] ^= 1 << (bit % 8)
		rev, digest, refused, err := l.opened(data)
		switch {
		case err != nil:
			r.wrong("flip in the older log at %d: %v", bit/8, err)
		case refused != nil:
			r.judge(l, "flip in the older log", bit/8, refused)
		case rev != len(l.states)-1 || digest != l.states[rev]:
			r.wrong("flip in the older log at %d: opened with revision %d of %d", bit/8, rev, len(l.states)-1)
		}
		r.count(func(v *Verdict) { v.Older++ })
	})
}

// twoLogs is the disk at the moment when the first table is begun.
func twoLogs(rng *rand.Rand) (*log, error) {
	l := &log{book: newBook()}
	disk := vfs.NewCrashableMem()
	f := &moment{disk: disk, book: l.book}
	e, err := open(errorfs.Wrap(disk, f), 32<<10)
	if err != nil {
		return nil, err
	}
	for f.after.Load() == nil {
		batch := l.book.add(rng, false)
		l.book.begun.Store(batch.Revision)
		err = e.Commit(context.Background(), batch)
		if err != nil {
			return nil, err
		}
		l.book.acked.Store(batch.Revision)
	}
	err = e.Close()
	if err != nil {
		return nil, err
	}
	l.disk = f.after.Load()
	whole, err := open(l.disk.CrashClone(vfs.CrashCloneCfg{}), memTable)
	if err != nil {
		return nil, err
	}
	rev, _, err := l.book.read(whole)
	for i := range rev + 1 {
		l.states = append(l.states, l.book.digest(i))
	}
	return l, errors.Join(err, l.look(false), whole.Close())
}
