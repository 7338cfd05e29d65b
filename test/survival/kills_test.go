//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Bounds of a machine with two cores that does other things as well.
const (
	readyWithin   = 5 * time.Second
	settlesWithin = 45 * time.Second
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// KILLS is how often the daemon dies, SEED where the random moments come from.
func TestNothingAcknowledgedIsLostWhenTheDaemonIsKilled(t *testing.T) {
	rootOnly(t)
	kills, seed := int(setting(t, "KILLS", 30)), setting(t, "SEED", uint64(time.Now().UnixNano()))
	t.Logf("KILLS=%d SEED=%d", kills, seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	d := startDaemon(t)
	d.cluster(home)
	n := d.network()
	d.serve(home, "steady-bridge", d.register(definition("steady-bridge", web())), 2, nil)
	d.serve(home, "steady-vpc", d.register(fargate(definition("steady-vpc", web()))), 2, n)
	writers := []*writer{
		newWriter("b1", nil, seed, 1), newWriter("b2", nil, seed, 2), newWriter("v1", n, seed, 3), newWriter("v2", n, seed, 4),
	}
	for _, w := range writers {
		in := definition("run-"+w.name, probe("main"))
		if w.network != nil {
			in = fargate(in)
		}
		d.register(in)
	}
	d.stable(home, "steady-bridge", 40*time.Second)
	d.stable(home, "steady-vpc", 40*time.Second)
	untouched := d.births(home, "steady-bridge", "steady-vpc")
	if len(untouched) != 4 {
		t.Fatalf("4 containers are to be left alone, there are %v", untouched)
	}
	lost := orphans{}
	slowest := time.Duration(0)
	for i := range kills {
		err := d.loadUntilKilled(writers, 50*time.Millisecond+time.Duration(moments.IntN(1200))*time.Millisecond)
		if err != nil {
			t.Fatalf("before kill %d: %v", i+1, err)
		}
		if moments.IntN(5) == 0 {
			d.dieAtBirth(time.Duration(moments.IntN(150)) * time.Millisecond)
		}
		d.start()
		slowest = max(slowest, d.took)
		err = d.survived(writers, untouched, lost)
		if err != nil {
			t.Fatalf("after kill %d: %v", i+1, err)
		}
	}
	acks := 0
	for _, w := range writers {
		acks += w.acks
	}
	t.Logf("%d kills, %d acknowledged writes, the slowest start took %s", kills, acks, slowest)
	if slowest > readyWithin {
		t.Errorf("a start took %s, more than %s", slowest, readyWithin)
	}
	d.settle(writers, untouched)
}

// loadUntilKilled runs the writers and kills the daemon under them.
func (d *daemon) loadUntilKilled(writers []*writer, after time.Duration) error {
	ctx, cancel := context.WithCancel(d.t.Context())
	defer cancel()
	errs := make([]error, len(writers))
	var killed atomic.Bool
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() { errs[i] = w.load(ctx, d.client, &killed) })
	}
	pause(ctx, after)
	killed.Store(true)
	d.kill()
	cancel()
	wg.Wait()
	return errors.Join(errs...)
}

// dieAtBirth starts the daemon and kills it before or soon after it is ready.
func (d *daemon) dieAtBirth(after time.Duration) {
	d.t.Helper()
	cmd := exec.Command(os.Getenv(binVar), "up", "--data-dir", d.dir, "--listen", d.listen)
	cmd.Env = append(os.Environ(), d.extra...)
	err := cmd.Start()
	if err != nil {
		d.t.Fatal(err)
	}
	pause(d.t.Context(), after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func (d *daemon) survived(writers []*writer, untouched map[string]string, lost orphans) error {
	for _, w := range writers {
		err := w.check(d.t.Context(), d.client)
		if err != nil {
			return err
		}
	}
	err := d.unharmed(untouched)
	if err != nil {
		return err
	}
	return lost.look(d.t.Context(), d, home)
}

// settle expects, some time after the last fault, what runs and what should run to be the same.
func (d *daemon) settle(writers []*writer, untouched map[string]string) {
	d.t.Helper()
	eventually(d.t, settlesWithin, "the truth after the last kill", func(ctx context.Context) error {
		for _, w := range writers {
			err := w.check(ctx, d.client)
			if err != nil {
				d.t.Fatal(err)
			}
			if !w.made {
				continue
			}
			s, err := d.service(ctx, home, w.name)
			if err == nil {
				err = steady(s)
			}
			if err != nil {
				return fmt.Errorf("service %s: %w", w.name, err)
			}
		}
		return d.agree(ctx, home)
	})
	err := d.unharmed(untouched)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, name := range []string{"steady-bridge", "steady-vpc"} {
		d.stable(home, name, 5*time.Second)
	}
}
