package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
)

// LockedError says that another daemon has the directory.
type LockedError struct {
	Dir string
	Err error
}

// Error names the remedy.
func (e *LockedError) Error() string {
	return fmt.Sprintf("data directory %s is in use by another longshore (%v): stop that one, or start this one "+
		"with a --data-dir of its own", e.Dir, e.Err)
}

// Unwrap gives the cause.
func (e *LockedError) Unwrap() error { return e.Err }

// CorruptError says which file of the directory does not hold what was written.
type CorruptError struct {
	Dir    string
	File   string // Dir itself when no one file is to blame
	Offset int64  // -1 when the damage has no one place
	Err    error
}

// Error names the place and the remedy.
func (e *CorruptError) Error() string {
	at := ""
	if e.Offset >= 0 {
		at = fmt.Sprintf(" at offset %d", e.Offset)
	}
	return fmt.Sprintf("record store is corrupt: %s%s: %v; nothing was changed: check the disk, then put back a "+
		"backup of %s, or move that directory away to start with an empty store",
		e.File, at, e.Err, e.Dir)
}

// Unwrap gives the cause.
func (e *CorruptError) Unwrap() error { return e.Err }

var (
	fileOf   = regexp.MustCompile(`\b(MANIFEST-\d+|OPTIONS-\d+|\d+\.(?:log|sst|blob))\b`)
	offsetOf = regexp.MustCompile(`(?:\.log: |offset[ =]\(?)(\d+)`)
)

// explain turns Pebble's word of corruption into ours. Pebble tells the place only in its texts.
func explain(dir string, err error) error {
	if err == nil {
		return nil
	}
	if !pebble.IsCorruptionError(err) && !errors.Is(err, fs.ErrNotExist) { // a missing table is damage too
		return fmt.Errorf("open record store in %s: %w", dir, err)
	}
	c := &CorruptError{Dir: dir, File: dir, Offset: -1, Err: err}
	text := fmt.Sprintf("%+v", err)
	m := fileOf.FindStringSubmatch(text)
	if m != nil {
		c.File = filepath.Join(dir, m[1])
	}
	info := pebble.ExtractDataCorruptionInfo(err)
	if info != nil && info.Path != "" {
		c.File = info.Path
	}
	m = offsetOf.FindStringSubmatch(text)
	if m != nil {
		n, numErr := strconv.ParseInt(m[1], 10, 64)
		if numErr == nil {
			c.Offset = n
		}
	}
	return c
}
