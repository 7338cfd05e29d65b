// Package planted holds the bugs by which the simulation proves itself: realistic mistakes of this class of system, as
// text that replaces some of the product's while a test binary is built. The product's own files never change.
//
// One build carries all of them; which one is awake is told by the name under which the program is started, because a
// simulated process inherits nothing else. Each must be caught by a few seeds of `longshore sim`.
package planted

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Program is the file name of a mutated binary in which the named bug is awake.
func Program(bug string) string { return "longshore." + bug }

// Bug is one mistake.
type Bug struct {
	Name string
	// What goes wrong, in a line.
	What string
	// Hint is the seed that has caught it before; it is tried first.
	Hint uint64
	// Only names the mishaps (comma-separated) among which the mistake matters: others would mend it at once. "" = all.
	Only string
	// Pause is the longest between two calls of a client, where hasty ones would hide it, like "20s". "" = as usual.
	Pause string
	// Memory of each machine in MiB, where room is to be scarce. 0 = as usual.
	Memory int
	Edits  []Edit
}

// Edit replaces a text that occurs exactly once in a file by Go that goes wrong when planted("name").
type Edit struct{ File, Find, Replace string }

// Bugs is all of them.
func Bugs() []Bug {
	return slices.Concat(storeBugs(), apiBugs(), rolloutBugs(), controlBugs(), dispatchBugs(), nodeBugs())
}

// ErrMoved says that the text that a bug replaces is not there any more: the product has changed, and so must the bug.
var ErrMoved = errors.New("the text to replace must occur exactly once")

// Overlay writes mutated copies of the files below root into dir and answers the path of the file that
// `go build -overlay` reads.
func Overlay(root, dir string, bugs []Bug) (string, error) {
	files := map[string]string{}
	for _, b := range bugs {
		for _, e := range b.Edits {
			text, ok := files[e.File]
			if !ok {
				data, err := os.ReadFile(filepath.Join(root, e.File))
				if err != nil {
					return "", fmt.Errorf("plant %s: %w", b.Name, err)
				}
				text = string(data)
			}
			if n := strings.Count(text, e.Find); n != 1 {
				return "", fmt.Errorf("plant %s in %s: %w, not %d times: %q", b.Name, e.File, ErrMoved, n, e.Find)
			}
			files[e.File] = strings.Replace(text, e.Find, e.Replace, 1)
		}
	}
	return write(root, dir, files)
}

// write the copies, and into each of their packages the switch.
func write(root, dir string, files map[string]string) (string, error) {
	replace := map[string]string{}
	put := func(as, text string) error {
		data, err := format.Source([]byte(text))
		if err != nil {
			return fmt.Errorf("plant in %s: %w", as, err)
		}
		path := filepath.Join(dir, strings.ReplaceAll(as, "/", "~"))
		replace[filepath.Join(root, as)] = path
		return os.WriteFile(path, data, 0o600)
	}
	for as, text := range files {
		err := put(as, text)
		if err != nil {
			return "", err
		}
		name := filepath.Dir(as) + "/planted_switch.go"
		err = put(name, fmt.Sprintf(switchText, packageOf(text), Program("")))
		if err != nil {
			return "", err
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, data, 0o600)
}

// switchText is the file that each package with a bug gets.
const switchText = `package %s

import (
	"os"
	"path/filepath"
)

var awake = filepath.Base(os.Args[0])

func planted(name string) bool { return awake == %q+name }
`

func packageOf(text string) string {
	for line := range strings.Lines(text) {
		name, ok := strings.CutPrefix(line, "package ")
		if ok {
			return strings.TrimSpace(name)
		}
	}
	return ""
}
