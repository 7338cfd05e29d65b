package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"
)

// ErrClosed is what every verb answers after Close.
var ErrClosed = errors.New("log store is closed")

// Config of a Store.
type Config struct {
	// Dir holds the store's files and nothing else; it is made at the first use.
	Dir string
	// FS is the file system under Dir. Nil is the operating system's; tests hand in vfs.NewMem().
	FS vfs.FS
	// Now is the clock that stamps ingestion times. Nil is time.Now.
	Now func() time.Time
	// Log receives what the database complains about. Nil discards it.
	Log *slog.Logger
}

// Store keeps log events.
type Store struct {
	cfg   Config
	tails tails

	mu     sync.RWMutex // held for reading while db is in use, for writing to open and close it
	db     *pebble.DB
	closed bool
	enc    *zstd.Encoder
	dec    *zstd.Decoder

	seq sequence
}

// New prepares a store; nothing is opened until the first use.
func New(cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{cfg: cfg}
}

// Open opens the database now, so that a damaged or unwritable directory is known at the start.
func (s *Store) Open() error {
	release, err := s.use()
	if err != nil {
		return err
	}
	release()
	return nil
}

// Close flushes and closes the files. Verbs that are under way finish first.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	s.dec.Close()
	if err != nil {
		return fmt.Errorf("close log store: %w", err)
	}
	return nil
}

// use opens the database if need be and keeps it open until the returned function is called.
func (s *Store) use() (func(), error) {
	s.mu.RLock()
	if s.db != nil {
		return s.mu.RUnlock, nil
	}
	s.mu.RUnlock()
	err := s.open()
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	if s.db == nil {
		s.mu.RUnlock()
		return nil, ErrClosed
	}
	return s.mu.RUnlock, nil
}

func (s *Store) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.db != nil {
		return nil
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(blockBytes), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return fmt.Errorf("make encoder: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		return fmt.Errorf("make decoder: %w", err)
	}
	db, err := pebble.Open(s.cfg.Dir, s.options())
	if err != nil {
		return fmt.Errorf("open log store %s: %w", s.cfg.Dir, err)
	}
	err = s.seq.load(db)
	if err != nil {
		return errors.Join(fmt.Errorf("open log store %s: %w", s.cfg.Dir, err), db.Close())
	}
	s.db, s.enc, s.dec = db, enc, dec
	return nil
}

// options keep the idle store within a few megabytes: logs are written once and read rarely.
func (s *Store) options() *pebble.Options {
	o := &pebble.Options{
		CacheSize:                   1 << 20,
		FS:                          s.cfg.FS,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      quiet{s.cfg.Log},
		MaxOpenFiles:                64,
		MemTableSize:                2 << 20,
		MemTableStopWritesThreshold: 4,
		Merger:                      infoMerger(),
	}
	o.Experimental.FileCacheShards = 1
	for i := range o.Levels {
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	}
	return o
}

// quiet passes on the database's errors and drops its chatter.
type quiet struct{ log *slog.Logger }

var _ pebble.Logger = quiet{}

func (q quiet) Infof(string, ...any) {}

func (q quiet) Errorf(format string, args ...any) {
	q.log.Error("log store", "op", "pebble", "err", fmt.Sprintf(format, args...))
}

func (q quiet) Fatalf(format string, args ...any) {
	q.Errorf(format, args...)
	panic(fmt.Sprintf(format, args...))
}

// sequence hands out event numbers. The upper end of what may be in use is on disk before any of it is used,
// so that a crash skips numbers and never repeats one.
type sequence struct {
	mu          sync.Mutex
	next, limit uint64
}

const seqReserve = 1 << 20

func (q *sequence) load(db *pebble.DB) error {
	value, closer, err := db.Get([]byte{seqKey})
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read sequence: %w", err)
	}
	defer closer.Close()
	if len(value) != 8 {
		return fmt.Errorf("read sequence: %d bytes instead of 8", len(value))
	}
	q.next = binary.BigEndian.Uint64(value)
	q.limit = q.next
	return nil
}

// take returns the first of n numbers.
func (q *sequence) take(db *pebble.DB, n uint64) (uint64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next+n > q.limit {
		limit := q.next + n + seqReserve
		err := db.Set([]byte{seqKey}, binary.BigEndian.AppendUint64(nil, limit), pebble.Sync)
		if err != nil {
			return 0, fmt.Errorf("reserve sequence: %w", err)
		}
		q.limit = limit
	}
	first := q.next
	q.next += n
	return first, nil
}
