package pebble

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// schemaVersion grows when an older Longshore could misread what this one writes. 1: records are CBOR. 2: records
// are as package record writes them; those of 1 are read, and stay as they are until they change.
const schemaVersion = 2

const schemaPrefix = "longshore record store, schema "

// NewerError says that a newer Longshore wrote the directory.
type NewerError struct {
	Dir         string
	Found, Know int
}

// Error names the remedy.
func (e *NewerError) Error() string {
	return fmt.Sprintf("data directory %s has schema %d, this longshore knows up to %d: start the newer longshore "+
		"that wrote it, or give another --data-dir", e.Dir, e.Found, e.Know)
}

// checkSchema reads the version before anything else is read, and writes it into a directory that is new or older.
func checkSchema(f vfs.FS, dir string) error {
	path := f.PathJoin(dir, "SCHEMA")
	text, err := readFile(f, path)
	if errors.Is(err, fs.ErrNotExist) {
		return writeSchema(f, dir, path)
	}
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	number, ok := strings.CutPrefix(strings.TrimSpace(text), schemaPrefix)
	found, err := strconv.Atoi(number)
	if !ok || err != nil {
		return &CorruptError{Dir: dir, File: path, Offset: 0, Err: fmt.Errorf("not a schema version: %q", text)}
	}
	if found > schemaVersion {
		return &NewerError{Dir: dir, Found: found, Know: schemaVersion}
	}
	if found < schemaVersion { // before the first record that an older one could not read
		return writeSchema(f, dir, path)
	}
	return nil
}

func readFile(f vfs.FS, path string) (string, error) {
	h, err := f.Open(path)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(h, 1024))
	return string(b), errors.Join(err, h.Close())
}

// writeSchema replaces the file as a whole: a crash leaves either none or a good one.
func writeSchema(f vfs.FS, dir, path string) error {
	h, err := f.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("write schema version: %w", err)
	}
	_, err = fmt.Fprintf(h, "%s%d\n", schemaPrefix, schemaVersion)
	err = errors.Join(err, h.Sync(), h.Close())
	if err != nil {
		return fmt.Errorf("write schema version: %w", err)
	}
	err = f.Rename(path+".new", path)
	if err != nil {
		return fmt.Errorf("write schema version: %w", err)
	}
	d, err := f.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("write schema version: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
