package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// makeDir makes a directory that is still there after a power loss: its name, and those of the directories above
// it, are entries that have to reach the disk like any record. Whoever made those may have left that out.
func makeDir(f vfs.FS, dir string) error {
	err := f.MkdirAll(dir, 0o700)
	if err != nil {
		return err
	}
	for at := f.PathDir(dir); ; at = f.PathDir(at) {
		err = syncDir(f, at)
		if err != nil {
			return fmt.Errorf("sync directory %s: %w", at, err)
		}
		if f.PathDir(at) == at {
			return nil
		}
	}
}

// syncDir leaves out what may not be read, because this user did not make it, and what cannot be synced.
func syncDir(f vfs.FS, dir string) error {
	d, err := f.OpenDir(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
