// Command cmd plants each bug of package planted into a build of longshore, one at a time, and promises to say which
// of them the simulation catches, and by which seed.
//
// A seed proves something only if it finds nothing with no bug awake: each that caught one is run so, too. The last line
// is one JSON object; the status is 0 only if all of those were clean, no more than one bug went uncaught and there were
// thirty.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"longshore/internal/sim/planted"
)

// enough bugs to speak of, of which so many may go uncaught.
const enough, forgiven = 30, 1

type options struct {
	seeds, jobs, minutes int
	only, binary, build  string
}

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 6, "seeds to try for each bug at the most")
	flag.IntVar(&o.jobs, "jobs", 2, "bugs at the same time")
	flag.IntVar(&o.minutes, "minutes", 6, "simulated minutes of a seed")
	flag.StringVar(&o.only, "only", "", "comma-separated names; all others stay asleep")
	flag.StringVar(&o.binary, "binary", "", "a mutated binary that was built before")
	flag.StringVar(&o.build, "build", "", "an empty directory: build the mutated binary there and do no more")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := prove(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// caught says what became of one bug.
type caught struct {
	planted.Bug
	seed      uint64 // that caught it; 0 = none
	tried     int
	invariant string
	text      string
	took      time.Duration
	err       error
}

// verdict is what scripts read.
type verdict struct {
	Test       string   `json:"test"`
	Seed       uint64   `json:"seed"`
	Count      int      `json:"count"`
	Caught     int      `json:"caught"`
	Violations int      `json:"violations"`
	Uncaught   []string `json:"uncaught,omitempty"`
	Sound      bool     `json:"sound"`           // with no bug awake, the same seeds find nothing
	Clean      []uint64 `json:"clean"`           // those seeds
	False      []uint64 `json:"false,omitempty"` // those of them that found something all the same
	Seeds      int      `json:"seeds"`           // run in all
	Minutes    int      `json:"minutes"`
	Seconds    float64  `json:"seconds"`
	Commit     string   `json:"commit"`
}

func prove(ctx context.Context, o options, out io.Writer) (bool, error) {
	began := time.Now()
	root, err := filepath.Abs(".")
	if err != nil {
		return false, err
	}
	bugs := planted.Bugs()
	if o.build != "" {
		return true, build(ctx, root, o.build, filepath.Join(o.build, "longshore"), bugs)
	}
	if o.binary == "" {
		dir, err := os.MkdirTemp("", "longshore-planted.*")
		if err != nil {
			return false, err
		}
		defer os.RemoveAll(dir)
		o.binary = filepath.Join(dir, "longshore")
		err = build(ctx, root, dir, o.binary, bugs)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(out, "built with %d bugs in %.0f s\n", len(bugs), time.Since(began).Seconds())
	}
	if o.only != "" {
		names := strings.Split(o.only, ",")
		bugs = slices.DeleteFunc(bugs, func(b planted.Bug) bool { return !slices.Contains(names, b.Name) })
	}
	v := verdict{Test: "planted", Seed: 1, Count: len(bugs), Minutes: o.minutes, Commit: commit(ctx, root)}
	results := huntAll(ctx, o, bugs, out)
	for _, c := range huntAll(ctx, o, asleep(results), out) {
		v.Seeds += c.tried
		v.Clean = append(v.Clean, c.Hint)
		if c.seed != 0 || c.err != nil || c.tried == 0 {
			v.False = append(v.False, c.Hint)
		}
	}
	v.Sound = len(v.False) == 0
	for _, c := range results {
		v.Seeds += c.tried
		if c.seed != 0 && !slices.Contains(v.False, c.seed) {
			v.Caught++
			continue
		}
		v.Uncaught = append(v.Uncaught, c.Name)
	}
	v.Violations = v.Count - v.Caught
	v.Seconds = time.Since(began).Seconds()
	data, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(out, "%s\n", data)
	return v.Sound && v.Violations <= forgiven && (v.Count >= enough || o.only != ""), ctx.Err()
}

// build the mutated binary.
func build(ctx context.Context, root, dir, binary string, bugs []planted.Bug) error {
	overlay, err := planted.Overlay(root, dir, bugs)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, "./cmd/longshore")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stderr, os.Stderr
	err = cmd.Run()
	if err != nil {
		return fmt.Errorf("build the mutated binary: %w", err)
	}
	return nil
}

func commit(ctx context.Context, root string) string {
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "HEAD")
	cmd.Dir = root
	text, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// huntAll hunts for some bugs at a time and tells of each as it is caught.
func huntAll(ctx context.Context, o options, bugs []planted.Bug, out io.Writer) []caught {
	results := make([]caught, len(bugs))
	next := make(chan int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for job := range o.jobs {
		wg.Go(func() {
			for i := range next {
				c := hunt(ctx, o, bugs[i], job)
				mu.Lock()
				results[i] = c
				report(out, c)
				mu.Unlock()
			}
		})
	}
	for i := range bugs {
		next <- i
	}
	close(next)
	wg.Wait()
	return results
}

// asleep is every seed that caught something, to be run with no bug awake; the first at least.
func asleep(results []caught) []planted.Bug {
	out := []planted.Bug{{Name: none, Hint: 1}}
	for _, c := range results {
		same := func(b planted.Bug) bool { return b.Hint == c.seed && sameWorld(b, c.Bug) }
		if c.seed != 0 && !slices.ContainsFunc(out, same) {
			out = append(out, planted.Bug{Name: none, Hint: c.seed, Only: c.Only, Pause: c.Pause, Memory: c.Memory})
		}
	}
	return out
}

func sameWorld(a, b planted.Bug) bool {
	return a.Only == b.Only && a.Pause == b.Pause && a.Memory == b.Memory
}

// none is no bug's name: the binary of that name is the product.
const none = "none"

func report(out io.Writer, c caught) {
	what := "not caught"
	switch {
	case c.seed != 0:
		what = fmt.Sprintf("seed %d: %s %.150s", c.seed, c.invariant, c.text)
	case c.err != nil:
		what = "not caught: " + c.err.Error()
	case c.Name == none:
		what = fmt.Sprintf("seed %d: nothing to catch", c.Hint)
	}
	fmt.Fprintf(out, "%-28s %3d tried, %4.0f s  %s\n", c.Name, c.tried, c.took.Seconds(), what)
}

// hunt runs seeds with one bug awake until one of them breaks a promise.
// It keeps to one CPU, the job's own.
func hunt(ctx context.Context, o options, b planted.Bug, cpu int) caught {
	c := caught{Bug: b}
	seeds := o.seeds
	if b.Name == none {
		seeds = 1
	}
	began := time.Now()
	order := []uint64{}
	if b.Hint > 0 {
		order = append(order, b.Hint)
	}
	for s := uint64(1); len(order) < seeds; s++ {
		if s != b.Hint {
			order = append(order, s)
		}
	}
	for _, seed := range order {
		if ctx.Err() != nil {
			break
		}
		c.tried++
		var err error
		c.invariant, c.text, err = try(ctx, o, b, seed, cpu)
		if err != nil {
			c.err = fmt.Errorf("seed %d: %w", seed, err)
		}
		if c.invariant != "" {
			c.seed = seed
			break
		}
	}
	c.took = time.Since(began)
	return c
}

// seedTimeout is when a seed is given up; it has shown nothing then, because a busy machine can do that as well.
const seedTimeout = 5 * time.Minute

var errSlow = errors.New("it did not end in time")

// try one seed until something is broken; an empty invariant means that nothing was.
func try(ctx context.Context, o options, b planted.Bug, seed uint64, cpu int) (invariant, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, seedTimeout)
	defer cancel()
	program := filepath.Join(filepath.Dir(o.binary), planted.Program(b.Name))
	err = os.Link(o.binary, program)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", "", err
	}
	cmd := exec.CommandContext(ctx, program, "sim", "--seed", strconv.FormatUint(seed, 10),
		"--minutes", strconv.Itoa(o.minutes), "--only", b.Only, "--pause", b.Pause, "--cpu", strconv.Itoa(cpu),
		"--memory", strconv.Itoa(b.Memory))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it has files to take away
	cmd.WaitDelay = 5 * time.Second
	lines, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return "", "", err
	}
	invariant, text, done := listen(lines, seed)
	late := ctx.Err() != nil
	cancel() // the rest of a run that has failed tells nothing new
	_ = cmd.Wait()
	switch {
	case invariant != "" || done:
	case late:
		return "", "", errSlow
	default:
		return "END", "the process did not live to tell: a panic, or all of it stood still", nil
	}
	return invariant, text, nil
}

// suffix of a line that tells where the dice stand.
var suffix = regexp.MustCompile(` R[0-9a-f]+ T[0-9]+$`)

// listen to a run until its first violation, or its end; done says that it came to its end properly.
func listen(r io.Reader, seed uint64) (invariant, text string, done bool) {
	end := fmt.Sprintf("seed %d: ", seed)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, what, broken := strings.Cut(lines.Text(), " VIOLATION ")
		if broken {
			invariant, text, _ = strings.Cut(suffix.ReplaceAllString(strings.TrimSpace(what), ""), ": ")
			return invariant, text, true
		}
		done = done || strings.HasPrefix(lines.Text(), end)
	}
	return "", "", done
}
