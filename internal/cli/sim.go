package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"longshore/internal/sim"
)

type simCommand struct {
	Seeds   int    `help:"How many seeds to run." default:"200"`
	First   uint64 `help:"The first of them." default:"1"`
	Seed    uint64 `help:"Run this seed alone and print everything that happens."`
	Minutes int    `help:"Simulated minutes of a seed." default:"10"`
	Nodes   int    `help:"Machines that run containers." default:"3"`
	Jobs    int    `help:"Seeds at the same time." default:"2"`
	Verbose bool   `short:"v" help:"With --seed: what the code under test logs as well."`
	Only    string `hidden:"" help:"With --seed: comma-separated mishaps; no others happen."`
	Pause   string `hidden:"" help:"With --seed: the longest pause between two calls of a client, like 20s."`
	Memory  string `hidden:"" help:"With --seed: MiB of memory of each machine."`
	CPU     int    `hidden:"" name:"cpu" help:"The first CPU to use, counted among those that may be used."`
	Plain   bool   `hidden:"" help:"Leave the Go runtime its own dice."`

	Profile string `hidden:"" help:"With --seed: write a CPU profile here."`
	Commit  string `hidden:"" help:"Commit of the build, for the verdict."`
}

// Run runs seeds, each in a process of its own.
func (c *simCommand) Run(r *run) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	f := sim.Fleet{Seeds: c.Seeds, First: c.First, Minutes: c.Minutes, Nodes: c.Nodes, Jobs: c.Jobs, CPU: c.CPU,
		Plain: c.Plain, Path: path, Commit: c.Commit, Out: r.Out}
	if c.Seed == 0 {
		err = f.Run(r)
		if errors.Is(err, sim.ErrFailed) {
			return errSaid
		}
		return err
	}
	if c.Verbose {
		f.Env = append(f.Env, simVerbose+"=1")
	}
	if c.Only != "" {
		f.Env = append(f.Env, simOnly+"="+c.Only)
	}
	if c.Pause != "" {
		f.Env = append(f.Env, simPause+"="+c.Pause)
	}
	if c.Memory != "" {
		f.Env = append(f.Env, simMemory+"="+c.Memory)
	}
	if c.Profile != "" {
		f.Env, f.Plain = append(f.Env, simProfile+"="+c.Profile), true // a profile needs a clock that goes
	}
	report, exact, err := f.One(r, c.Seed, r.Out)
	if err != nil {
		return err
	}
	for _, v := range report.Violations {
		fmt.Fprintf(r.Out, "%s: %s: %s\n", v.At, v.Invariant, v.Text)
	}
	fmt.Fprintf(r.Out, "seed %d: %d events, hash %s, %d violations, %.1f s, exact %t\n", c.Seed, report.Events, report.Hash,
		len(report.Violations), report.Seconds, exact)
	if len(report.Violations) > 0 {
		return errSaid
	}
	return nil
}

// Variables of a child; flags would be parsed, and so change what the runtime draws.
const (
	simVerbose = "LONGSHORE_SIM_VERBOSE"
	simProfile = "LONGSHORE_SIM_PROFILE"
	simOnly    = "LONGSHORE_SIM_ONLY"
	simPause   = "LONGSHORE_SIM_PAUSE"
	simMemory  = "LONGSHORE_SIM_MEMORY"
)

// Seed heads the arguments of a process that runs one seed. It is no command: nothing but the seed may run in that
// process, least of all what waits for signals, whose threads start in an order of their own.
const Seed = sim.SeedArgument

// RunSeed runs one seed and ends the process.
func RunSeed(args []string, out io.Writer) {
	c := sim.Config{Verbose: os.Getenv(simVerbose) != "", Profile: os.Getenv(simProfile)}
	if only := os.Getenv(simOnly); only != "" {
		c.Only = strings.Split(only, ",")
	}
	var errs [2]error
	if pause := os.Getenv(simPause); pause != "" {
		c.Pause, errs[0] = time.ParseDuration(pause)
	}
	if memory := os.Getenv(simMemory); memory != "" {
		c.Memory, errs[1] = strconv.Atoi(memory)
	}
	err := errors.Join(errs[:]...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(2)
	}
	sim.Child(args, out, c)
}
