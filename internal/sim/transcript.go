package sim

import (
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"sync"
	"time"
)

// transcript is what happened, line by line: the last lines, and a hash of all.
type transcript struct {
	began time.Time
	now   func() time.Time
	all   io.Writer // nil = nobody reads every line
	keep  int

	mu    sync.Mutex
	lines []string // a ring once it is full
	next  int
	count int
	sum   hash.Hash64
}

func newTranscript(now func() time.Time, keep int, all io.Writer) *transcript {
	return &transcript{began: now(), now: now, all: all, keep: keep, sum: fnv.New64a()}
}

// say adds a line.
func (t *transcript) say(who, format string, args ...any) {
	line := t.line(who, format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	_, _ = io.WriteString(t.sum, line) // never fails (hash.Hash)
	t.write(line)
}

// aside adds a line that is not part of what must repeat.
func (t *transcript) aside(who, format string, args ...any) {
	line := t.line(who, format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(line)
}

func (t *transcript) line(who, format string, args ...any) string {
	d := t.now().Sub(t.began)
	return fmt.Sprintf("%02d:%09.6f %-9s %s", int(d/time.Minute), (d % time.Minute).Seconds(), who, fmt.Sprintf(format, args...))
}

func (t *transcript) write(line string) {
	if t.all != nil {
		_, _ = fmt.Fprintln(t.all, line) // who stops reading has read enough
	}
	if len(t.lines) < t.keep {
		t.lines = append(t.lines, line)
		return
	}
	t.lines[t.next] = line
	t.next = (t.next + 1) % t.keep
}

// tail is the last lines, oldest first.
func (t *transcript) tail() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append(append([]string(nil), t.lines[t.next:]...), t.lines[:t.next]...)
}

func (t *transcript) digest() (events int, sum string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count, fmt.Sprintf("%016x", t.sum.Sum64())
}
