// Package cli is what a person types: every command of the longshore binary, its flags and its words.
//
// Commands speak to a running daemon through the public AWS APIs, like any other client; only up, env, down,
// doctor and agent touch the machine itself, and demo loads one image into its Docker Engine. Every error says what
// to do next. Colours and redrawing appear on terminals only, and not where NO_COLOR is set.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"longshore/internal/daemon"
)

// Process is what a command may touch of the process that it runs in.
type Process struct {
	// Name is how the binary was called, for commands that are shown to be typed; empty is "longshore".
	Name string
	Args []string
	In   io.Reader
	Out  io.Writer
	// Notes is standard error: what is said beside the answer.
	Notes io.Writer
	// Env looks a variable up; nil takes the process's own.
	Env func(string) (string, bool)
	// Now is the clock; nil takes the machine's.
	Now func() time.Time
}

func (p *Process) complete() {
	if p.Name == "" {
		p.Name = "longshore"
	}
	if p.Env == nil {
		p.Env = os.LookupEnv
	}
	if p.Now == nil {
		p.Now = time.Now
	}
}

// env is a variable's value, or "".
func (p Process) env(name string) string {
	v, _ := p.Env(name)
	return v
}

// commands is the whole grammar.
type commands struct {
	Up      upCommand      `cmd:"" help:"Serve the AWS APIs and run containers, in the foreground, until SIGTERM."`
	Env     envCommand     `cmd:"" help:"Print the environment by which AWS clients find and trust this installation."`
	Demo    demoCommand    `cmd:"" help:"Deploy a small web service and show it coming up; --down removes it."`
	Status  statusCommand  `cmd:"" help:"Show clusters, services, deployments and tasks, and why tasks wait."`
	Logs    logsCommand    `cmd:"" help:"Print the lines of a log group; -f follows."`
	Events  eventsCommand  `cmd:"" help:"Print the events of services, oldest first; -f follows."`
	Doctor  doctorCommand  `cmd:"" help:"Say what is missing on this machine, and how to mend it."`
	Agent   agentCommand   `cmd:"" help:"Join this machine to a cluster of a daemon elsewhere."`
	Down    downCommand    `cmd:"" help:"Stop the daemon and remove every container, namespace, link and rule that it owns."`
	Version versionCommand `cmd:"" help:"Say which build this is."`
	Sim     simCommand     `cmd:"" help:"Run a simulated installation through crashes and broken networks, by seed."`
	Scope   scopeCommand   `cmd:"" hidden:"" help:"Print the rows of SCOPE.md."`
	DemoWeb demoWebCommand `cmd:"" hidden:"" name:"demo-web" help:"Serve the demo's pages; runs inside its image."`
}

// installation is the flag that every command about one installation has.
type installation struct {
	DataDir string `help:"Directory of the installation." placeholder:"DIR" env:"LONGSHORE_DATA_DIR"`
}

func (i installation) dir() string {
	if i.DataDir == "" {
		return daemon.DefaultDataDir()
	}
	return i.DataDir
}

// flag repeats --data-dir in commands that are shown to be typed next.
func (i installation) flag() string {
	if i.DataDir == "" {
		return ""
	}
	return " --data-dir " + i.DataDir
}

// run is what commands are handed.
type run struct {
	context.Context
	Process
}

// errSaid ends a command with status 1 when its output has told everything already.
var errSaid = errors.New("said already")

// Main runs one command line and answers its exit status: 0 done, 1 failed, 2 not understood.
func Main(ctx context.Context, p Process) int {
	p.complete()
	var c commands
	exit := -1
	parser, err := kong.New(&c, kong.Name("longshore"), kong.Description("Amazon ECS, real, on your own machines."),
		kong.Writers(p.Out, p.Notes), kong.Exit(func(code int) { exit = code }), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Vars{"listen": daemon.DefaultListen})
	if err != nil {
		fmt.Fprintln(p.Notes, "longshore:", err)
		return 2
	}
	if len(p.Args) == 0 {
		p.Args = []string{"--help"}
	}
	k, err := parser.Parse(p.Args)
	if exit >= 0 {
		return exit // --help has said everything
	}
	if err != nil {
		fmt.Fprintf(p.Notes, "longshore: %v\nRun longshore --help to see the commands.\n", err)
		return 2
	}
	err = k.Run(&run{Context: ctx, Process: p})
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 0
	case !errors.Is(err, errSaid):
		fmt.Fprintln(p.Notes, "longshore:", err)
	}
	return 1
}

func logger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
