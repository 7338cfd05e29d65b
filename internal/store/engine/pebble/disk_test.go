package pebble_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
	"longshore/internal/store/storetest"
)

// deafDisk fails every sync of a log once it is deaf.
type deafDisk struct {
	vfs.FS
	deaf atomic.Bool
}

type deafFile struct {
	vfs.File
	disk *deafDisk
}

func (d *deafDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	if err != nil || !strings.HasSuffix(name, ".log") {
		return f, err
	}
	return &deafFile{f, d}, nil
}

func (d *deafDisk) Unwrap() vfs.FS { return d.FS }

func (f *deafFile) Sync() error     { return f.try(f.File.Sync) }
func (f *deafFile) SyncData() error { return f.try(f.File.SyncData) }
func (f *deafFile) SyncTo(n int64) (bool, error) {
	if f.disk.deaf.Load() {
		return false, errors.New("disk is deaf")
	}
	return f.File.SyncTo(n)
}

func (f *deafFile) try(sync func() error) error {
	if f.disk.deaf.Load() {
		return errors.New("disk is deaf")
	}
	return sync()
}

// BenchmarkDurablePuts is acknowledged Updates of one record each, on the machine's own disk.
func BenchmarkDurablePuts(b *testing.B) {
	for _, writers := range []int{64, 256} {
		b.Run(fmt.Sprint("writers-", writers), func(b *testing.B) {
			s, err := store.Open(b.Context(), open(b, pebble.Config{Dir: b.TempDir()}))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						err := s.Update(b.Context(), func(tx *store.Tx) error {
							tx.Tasks().Put(storetest.Task(int(n), "web"))
							return nil
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
		})
	}
}
