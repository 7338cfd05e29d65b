// Command power proves that no accident of the disk loses an acknowledged record: power losses by the seed, torn and
// rotten logs, failing calls. The last line is a JSON verdict; the exit status is 0 only for no violation and all of
// the load that was asked for.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"longshore/internal/store/engine/pebble/power"
)

func main() {
	c := power.Config{Now: time.Now}
	flag.IntVar(&c.Seeds, "seeds", 2000, "histories of power losses")
	flag.Uint64Var(&c.Seed, "seed", 0, "the first of them")
	flag.IntVar(&c.Cuts, "cuts", 64<<10, "bytes of the log's end that are cut off, one more each time")
	flag.IntVar(&c.Flips, "flips", 8192, "random bits of the log that flip")
	flag.IntVar(&c.Window, "window", 8192, "bits of the log that flip one after the other")
	flag.IntVar(&c.Faults, "faults", 400, "histories of failing calls")
	flag.IntVar(&c.Workers, "workers", 0, "how many run at once; 0 is one for each processor")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, c))
}

func run(ctx context.Context, c power.Config) int {
	v := power.Run(ctx, c)
	v.Revision = revision(ctx)
	for _, why := range v.Why {
		fmt.Println("violation:", why)
	}
	v.Why = nil
	line, err := json.Marshal(v)
	if err != nil {
		fmt.Println("power:", err)
		return 1
	}
	fmt.Println(string(line))
	if v.Violations > 0 || !v.Enough {
		return 1
	}
	return 0
}

// revision is that of the code under test, where this is a checkout.
func revision(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
