// Command longshore is Amazon ECS on your own machines.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"longshore/internal/cli"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == cli.Seed {
		cli.RunSeed(os.Args[2:], os.Stdout) // before anything that would roll the runtime's dice
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Process{
		Name: os.Args[0], Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Notes: os.Stderr})
	stop()
	os.Exit(code)
}
