package pebble_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
)

// Any byte of any acknowledged commit but the last may rot, after a crash and after a clean end: the store must
// never open without it.
func TestNoByteOfTheLogMayRotUnnoticed(t *testing.T) {
	const commits = 40
	for _, clean := range []bool{false, true} {
		disk := vfs.NewCrashableMem()
		e := open(t, pebble.Config{Dir: "data", FS: disk})
		for i := range commits {
			err := e.Commit(t.Context(), store.Batch{Revision: uint64(i + 1), Ops: []store.Op{
				{Table: "x", Key: fmt.Sprint(i), Value: []byte(strings.Repeat("v", 10+i))}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		if clean {
			err := e.Close()
			if err != nil {
				t.Fatal(err)
			}
		}
		left := disk.CrashClone(vfs.CrashCloneCfg{})
		for at := 0; ; at += 37 {
			rotten := left.CrashClone(vfs.CrashCloneCfg{})
			if !rot(t, rotten, at) {
				break
			}
			n, err := reopened(t, rotten)
			var corrupt *pebble.CorruptError
			if err == nil && n < commits-1 || err != nil && !errors.As(err, &corrupt) {
				t.Errorf("clean end %t, byte %d: %d of %d commits are there, %v", clean, at, n, commits, err)
			}
		}
		if !clean {
			_ = e.Close()
		}
	}
}

// rot flips a bit of the newest log; it is false behind the end.
func rot(t *testing.T, disk *vfs.MemFS, at int) bool {
	names, err := disk.List("data")
	if err != nil {
		t.Fatal(err)
	}
	path := ""
	for _, n := range names {
		if strings.HasSuffix(n, ".log") && n > path {
			path = n
		}
	}
	b, err := disk.UnsafeGetFileDataBuffer("data/" + path)
	if err != nil {
		t.Fatal(err)
	}
	if at >= len(b) {
		return false
	}
	b[at] ^= 0x10
	return true
}

func reopened(t *testing.T, disk *vfs.MemFS) (int, error) {
	e, err := pebble.Open(pebble.Config{Dir: "data", FS: disk})
	if err != nil {
		return 0, err
	}
	n := 0
	_, err = e.Load(t.Context(), func(string, string, []byte) error { n++; return nil })
	return n, errors.Join(err, e.Close())
}
