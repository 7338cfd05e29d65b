package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

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
	Plain   bool   `hidden:"" help:"Leave the Go runtime its own dice."`

	Child      bool   `hidden:"" help:"Be the process of one seed."`
	Transcript bool   `hidden:"" help:"Print every line."`
	Dir        string `hidden:"" help:"Where agents keep their files."`
	Profile    string `hidden:"" help:"Write a CPU profile here."`
}

// Run runs seeds, each in a process of its own.
func (c *simCommand) Run(r *run) error {
	if c.Child {
		return c.child(r)
	}
	path, err := os.Executable()
	if err != nil {
		return err
	}
	f := sim.Fleet{Seeds: c.Seeds, First: c.First, Minutes: c.Minutes, Nodes: c.Nodes, Jobs: c.Jobs, Plain: c.Plain,
		Path: path, Commit: commit(), Out: r.Out}
	if c.Seed == 0 {
		err = f.Run(r)
		if errors.Is(err, sim.ErrFailed) {
			return errSaid
		}
		return err
	}
	var flags []string
	if c.Verbose {
		flags = append(flags, "--verbose")
	}
	if c.Profile != "" {
		flags = append(flags, "--profile", c.Profile)
	}
	report, exact, err := f.One(r, c.Seed, r.Out, flags...)
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

func (c *simCommand) child(r *run) error {
	var all io.Writer
	if c.Transcript {
		all = r.Out
	}
	sim.Child(sim.Config{Seed: c.Seed, Minutes: c.Minutes, Nodes: c.Nodes, Transcript: all, Dir: c.Dir, Verbose: c.Verbose,
		Profile: c.Profile})
	return nil
}

// commit that the binary was built from, as far as the build knows.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
