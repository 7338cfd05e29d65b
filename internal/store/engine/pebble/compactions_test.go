package pebble

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"longshore/internal/store"
)

// work is a Pebble that has so many merges to do.
type work struct {
	waiting int
	handles []pebble.CompactionGrantHandle
}

func (w *work) GetAllowedWithoutPermission() int { return 1 }

func (w *work) GetWaitingCompaction() (bool, pebble.WaitingCompaction) {
	return w.waiting > 0, pebble.WaitingCompaction{}
}

func (w *work) Schedule(h pebble.CompactionGrantHandle) bool {
	w.waiting--
	w.handles = append(w.handles, h)
	return true
}

func (w *work) done() {
	h := w.handles[0]
	w.handles = w.handles[1:]
	h.Done()
}

func TestTablesAreMergedOneByOneAndNoneBeforeTheyAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := &work{waiting: 2}, newCompactions()
		c.Register(1, w)
		if ok, _ := c.TrySchedule(); ok {
			t.Error("a merge may begin before the records are read")
		}
		c.begin()
		c.begin()
		if w.waiting != 1 {
			t.Errorf("%d merges wait after the records were read, want 1", w.waiting)
		}
		if ok, _ := c.TrySchedule(); ok {
			t.Error("a second merge may begin beside the first")
		}
		w.done()
		if w.waiting != 0 {
			t.Error("the end of a merge does not begin the next one")
		}
		w.done()
		ok, h := c.TrySchedule()
		if !ok {
			t.Fatal("nothing may be merged although nothing is")
		}
		w.waiting = 1
		c.Unregister()
		h.Done()
		if w.waiting != 1 {
			t.Error("a merge began after the end")
		}
	})
}

// TestWhatACrashLeftIsMergedAfterItIsRead opens a directory with as many newest tables as make Pebble merge them.
func TestWhatACrashLeftIsMergedAfterItIsRead(t *testing.T) {
	dir := t.TempDir()
	for n := range 6 { // each start sorts what the log held into a table
		e, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		e.merges.closed = true // as if each crashed before
		err = e.Commit(t.Context(), store.Batch{Revision: uint64(n + 1), Ops: []store.Op{
			{Table: "things", Key: fmt.Sprint(n), Value: bytes.Repeat([]byte("x"), 1000)}}})
		if err == nil {
			err = e.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	e, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if m := e.db.Metrics(); m.Compact.Count != 0 || m.Levels[0].TablesCount < 4 {
		t.Fatalf("%d merges before the records are read, %d newest tables", m.Compact.Count, m.Levels[0].TablesCount)
	}
	read := 0
	_, err = e.Load(t.Context(), func(string, string, []byte) error { read++; return nil })
	if err != nil || read != 6 {
		t.Fatal(read, err)
	}
	err = e.db.Compact(t.Context(), []byte("a"), []byte("z"), false) // waits its turn
	if err != nil {
		t.Fatal(err)
	}
	if m := e.db.Metrics(); m.Compact.Count == 0 || m.Levels[0].TablesCount != 0 {
		t.Errorf("%d merges after the records were read, %d newest tables", m.Compact.Count, m.Levels[0].TablesCount)
	}
}

// TestWhoWritesWaitsForNoStartTime writes so much right after a start that Pebble takes no more before a merge.
func TestWhoWritesWaitsForNoStartTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(Config{Dir: "data", FS: vfs.NewMem(), MemTable: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		_, err = e.Load(t.Context(), func(string, string, []byte) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for n := range 100 {
			err = e.Commit(t.Context(), store.Batch{Revision: uint64(n + 1), Ops: []store.Op{
				{Table: "things", Key: fmt.Sprint(n % 7), Value: bytes.Repeat([]byte("x"), 32<<10)}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(begin); d >= startTime {
			t.Errorf("100 writes after a start took %v", d)
		}
		if e.db.Metrics().Compact.Count == 0 {
			t.Error("nothing was merged: the writes were too few to wait for it")
		}
	})
}
