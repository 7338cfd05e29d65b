package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sampleEvery is how often the daemon is looked at.
const sampleEvery = 10 * time.Second

// sample is the daemon at one moment.
type sample struct {
	At          float64 `json:"at"`   // seconds since the churn began
	RSS         float64 `json:"rss"`  // MiB
	Anon        float64 `json:"anon"` // MiB of it that are no pages of files: what the process has made itself
	Heap        float64 `json:"heap"`
	Goroutines  int     `json:"goroutines"`
	Descriptors int     `json:"descriptors"`
	DataMiB     float64 `json:"data"`
	LogKiB      float64 `json:"log"`
	CPU         float64 `json:"cpu"` // seconds since its start
	Live        int     `json:"live"`
	Starts      int     `json:"starts"`
}

// sample looks at the daemon from outside, and asks it what only it knows.
func (i *installation) sample(ctx context.Context, c client) (sample, error) {
	var s sample
	h, err := c.health(ctx)
	if err != nil {
		return s, fmt.Errorf("ask for health: %w", err)
	}
	s.Goroutines, s.Heap = h.Goroutines, float64(h.HeapLive)/(1<<20)
	proc := filepath.Join("/proc", strconv.Itoa(i.cmd.Process.Pid))
	s.RSS, s.Anon, err = resident(proc)
	if err != nil {
		return s, err
	}
	open, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return s, err
	}
	s.Descriptors = len(open)
	s.CPU, err = cpu(proc)
	if err != nil {
		return s, err
	}
	s.DataMiB = size(i.dir) / (1 << 20)
	info, err := os.Stat(i.log)
	if err != nil {
		return s, err
	}
	s.LogKiB = float64(info.Size()) / (1 << 10)
	return s, nil
}

// resident memory in MiB, and the part of it that is not of files.
func resident(proc string) (all, anon float64, err error) {
	text, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "VmRSS:" && f[0] != "RssAnon:" {
			continue
		}
		kib, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			return 0, 0, err
		}
		if f[0] == "VmRSS:" {
			all = kib / 1024
		} else {
			anon = kib / 1024
		}
	}
	return all, anon, nil
}

// cpu seconds that a process has taken, its threads together.
func cpu(proc string) (float64, error) {
	text, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system float64
	_, err = fmt.Sscan(f[11]+" "+f[12], &user, &system)
	return (user + system) / 100, err // clock ticks are hundredths everywhere that Go runs
}

func size(dir string) float64 {
	total := 0.0
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what goes away while we look is no matter
		}
		info, err := d.Info()
		if err == nil {
			total += float64(info.Size())
		}
		return nil
	})
	return total
}

// messages of the daemon's log at a level of warning or above, and how often each was written.
func messages(file string) (lines int, warnings map[string]int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	warnings = map[string]int{}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		lines++
		line := in.Text()
		level, message := field(line, "level="), field(line, "msg=")
		if level != "INFO" && level != "DEBUG" {
			warnings[level+" "+message]++
		}
	}
	return lines, warnings, in.Err()
}

// field of a line of slog's text handler.
func field(line, name string) string {
	_, rest, ok := strings.Cut(line, name)
	if !ok {
		return line // not written by slog: a panic, say
	}
	if !strings.HasPrefix(rest, `"`) {
		word, _, _ := strings.Cut(rest, " ")
		return word
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return rest
	}
	word, _ := strconv.Unquote(quoted) // it is a quoted prefix
	return word
}

// journal appends samples to a file, one JSON object a line.
type journal struct{ f *os.File }

func (j journal) write(s sample) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = j.f.Write(append(line, '\n'))
	return err
}
