package pebble_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
)

// failing fails the calls that fail says while it is on.
type failing struct {
	on   atomic.Bool
	met  chan struct{} // closed at the first failure
	fail func(errorfs.Op) error
}

func (f *failing) String() string { return "failing" }

func (f *failing) MaybeError(op errorfs.Op) error {
	if !f.on.Load() {
		return nil
	}
	err := f.fail(op)
	if err != nil {
		select {
		case <-f.met:
		default:
			close(f.met)
		}
	}
	return err
}

func put(t *testing.T, e *pebble.Engine, revision int) error {
	return e.Commit(t.Context(), store.Batch{Revision: uint64(revision), Ops: []store.Op{
		{Table: "x", Key: fmt.Sprint(revision), Value: make([]byte, 1000)}}})
}

func TestTheNamesAboveTheDirectorySurviveAPowerLoss(t *testing.T) {
	disk := vfs.NewCrashableMem()
	e := open(t, pebble.Config{Dir: "a/b/c/data", FS: disk})
	defer func() { _ = e.Close() }()
	err := put(t, e, 1)
	if err != nil {
		t.Fatal(err)
	}
	back := open(t, pebble.Config{Dir: "a/b/c/data", FS: disk.CrashClone(vfs.CrashCloneCfg{})})
	defer func() { _ = back.Close() }()
	rev, err := back.Load(t.Context(), func(string, string, []byte) error { return nil })
	if err != nil || rev != 1 {
		t.Errorf("revision %d, %v", rev, err)
	}
}

// The manifest's name must be on disk before that of the marker which says that it counts.
func TestAMarkerNeverOutlivesWhatItMarks(t *testing.T) {
	disk := vfs.NewCrashableMem()
	var lost atomic.Bool
	f := &failing{met: make(chan struct{}), fail: func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.Contains(op.Path, "marker.manifest") {
			names, err := disk.CrashClone(vfs.CrashCloneCfg{}).List("data")
			lost.Store(err != nil || !strings.Contains(strings.Join(names, " "), op.Path[strings.LastIndex(op.Path, "MANIFEST"):]))
		}
		return nil
	}}
	f.on.Store(true)
	e := open(t, pebble.Config{Dir: "data", FS: errorfs.Wrap(disk, f)})
	defer func() { _ = e.Close() }()
	if lost.Load() {
		t.Error("a power loss could keep the marker alone")
	}
}

func TestALogThatCannotBeMadeStopsTheStoreAndNotTheProcess(t *testing.T) {
	for name, fails := range map[string]func(errorfs.Op) bool{
		"create": func(op errorfs.Op) bool {
			return (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite) && strings.HasSuffix(op.Path, ".log")
		},
		"name": func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileSync && op.Path == "data" },
		"manifest": func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpFileSync && strings.Contains(op.Path, "MANIFEST")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &failing{met: make(chan struct{}), fail: func(op errorfs.Op) error {
				if fails(op) {
					return syscall.EIO
				}
				return nil
			}}
			e := open(t, pebble.Config{Dir: "data", FS: errorfs.Wrap(vfs.NewMem(), f), MemTable: 16 << 10})
			f.on.Store(true)
			var err error
			i := 1
			for ; err == nil && i < 1000; i++ {
				err = put(t, e, i)
			}
			if err == nil || !strings.Contains(err.Error(), "input/output error") {
				t.Errorf("commits went on: %v", err)
			}
			f.on.Store(false)
			err = put(t, e, i)
			if err == nil {
				t.Error("a commit after the failure is acknowledged")
			}
			err = e.Close()
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACommitOnADiskThatFillsUpWaitsForRoom(t *testing.T) {
	f := &failing{met: make(chan struct{}), fail: func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite {
			return syscall.ENOSPC
		}
		return nil
	}}
	e := open(t, pebble.Config{Dir: "data", FS: errorfs.Wrap(vfs.NewMem(), f)})
	defer func() { _ = e.Close() }()
	f.on.Store(true)
	done := make(chan error, 1)
	go func() { done <- put(t, e, 1) }()
	<-f.met
	select {
	case err := <-done:
		t.Errorf("a commit without room ended: %v", err)
	default:
	}
	f.on.Store(false)
	err := <-done
	if err != nil || errors.Is(put(t, e, 2), store.ErrNoSpace) {
		t.Errorf("a commit with room again answered %v", err)
	}
}
