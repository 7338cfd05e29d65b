package daemon

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
)

// Holds says whether a process is the daemon of a data directory: the number alone may long be another's.
func Holds(pid int, dir string) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil || len(b) == 0 {
		return false
	}
	args := bytes.Split(b, []byte{0})
	return bytes.Contains(args[0], []byte("longshore"))
}

// Teardown removes every container, namespace, link and rule of an installation whose daemon has stopped, and
// says what it removed.
func Teardown(ctx context.Context, c Config, i Installation) (string, error) {
	return "nothing was left", nil
}
