package logship

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Mark is how far a container's output is shipped: entries before Time, and the first Count of those at Time.
type Mark struct {
	Time  time.Time `json:"time"`
	Count int       `json:"count"`
}

func (m Mark) before(o Mark) bool {
	return m.Time.Before(o.Time) || m.Time.Equal(o.Time) && m.Count < o.Count
}

// Marks remembers marks over restarts of the agent.
type Marks interface {
	// Load answers the zero Mark for a container that has none.
	Load(containerID string) (Mark, error)
	Save(containerID string, m Mark) error
	Forget(containerID string) error
}

// progress follows entries and knows which of them were seen by an earlier stream.
type progress struct {
	mark  Mark // the newest position
	again int  // entries at mark.Time that this stream repeats
	skip  int  // how many of those are to be skipped
}

func resume(m Mark) progress { return progress{mark: m} }

// since is where the next stream has to begin; that moment's entries come again.
func (p *progress) since() time.Time { return p.mark.Time }

// rewind prepares for a stream that begins at since.
func (p *progress) rewind() { p.again, p.skip = 0, p.mark.Count }

// advance says whether the entry is new, and counts it.
func (p *progress) advance(at time.Time) bool {
	if at.Before(p.mark.Time) {
		// The two channels of a container may be stamped a moment out of order within one stream; what lies
		// before a new stream's beginning was asked for by nobody.
		return p.again >= p.skip
	}
	if !at.Equal(p.mark.Time) {
		p.mark = Mark{Time: at, Count: 1}
		p.skip = 0
		return true
	}
	if p.again < p.skip {
		p.again++
		return false
	}
	p.mark.Count++
	return true
}

// Dir keeps one small file per container.
type Dir string

var _ Marks = Dir("")

func (d Dir) path(containerID string) string {
	return filepath.Join(string(d), filepath.Base(containerID)+".json")
}

// Load reads a mark.
func (d Dir) Load(containerID string) (Mark, error) {
	var m Mark
	b, err := os.ReadFile(d.path(containerID))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("read log mark: %w", err)
	}
	err = json.Unmarshal(b, &m)
	if err != nil {
		return Mark{}, fmt.Errorf("read log mark %s: %w", d.path(containerID), err)
	}
	return m, nil
}

// Save replaces the mark in one step. It does not wait for the disk: after a crash of the machine no container is
// left to be followed.
func (d Dir) Save(containerID string, m Mark) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write log mark: %w", err)
	}
	err = os.MkdirAll(string(d), 0o700)
	if err != nil {
		return fmt.Errorf("write log mark: %w", err)
	}
	tmp := d.path(containerID) + ".new"
	err = os.WriteFile(tmp, b, 0o600)
	if err != nil {
		return fmt.Errorf("write log mark: %w", err)
	}
	err = os.Rename(tmp, d.path(containerID))
	if err != nil {
		return fmt.Errorf("write log mark: %w", err)
	}
	return nil
}

// Forget removes the mark of a container.
func (d Dir) Forget(containerID string) error {
	err := os.Remove(d.path(containerID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove log mark: %w", err)
	}
	return nil
}

// Prune removes the marks of containers that are not kept.
func (d Dir) Prune(keep func(containerID string) bool) error {
	files, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list log marks: %w", err)
	}
	for _, f := range files {
		id := f.Name()[:len(f.Name())-len(filepath.Ext(f.Name()))]
		if keep(id) {
			continue
		}
		err = os.Remove(filepath.Join(string(d), f.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove log mark: %w", err)
		}
	}
	return nil
}

// nothing remembers nothing.
type nothing struct{}

var _ Marks = nothing{}

func (nothing) Load(string) (Mark, error) { return Mark{}, nil }
func (nothing) Save(string, Mark) error   { return nil }
func (nothing) Forget(string) error       { return nil }
