//go:build docker

package pebble_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
	"longshore/internal/store/storetest"
)

// smallDisk mounts 64 MiB of memory, which needs root.
func smallDisk(t *testing.T) string {
	dir := t.TempDir()
	err := syscall.Mount("longshore-test", dir, "tmpfs", 0, "size=64m")
	if err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		err := syscall.Unmount(dir, syscall.MNT_DETACH)
		if err != nil {
			t.Error(err)
		}
	})
	return dir
}

// hog takes the room there is on the disk, but for left bytes.
func hog(t *testing.T, dir string, left int64) (free func()) {
	path := filepath.Join(dir, "hog")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Truncate(info.Size() - left)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		err := errors.Join(f.Close(), os.Remove(path))
		if err != nil {
			t.Fatal(err)
		}
	}
}

func putOne(ctx context.Context, s *store.Store, i int) error {
	return s.Update(ctx, func(tx *store.Tx) error {
		c := storetest.Cluster(fmt.Sprintf("c%06d", i), "ACTIVE")
		noise := make([]byte, 1000) // sorting must not make it smaller
		_, _ = rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(i >> 16)}).Read(noise)
		c.Tags = state.Tags{"a": string(noise)}
		tx.Clusters().Put(c)
		return nil
	})
}

// The disk fills up again and again while the store is written to, with and without a reserve that refuses first.
// Nothing that was not written is acknowledged, reads go on, and writes pass again once there is room, in the same
// process.
func TestAFullDiskIsOutlivedWithoutARestart(t *testing.T) {
	for name, mode := range map[string]struct {
		reserve uint64
		left    int64 // bytes, once more each round: where the disk fills up depends on what is sorted just then
	}{"refused": {0, 0}, "met while sorting": {1, 40 << 10}} {
		t.Run(name, func(t *testing.T) {
			dir := smallDisk(t)
			var said bytes.Buffer
			c := pebble.Config{
				Dir: filepath.Join(dir, "records"), Reserve: mode.reserve, MemTable: 256 << 10,
				Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn})),
			}
			s, err := store.Open(t.Context(), open(t, c))
			if err != nil {
				t.Fatal(err)
			}
			acked, refused := map[int]bool{}, 0
			next := 0
			for round := range 10 {
				for range 50 {
					err = putOne(t.Context(), s, next)
					if err != nil {
						t.Fatalf("with room: %v", err)
					}
					acked[next] = true
					next++
				}
				free := hog(t, dir, mode.left*int64(round+1))
				from := next
				answers := make(chan int, 400)
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					for i := from; i < from+400; i++ {
						err := putOne(context.Background(), s, i)
						switch {
						case err == nil:
							answers <- i
						case !errors.Is(err, store.ErrNoSpace):
							t.Errorf("on a full disk: %v", err)
							return
						}
					}
				}()
				select {
				case <-ended:
				case <-time.After(300 * time.Millisecond): // it waits for room
				}
				if s.View().Clusters().Len() < len(acked) {
					t.Errorf("%d of %d acknowledged records can be read", s.View().Clusters().Len(), len(acked))
				}
				free()
				<-ended
				close(answers)
				got := 0
				for i := range answers {
					acked[i] = true
					got++
				}
				refused += 400 - got
				next = from + 400
			}
			if name == "refused" && refused < 10*400 {
				t.Errorf("only %d of %d were refused", refused, 10*400)
			}
			compareAfterRestart(t, s, c, acked)
			if name != "refused" && !strings.Contains(said.String(), "waiting for room") {
				t.Error("the disk was never full in the middle")
			}
		})
	}
}

func compareAfterRestart(t *testing.T, s *store.Store, c pebble.Config, acked map[int]bool) {
	t.Helper()
	err := s.Close()
	if err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(t.Context(), open(t, c))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	have := map[string]bool{}
	for _, n := range storetest.Names(s.View()) {
		have[n] = true
	}
	for i := range acked {
		if !have[fmt.Sprintf("c%06d", i)] {
			t.Errorf("acknowledged record %d is lost", i)
		}
	}
	if len(have) != len(acked) {
		t.Errorf("%d records are there, %d were acknowledged", len(have), len(acked))
	}
}
