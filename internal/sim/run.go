package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"

	"longshore/internal/hugepage"
)

// heapOfSeed is more than most seeds need; it is not collected.
const heapOfSeed = 1 << 30

// SeedArgument is by what a program that is started for a Fleet knows that it is to call Child.
const SeedArgument = "sim-seed"

// Child runs one seed in a bubble and ends the process, and with it the bubble's goroutines. The report is the last
// line written to out; the status is 0 if it was written.
func Child(args []string, out io.Writer, c Config) {
	_, err := fmt.Sscan(strings.Join(args, " "), &c.Seed, &c.Minutes, &c.Nodes, &c.Dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sim: a seed takes its number, minutes, nodes and a directory:", err)
		os.Exit(2)
	}
	c.Transcript = out
	hugepage.Ask(heapOfSeed)
	os.Args = os.Args[:1]      // testing.Main reads flags of its own
	runtime.MemProfileRate = 0 // its samples are drawn from the dice that the bubble uses
	stop := profile(c.Profile) // outside of the bubble, whose clock is another
	run := func(t *testing.T) {
		synctest.Test(t, func(*testing.T) {
			r := Run(c)
			stop()
			b, err := json.Marshal(r)
			if err == nil {
				_, err = fmt.Fprintf(out, "%s\n", b)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "sim:", err)
				os.Exit(3)
			}
			os.Exit(0)
		})
	}
	testing.Main(func(_, _ string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "seed", F: run}}, nil, nil)
}

// profile writes where the time goes, and what waits for which lock, until it is told to stop.
func profile(path string) (stop func()) {
	if path == "" {
		return func() {}
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		return func() {}
	}
	runtime.SetMutexProfileFraction(1)
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that is cut short is seen to be
		locks, err := os.Create(path + ".locks")
		if err == nil {
			err = errors.Join(pprof.Lookup("mutex").WriteTo(locks, 0), locks.Close())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "sim:", err)
		}
	}
}
