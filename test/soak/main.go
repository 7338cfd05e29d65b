package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// plan is what one run is asked for.
type plan struct {
	minutes float64
	live    int     // tasks that run at any moment
	rate    float64 // changes a second
	seed    uint64
	bin     string
	keep    string // directory of the samples; "" is a temporary one
}

func main() {
	var p plan
	flag.Float64Var(&p.minutes, "minutes", 60, "how long the churn goes on, warm-up included")
	flag.IntVar(&p.live, "live", 200, "tasks that run at any moment")
	flag.Float64Var(&p.rate, "rate", 1, "changes a second: a task run or stopped, a service scaled or rolled")
	flag.Uint64Var(&p.seed, "seed", uint64(time.Now().UnixNano()), "of the order of changes")
	flag.StringVar(&p.bin, "bin", "bin/longshore", "the binary under test")
	flag.StringVar(&p.keep, "keep", "", "directory that gets samples.jsonl and the daemon's log")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, p))
}

// run prints the verdict whatever happens.
func run(ctx context.Context, p plan) int {
	v := &verdict{Test: "soak", Seed: p.seed, Commit: commit(), Asked: p.minutes, Live: p.live}
	err := soak(ctx, p, v)
	if err != nil {
		v.violate("the run ended early: %v", err)
	}
	for _, why := range v.why {
		fmt.Println("violation:", why)
	}
	line, err := json.Marshal(v)
	if err != nil {
		fmt.Println("soak:", err)
		return 1
	}
	fmt.Println(string(line))
	if v.Violations > 0 || !v.Enough {
		return 1
	}
	return 0
}

func soak(ctx context.Context, p plan, v *verdict) (err error) {
	dir, err := os.MkdirTemp("", "longshore-soak-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if p.keep == "" {
		p.keep = dir
	}
	err = os.MkdirAll(p.keep, 0o755)
	if err != nil {
		return err
	}
	bin, err := filepath.Abs(p.bin)
	if err != nil {
		return err
	}
	image, err := loadProbe(ctx, dir)
	if err != nil {
		return fmt.Errorf("load the probe image: %w", err)
	}
	i, err := start(bin, filepath.Join(dir, "data"), filepath.Join(p.keep, "daemon.log"))
	if err != nil {
		return err
	}
	defer func() { i.down(v) }()
	w := newWorld(i.client(), p, image, v)
	fmt.Printf("soak: seed %d, %d tasks, %.1f changes/s for %.1f minutes; samples in %s\n",
		p.seed, p.live, p.rate, p.minutes, p.keep)
	err = w.build(ctx)
	if err != nil {
		return fmt.Errorf("build the world: %w", err)
	}
	samples, err := w.churnFor(ctx, time.Duration(p.minutes*float64(time.Minute)), i, filepath.Join(p.keep, "samples.jsonl"))
	v.judge(samples, w, i)
	if err != nil {
		return err
	}
	return w.settle(ctx)
}

// commit of the tree, "" outside of one.
func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
