package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"longshore/internal/store"
)

// Key space: records under recordSpace, table, NUL, key; what the engine itself remembers under metaSpace.
const (
	recordSpace = "r"
	recordEnd   = "s"
	revisionKey = "m/revision"
)

// Config of an engine.
type Config struct {
	// Dir is made if it does not exist; nothing else may keep files in it.
	Dir string
	// FS is where Dir is; nil = the machine's own.
	FS vfs.FS
	// Log gets what Pebble has to say; nil = nowhere.
	Log *slog.Logger
	// Reserve is how many bytes of the disk stay free: a commit that would use them fails with
	// store.ErrNoSpace before anything is written. 0 = 32 MiB.
	Reserve uint64
	// MemTable is how many bytes of newest records are held until they are sorted to disk; 0 = 4 MiB.
	MemTable uint64
	// Cache is how many bytes of blocks are kept; records live in the store above, so 0 = 1 MiB is plenty.
	Cache int64
}

// Engine is an open directory.
type Engine struct {
	Config
	db     *pebble.DB
	lock   *pebble.Lock
	cache  *pebble.Cache
	broken error // a failed write: nobody knows what the disk holds
	end    *end
	merges *compactions
	opened atomic.Bool   // until then a full disk is a reason not to start
	closed chan struct{} // by Close
}

var _ store.Engine = (*Engine)(nil)

// Open locks the directory, checks its schema and replays its log.
func Open(c Config) (*Engine, error) {
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Reserve == 0 {
		c.Reserve = 32 << 20
	}
	if c.MemTable == 0 {
		c.MemTable = 4 << 20
	}
	if c.Cache == 0 {
		c.Cache = 1 << 20
	}
	err := makeDir(c.FS, c.Dir)
	if err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	lock, err := pebble.LockDirectory(c.Dir, c.FS)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("open data directory %s: %w", c.Dir, err)
	}
	if err != nil {
		return nil, &LockedError{Dir: c.Dir, Err: err}
	}
	e := &Engine{Config: c, lock: lock, cache: pebble.NewCache(c.Cache), end: &end{told: make(chan struct{})},
		merges: newCompactions(), closed: make(chan struct{})}
	err = e.end.guard(e.open)
	if e.end.err() != nil {
		return nil, err // Pebble stands still with the directory in its hands
	}
	if err != nil {
		e.cache.Unref()
		return nil, errors.Join(err, lock.Close())
	}
	e.opened.Store(true)
	return e, nil
}

func (e *Engine) open() error {
	err := checkSchema(e.FS, e.Dir)
	if err != nil {
		return err
	}
	err = checkTail(e.FS, e.Dir)
	if err != nil {
		return err
	}
	options := &pebble.Options{
		FS:                          e.careful(),
		Lock:                        e.lock,
		Cache:                       e.cache,
		MemTableSize:                e.MemTable,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                100,
		FormatMajorVersion:          pebble.FormatWALSyncChunks, // tells a damaged log from a torn one
		Logger:                      logger{e.Log, e.end},
		EventListener: &pebble.EventListener{
			// Found beside the path of a read, too: Load tells it as an error, so it must not end the process.
			DataCorruption: func(i pebble.DataCorruptionInfo) { e.Log.Error("record store is corrupt", "err", i.String()) },
			// Who writes waits for a merge, now. Pebble calls this with its locks held.
			WriteStallBegin: func(pebble.WriteStallBeginInfo) { go e.merges.begin() },
		},
	}
	options.Experimental.CompactionScheduler = e.merges
	e.db, err = pebble.Open(e.Dir, options)
	if err != nil {
		return explain(e.Dir, err)
	}
	return nil
}

// startTime is how long those who have read the records need the processors for a start.
const startTime = 2 * time.Second

// Load reads every record. No tables are merged before it has and startTime is over, or before a Commit that cannot go on
// without a merge.
func (e *Engine) Load(ctx context.Context, yield func(table, key string, value []byte) error) (uint64, error) {
	defer func() { time.AfterFunc(startTime, e.merges.begin) }()
	rev, err := e.revision()
	if err != nil {
		return 0, explain(e.Dir, err)
	}
	it, err := e.db.NewIterWithContext(ctx, &pebble.IterOptions{
		LowerBound: []byte(recordSpace), UpperBound: []byte(recordEnd)})
	if err != nil {
		return 0, explain(e.Dir, err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		table, key, _ := strings.Cut(string(it.Key()[len(recordSpace):]), "\x00")
		err = yield(table, key, it.Value())
		if err != nil {
			return 0, errors.Join(err, it.Close())
		}
	}
	err = it.Close()
	if err != nil {
		return 0, explain(e.Dir, err)
	}
	return rev, nil
}

func (e *Engine) revision() (uint64, error) {
	v, closer, err := e.db.Get([]byte(revisionKey))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	rev := binary.BigEndian.Uint64(v)
	return rev, closer.Close()
}

// Commit writes the batch with one sync of the log.
func (e *Engine) Commit(_ context.Context, b store.Batch) (err error) {
	if e.broken == nil {
		e.broken = e.end.err() // met beside any Commit, while records were sorted
	}
	if e.broken != nil {
		return e.broken
	}
	defer func() {
		if err != nil && !errors.Is(err, store.ErrNoSpace) {
			e.broken = err
		}
	}()
	w := e.db.NewBatchWithSize(size(b))
	err = fill(w, b)
	if err != nil {
		return fmt.Errorf("encode batch: %w", err)
	}
	err = e.room(w.Len())
	if err != nil {
		return errors.Join(err, w.Close())
	}
	return e.end.guard(func() error { return errors.Join(w.Commit(pebble.Sync), w.Close()) })
}

// size is a little more than what Pebble makes of a batch: one that has to grow is copied each time.
func size(b store.Batch) int {
	const header, perOp = 64, 24 // of the batch and the revision; kind and lengths
	n := header
	for _, op := range b.Ops {
		n += perOp + len(op.Table) + len(op.Key) + len(op.Value)
	}
	return n
}

func fill(w *pebble.Batch, b store.Batch) error {
	for _, op := range b.Ops {
		n := len(recordSpace) + len(op.Table) + 1 + len(op.Key)
		var d *pebble.DeferredBatchOp
		if op.Value == nil {
			d = w.DeleteDeferred(n)
		} else {
			d = w.SetDeferred(n, len(op.Value))
			copy(d.Value, op.Value)
		}
		key := append(d.Key[:0], recordSpace...)
		key = append(append(key, op.Table...), 0)
		_ = append(key, op.Key...) // in place: there is room for it
		err := d.Finish()
		if err != nil {
			return err
		}
	}
	return w.Set([]byte(revisionKey), binary.BigEndian.AppendUint64(nil, b.Revision), nil)
}

// room refuses while the disk is nearly full. Pebble itself cannot go on after a write that found no space,
// so the last of it is never touched: log, tables and manifest still fit while users make room.
func (e *Engine) room(bytes int) error {
	u, err := e.FS.GetDiskUsage(e.Dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask for free disk space: %w", err)
	}
	if u.AvailBytes < e.Reserve+4*uint64(bytes) {
		return fmt.Errorf("%w: %d MiB are free on the disk of %s, %d MiB must stay free",
			store.ErrNoSpace, u.AvailBytes>>20, e.Dir, e.Reserve>>20)
	}
	return nil
}

// Close gives the directory free. After a failed write Pebble is left as it is: its lock ends with the process.
func (e *Engine) Close() error {
	if e.broken != nil || e.end.err() != nil {
		return nil
	}
	close(e.closed)
	err := e.end.guard(e.db.Close)
	if e.end.err() != nil {
		return err
	}
	e.cache.Unref()
	return errors.Join(err, e.lock.Close())
}
