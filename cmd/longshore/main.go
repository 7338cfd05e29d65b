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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Process{
		Name: os.Args[0], Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Notes: os.Stderr})
	stop()
	os.Exit(code)
}
