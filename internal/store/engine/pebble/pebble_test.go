package pebble_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
	"longshore/internal/store/storetest"
)

func open(t testing.TB, c pebble.Config) *pebble.Engine {
	t.Helper()
	e, err := pebble.Open(c)
	if err != nil {
		t.Fatalf("open engine: %v", err)
	}
	return e
}

func TestPebbleKeepsThePromisesOfAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Engine {
		return open(t, pebble.Config{Dir: "data", FS: vfs.NewMem()})
	})
}

func TestPebbleKeepsRecordsOverARestart(t *testing.T) {
	storetest.RunDurable(t, func(t *testing.T) func() store.Engine {
		dir := t.TempDir()
		return func() store.Engine { return open(t, pebble.Config{Dir: dir}) }
	})
}

// Every acknowledged write and, of those that were under way, a prefix: whole Updates, none twice, none torn.
func TestAPowerLossKeepsExactlyAnAcknowledgedPrefix(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { powerLoss(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func powerLoss(t *testing.T, rng *rand.Rand) {
	const writers, each = 4, 40
	disk := vfs.NewCrashableMem()
	s := storetest.Open(t, open(t, pebble.Config{Dir: "data", FS: disk, MemTable: 32 << 10}))
	var mu sync.Mutex
	acked := map[string]int{}
	var wg sync.WaitGroup
	cut := rng.IntN(writers * each)
	var after *vfs.MemFS
	var must map[string]int
	total := 0
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				a, b := fmt.Sprintf("w%d-a%03d", w, i), fmt.Sprintf("w%d-b%03d", w, i)
				storetest.Put(t, s, a, b)
				mu.Lock()
				acked[fmt.Sprint("w", w)] = i + 1
				total++
				if total == cut+1 {
					must = map[string]int{}
					for k, v := range acked {
						must[k] = v
					}
					after = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	back := storetest.Open(t, open(t, pebble.Config{Dir: "data", FS: after}))
	have := map[string]bool{}
	for _, n := range storetest.Names(back.View()) {
		have[n] = true
	}
	for w := range writers {
		ended := false
		for i := range each {
			a, b := have[fmt.Sprintf("w%d-a%03d", w, i)], have[fmt.Sprintf("w%d-b%03d", w, i)]
			if a != b {
				t.Errorf("update %d of writer %d is there by half", i, w)
			}
			if !a && i < must[fmt.Sprint("w", w)] {
				t.Errorf("acknowledged update %d of writer %d is lost", i, w)
			}
			if a && ended {
				t.Errorf("update %d of writer %d is there without the one before", i, w)
			}
			ended = ended || !a
		}
	}
}

func TestASecondDaemonOnOneDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	e := open(t, pebble.Config{Dir: dir})
	defer func() { _ = e.Close() }()
	_, err := pebble.Open(pebble.Config{Dir: dir})
	var locked *pebble.LockedError
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("the second open answered %v", err)
	}
}

func TestANewerSchemaIsRefusedBeforeAnythingIsRead(t *testing.T) {
	dir := t.TempDir()
	err := os.WriteFile(filepath.Join(dir, "SCHEMA"), []byte("longshore record store, schema 99\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = pebble.Open(pebble.Config{Dir: dir})
	var newer *pebble.NewerError
	if !errors.As(err, &newer) || newer.Found != 99 {
		t.Errorf("open answered %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) > 2 {
		t.Errorf("open left %v behind, %v", files, err)
	}
}

// A flipped bit in any file that holds records must be named, with its place, and never be read over.
func TestDamageIsNamedWithFileOffsetAndRemedy(t *testing.T) {
	for kind, memTable := range map[string]uint64{".log": 4 << 20, ".sst": 64 << 10, "MANIFEST-": 64 << 10} {
		t.Run(kind, func(t *testing.T) {
			disk := killed(t, memTable)
			if kind == ".sst" { // what was being sorted is finished by the next start
				err := open(t, pebble.Config{Dir: "data", FS: disk}).Close()
				if err != nil {
					t.Fatal(err)
				}
			}
			path := flip(t, disk, kind)
			e, err := pebble.Open(pebble.Config{Dir: "data", FS: disk})
			if err == nil {
				_, err = e.Load(t.Context(), func(string, string, []byte) error { return nil })
				_ = e.Close()
			}
			var corrupt *pebble.CorruptError
			if !errors.As(err, &corrupt) {
				t.Fatalf("open answered %v", err)
			}
			if kind != "MANIFEST-" && corrupt.File != path || !strings.Contains(err.Error(), "backup") {
				t.Errorf("damage in %s is told as %v", path, err)
			}
			if kind == ".log" && corrupt.Offset < 0 {
				t.Errorf("no offset: %v", err)
			}
		})
	}
}

// killed is the disk that a killed daemon leaves: with a small table most records are sorted, with a large one
// all are still in the log.
func killed(t *testing.T, memTable uint64) *vfs.MemFS {
	disk := vfs.NewCrashableMem()
	e := open(t, pebble.Config{Dir: "data", FS: disk, MemTable: memTable})
	defer func() { _ = e.Close() }()
	for i := range 300 {
		value := make([]byte, 1000)
		binary.BigEndian.PutUint64(value, rand.Uint64())
		err := e.Commit(t.Context(), store.Batch{Revision: uint64(i + 1), Ops: []store.Op{
			{Table: "x", Key: fmt.Sprint(i), Value: value}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return disk.CrashClone(vfs.CrashCloneCfg{})
}

// flip damages one byte of the newest file of a kind.
func flip(t *testing.T, disk *vfs.MemFS, kind string) string {
	names, err := disk.List("data")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	path := ""
	for _, n := range names {
		if strings.HasSuffix(n, kind) || strings.HasPrefix(n, kind) {
			path = disk.PathJoin("data", n)
		}
	}
	b, err := disk.UnsafeGetFileDataBuffer(path)
	if err != nil || len(b) < 40 {
		t.Fatalf("read %q: %d bytes, %v", path, len(b), err)
	}
	b[min(100, len(b)/2)] ^= 0x40
	return path
}

func TestAFullDiskFailsOneUpdateAndNotTheStore(t *testing.T) {
	disk := vfs.NewMem()
	s := storetest.Open(t, open(t, pebble.Config{Dir: "data", FS: disk}))
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20})
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		tx.Clusters().Put(storetest.Cluster("a", ""))
		return nil
	})
	if !errors.Is(err, store.ErrNoSpace) {
		t.Errorf("update on a full disk answered %v", err)
	}
	if s.View().Clusters().Len() != 0 {
		t.Error("a failed update is visible")
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30})
	storetest.Put(t, s, "a")
}

func TestAFailedSyncStopsTheStore(t *testing.T) {
	disk := &deafDisk{FS: vfs.NewMem()}
	e := open(t, pebble.Config{Dir: "data", FS: disk})
	s, err := store.Open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, s, "a")
	disk.deaf.Store(true)
	for range 2 {
		err = s.Update(context.Background(), func(tx *store.Tx) error {
			tx.Clusters().Put(storetest.Cluster("b", ""))
			return nil
		})
		if !errors.Is(err, store.ErrStopped) {
			t.Errorf("update on a deaf disk answered %v", err)
		}
	}
	if s.View().Clusters().Len() != 1 {
		t.Error("a write of unknown outcome is visible")
	}
}
