package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"longshore/internal/sim/replay"
)

// Fleet of seeds, each in a process of its own.
type Fleet struct {
	// Seeds is how many, from First on.
	Seeds int
	First uint64
	// Minutes and Nodes of each, as in Config.
	Minutes, Nodes int
	// Jobs is how many run at the same time, each on a CPU of its own; 0 = 2.
	Jobs int
	// CPU of the first job, counted among those that this process may use.
	CPU int
	// Plain runs the children without control of their runtime.
	Plain bool
	// Path of the program; it is started with SeedArgument and what Child takes.
	Path string
	// Env of the children. It must not change what they do: a seed is replayed with other variables.
	Env []string
	// Commit of the program, for the verdict.
	Commit string
	// Out gets what fails, and the verdict as the last line.
	Out io.Writer
}

// Verdict over a fleet: what scripts read.
type Verdict struct {
	Test       string         `json:"test"`
	Seed       uint64         `json:"seed"`
	Count      int            `json:"count"`
	Violations int            `json:"violations"`
	Failed     []uint64       `json:"failed,omitempty"` // seeds
	Idle       int            `json:"idle"`             // seeds that saw too little
	Minutes    int            `json:"minutes"`
	Nodes      int            `json:"nodes"`
	Events     int            `json:"events"`
	Commits    int            `json:"commits"`
	Calls      int            `json:"calls"`
	Containers int            `json:"containers"`
	Kills      int            `json:"kills"`
	Faults     map[string]int `json:"faults"`
	Settled    float64        `json:"settled"` // worst, seconds from the last fault to rest
	Seconds    float64        `json:"seconds"`
	Exact      bool           `json:"exact"`
	Commit     string         `json:"commit"`
}

// ErrFailed says that a promise was broken, or that there was too little load to tell.
var ErrFailed = errors.New("the simulation found violations or saw too little")

// Run runs every seed and prints the verdict.
func (f Fleet) Run(ctx context.Context) error {
	if f.Jobs < 1 {
		f.Jobs = 2
	}
	v := Verdict{Test: "sim", Seed: f.First, Minutes: f.Minutes, Nodes: f.Nodes, Faults: map[string]int{}, Exact: true,
		Commit: f.Commit}
	began := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan uint64)
	for job := range f.Jobs {
		wg.Go(func() {
			mine := f
			mine.CPU += job
			for seed := range next {
				r, exact, err := mine.One(ctx, seed, nil)
				mu.Lock()
				f.add(&v, seed, r, exact, err)
				mu.Unlock()
			}
		})
	}
	for i := range f.Seeds {
		if ctx.Err() != nil {
			break
		}
		next <- f.First + uint64(i)
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	v.Seconds = time.Since(began).Seconds()
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f.Out, "%s\n", b)
	if err == nil && (v.Violations > 0 || v.Idle > 0 || v.Count < f.Seeds || f.Seeds < 1) {
		err = ErrFailed
	}
	return err
}

func (f Fleet) add(v *Verdict, seed uint64, r Report, exact bool, err error) {
	v.Exact = v.Exact && exact
	if err != nil {
		v.Violations++
		v.Failed = append(v.Failed, seed)
		fmt.Fprintf(f.Out, "seed %d ended badly: %v\n", seed, err)
		return
	}
	v.Count++
	v.Events += r.Events
	v.Commits += r.Commits
	v.Calls += r.Calls
	v.Containers += r.Containers
	v.Kills += r.Kills
	v.Settled = max(v.Settled, r.Settled)
	for k, n := range r.Faults {
		v.Faults[k] += n
	}
	if what := r.Idle(f.Minutes); what != "" {
		v.Idle++
		fmt.Fprintf(f.Out, "seed %d has seen too few %s: %d commits, %d calls, %d kills, %d containers\n", seed, what,
			r.Commits, r.Calls, r.Kills, r.Containers)
	}
	if len(r.Violations) == 0 {
		return
	}
	v.Violations += len(r.Violations)
	v.Failed = append(v.Failed, seed)
	f.tell(r)
}

// tell of a failed seed: what led to its first violation, all violations, and how to see it again.
func (f Fleet) tell(r Report) {
	for _, line := range r.Tail {
		fmt.Fprintln(f.Out, line)
	}
	for _, x := range r.Violations {
		fmt.Fprintf(f.Out, "seed %d at %s: %s: %s\n", r.Seed, x.At, x.Invariant, x.Text)
	}
	fmt.Fprintf(f.Out, "seed %d again: longshore sim --seed %d --minutes %d --nodes %d\n", r.Seed, r.Seed, f.Minutes, f.Nodes)
}

// One seed in a process of its own; every line of its transcript goes to lines, if there is one. exact says that
// the runtime was under control.
func (f Fleet) One(ctx context.Context, seed uint64, lines io.Writer) (Report, bool, error) {
	dir, err := f.dir(seed)
	if err != nil {
		return Report{}, false, err
	}
	defer os.RemoveAll(dir)
	args := []string{SeedArgument, strconv.FormatUint(seed, 10), strconv.Itoa(f.Minutes), strconv.Itoa(f.Nodes), dir}
	var out, errs bytes.Buffer
	to := io.Writer(&out)
	if lines != nil {
		to = io.MultiWriter(&out, lines)
	}
	began := time.Now()
	code, exact, err := f.start(ctx, seed, args, to, &errs)
	if err != nil {
		return Report{}, exact, err
	}
	var r Report
	text := strings.TrimSpace(out.String())
	err = json.Unmarshal([]byte(text[strings.LastIndexByte(text, '\n')+1:]), &r)
	if code != 0 || err != nil {
		return r, exact, fmt.Errorf("status %d, %w: %s", code, err, last(errs.String(), 6000))
	}
	r.Seconds = time.Since(began).Seconds()
	return r, exact, nil
}

func (f Fleet) start(ctx context.Context, seed uint64, args []string, out, errs io.Writer) (int, bool, error) {
	if !f.Plain {
		return replay.Run(ctx, replay.Child{Path: f.Path, Args: args, Env: f.Env, Seed: seed, CPU: f.CPU,
			Stdout: out, Stderr: errs})
	}
	c := exec.CommandContext(ctx, f.Path, args...)
	c.Stdout, c.Stderr, c.Env = out, errs, append(os.Environ(), f.Env...)
	err := c.Run()
	exit := (*exec.ExitError)(nil)
	if errors.As(err, &exit) {
		return exit.ExitCode(), false, nil
	}
	return 0, false, err
}

// dir of a child. Its name is always as long: the length of an argument moves what a process allocates, and with the
// addresses goes the order of maps.
func (f Fleet) dir(seed uint64) (string, error) {
	for try := range 100 {
		dir := filepath.Join(scratch(), fmt.Sprintf("longshore-sim.%010d.%020d.%02d", os.Getpid(), seed, try))
		err := os.Mkdir(dir, 0o700)
		if !errors.Is(err, os.ErrExist) {
			return dir, err
		}
	}
	return "", fmt.Errorf("make a directory for seed %d: all names are taken", seed)
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// scratch is where agents' files cost nothing: in memory, if the machine has such a place.
func scratch() string {
	const shm = "/dev/shm"
	probe, err := os.MkdirTemp(shm, ".probe.*")
	if err != nil {
		return os.TempDir()
	}
	_ = os.Remove(filepath.Clean(probe)) // an empty directory more harms nobody
	return shm
}
