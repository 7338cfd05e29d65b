// Package cli is what a person types: every command of the longshore binary, its flags and its words.
//
// Commands speak to a running daemon through the public AWS APIs, like any other client; only up, env, down and
// doctor touch the machine itself. Every error says what to do next.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"

	"longshore/internal/daemon"
)

// Process is what a command may touch of the process that it runs in.
type Process struct {
	Args []string
	In   io.Reader
	Out  io.Writer
	Err  io.Writer
}

// commands is the whole grammar.
type commands struct {
	Up   upCommand   `cmd:"" help:"Serve the AWS APIs and run containers, in the foreground, until SIGTERM."`
	Env  envCommand  `cmd:"" help:"Print the environment by which AWS clients find and trust this installation."`
	Down downCommand `cmd:"" help:"Stop the daemon and remove every container, namespace, link and rule that it owns."`
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

// run is what commands are handed.
type run struct {
	context.Context
	Process
}

// Main runs one command line and answers its exit status: 0 done, 1 failed, 2 not understood.
func Main(ctx context.Context, p Process) int {
	var c commands
	exit := -1
	parser, err := kong.New(&c, kong.Name("longshore"), kong.Description("Amazon ECS, real, on your own machines."),
		kong.Writers(p.Out, p.Err), kong.Exit(func(code int) { exit = code }), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(p.Err, "longshore:", err)
		return 2
	}
	k, err := parser.Parse(p.Args)
	if exit >= 0 {
		return exit // --help has said everything
	}
	if err != nil {
		fmt.Fprintf(p.Err, "longshore: %v\nRun longshore --help to see the commands.\n", err)
		return 2
	}
	err = k.Run(&run{Context: ctx, Process: p})
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(p.Err, "longshore:", err)
		return 1
	}
	return 0
}

func logger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
