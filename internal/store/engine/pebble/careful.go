package pebble

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// careful is the file system as Pebble may see it. A full disk makes it wait; a log that cannot be written stops it,
// because Pebble itself would end the process, or go on.
type careful struct {
	vfs.FS
	e *Engine
}

func (e *Engine) careful() vfs.FS { return careful{e.FS, e} }

// Unwrap is for Pebble, which looks for the file system below.
func (c careful) Unwrap() vfs.FS { return c.FS }

// Create makes a file. Pebble's markers name the manifest that counts, and Pebble syncs the names of both at once, so
// a power loss could keep the first alone: before a marker, everything made so far is there to stay.
func (c careful) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(c.PathBase(name), "marker.") {
		err := syncDir(c.FS, c.PathDir(name))
		if err != nil {
			return nil, fmt.Errorf("sync directory: %w", err)
		}
	}
	return c.made(name, func() (vfs.File, error) { return c.FS.Create(name, category) })
}

// ReuseForWrite makes a file of an old one.
func (c careful) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return c.made(name, func() (vfs.File, error) { return c.FS.ReuseForWrite(old, name, category) })
}

func (c careful) made(name string, do func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	err := c.patiently(func() error {
		var err error
		f, err = do()
		return err
	})
	log := strings.HasSuffix(name, ".log")
	if err != nil && log {
		c.e.end.stop(fmt.Errorf("make log: %w", err))
	}
	if err != nil {
		return nil, err
	}
	return &carefulFile{f, c, log}, nil
}

// OpenDir opens a directory, whose syncs are those of the names in it: a log without a name is none.
func (c careful) OpenDir(name string) (vfs.File, error) {
	f, err := c.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &carefulFile{f, c, true}, nil
}

// fullFor is between two looks at a disk that is full.
const fullFor = 100 * time.Millisecond

// patiently does something again while the disk is full; that it was full means that it was not done.
func (c careful) patiently(do func() error) error {
	err := do()
	if !errors.Is(err, syscall.ENOSPC) || !c.e.opened.Load() {
		return err
	}
	c.e.Log.Warn("the disk of the record store is full: waiting for room", "err", err)
	tick := time.NewTicker(fullFor)
	defer tick.Stop()
	for errors.Is(err, syscall.ENOSPC) {
		select {
		case <-tick.C:
		case <-c.e.closed:
			return err
		case <-c.e.end.told:
			return err
		}
		err = do()
	}
	return err
}

type carefulFile struct {
	vfs.File
	fs  careful
	log bool // or a directory
}

// Write writes all of p, however long the disk is full meanwhile.
func (f *carefulFile) Write(p []byte) (int, error) {
	done := 0
	err := f.fs.patiently(func() error {
		n, err := f.File.Write(p[done:])
		done += n
		return err
	})
	return done, f.sound("write", err)
}

// Sync is tried once: the kernel may have dropped what it could not write, and would call the second try a success.
func (f *carefulFile) Sync() error { return f.sound("sync", f.File.Sync()) }

// SyncData is like Sync.
func (f *carefulFile) SyncData() error { return f.sound("sync", f.File.SyncData()) }

// SyncTo is like Sync.
func (f *carefulFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.sound("sync", err)
}

// Close may tell of a write that failed late.
func (f *carefulFile) Close() error { return f.sound("close", f.File.Close()) }

// sound stops everything at the first failure of a log.
func (f *carefulFile) sound(what string, err error) error {
	if err != nil && f.log {
		f.fs.e.end.stop(fmt.Errorf("%s log: %w", what, err))
	}
	return err
}
