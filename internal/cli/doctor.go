package cli

import (
	"context"
	"fmt"
	"strings"

	"longshore/internal/daemon"
	"longshore/internal/node/docker"
)

type doctorCommand struct {
	installation
	Listen     string `help:"HOST:PORT that longshore up is to listen on." default:"${listen}"`
	DockerHost string `help:"Address of Docker Engine; the usual socket where it is not given." placeholder:"URL" env:"DOCKER_HOST"`
}

// verdict on one finding.
type verdict int

const (
	fine    verdict = iota
	lacking         // something is off without it; the rest works
	broken          // Longshore does not work here
)

// finding is one line of the doctor.
type finding struct {
	what    string
	verdict verdict
	detail  string
	mend    string // what to do; for all but fine ones
}

// examination is what checks share.
type examination struct {
	*doctorCommand
	r       *run
	root    bool
	running bool // this directory's daemon answers
	process daemon.Process
	engine  docker.Info
}

// Run examines the machine and fails when something that is required is missing.
func (c *doctorCommand) Run(r *run) error {
	s := newScreen(r)
	e := &examination{doctorCommand: c, r: r, root: effectiveRoot()}
	missing, off := 0, 0
	for _, check := range e.checks() {
		f := check(r)
		switch f.verdict {
		case broken:
			missing++
		case lacking:
			off++
		}
		err := s.print(findingLines(s.ink, f)...)
		if err != nil {
			return err
		}
	}
	switch {
	case missing > 0:
		fmt.Fprintf(r.Notes, "longshore: %s; mend what is marked ✗ and run longshore doctor again\n",
			count(int32(missing), "required thing")+" missing")
		return errSaid
	case off > 0:
		return s.print("", "Longshore works here; what is marked ! is off.")
	}
	return s.print("", "Everything is here.")
}

// checks in the order in which things depend on each other.
func (e *examination) checks() []func(context.Context) finding {
	return []func(context.Context) finding{
		e.checkSystem, e.checkUser, e.checkEngine, e.checkCgroups, e.checkDaemon, e.checkPort, e.checkDirectory,
		e.checkSpace, e.checkFirewall, e.checkForwarding, e.checkMetadata, e.checkClock,
	}
}

func findingLines(ink palette, f finding) []string {
	mark := ink.paint(green, "✓")
	switch f.verdict {
	case lacking:
		mark = ink.paint(yellow, "!")
	case broken:
		mark = ink.paint(red, "✗")
	}
	out := []string{fmt.Sprintf("%s %-16s %s", mark, f.what, clean(f.detail))}
	if f.verdict != fine && f.mend != "" {
		for l := range strings.SplitSeq(f.mend, "\n") {
			out = append(out, strings.Repeat(" ", 19)+ink.paint(strong, "→ ")+l)
		}
	}
	return out
}
