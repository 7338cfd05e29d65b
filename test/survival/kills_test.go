//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longshore/test/rig"
)

// Bounds of a machine with two cores that does other things as well.
const (
	readyWithin   = 5 * time.Second
	settlesWithin = 45 * time.Second
)

// KILLS is how often the daemon dies, SEED where the random moments come from.
func TestNothingAcknowledgedIsLostWhenTheDaemonIsKilled(t *testing.T) {
	rig.RootOnly(t)
	kills, seed := int(rig.Setting(t, "KILLS", 30)), rig.Setting(t, "SEED", uint64(time.Now().UnixNano()))
	t.Logf("KILLS=%d SEED=%d", kills, seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	d := start(t)
	d.Cluster(home)
	n := d.Network()
	d.Serve(home, "steady-bridge", d.Register(rig.Definition("steady-bridge", rig.Web())), 2, nil)
	d.Serve(home, "steady-vpc", d.Register(rig.Fargate(rig.Definition("steady-vpc", rig.Web()))), 2, n)
	writers := []*writer{
		newWriter("b1", nil, seed, 1), newWriter("b2", nil, seed, 2), newWriter("v1", n, seed, 3), newWriter("v2", n, seed, 4),
	}
	for _, w := range writers {
		in := rig.Definition("run-"+w.name, rig.Probe("main"))
		if w.network != nil {
			in = rig.Fargate(in)
		}
		d.Register(in)
	}
	d.Stable(home, "steady-bridge", 40*time.Second)
	d.Stable(home, "steady-vpc", 40*time.Second)
	untouched := d.Births(home, "steady-bridge", "steady-vpc")
	if len(untouched) != 4 {
		t.Fatalf("4 containers are to be left alone, there are %v", untouched)
	}
	lost := rig.Orphans{}
	slowest := time.Duration(0)
	for i := range kills {
		err := d.loadUntilKilled(writers, 50*time.Millisecond+time.Duration(moments.IntN(1200))*time.Millisecond)
		if err != nil {
			t.Fatalf("before kill %d: %v", i+1, err)
		}
		if moments.IntN(5) == 0 {
			d.dieAtBirth(time.Duration(moments.IntN(150)) * time.Millisecond)
		}
		d.Start()
		slowest = max(slowest, d.Took)
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
	ctx, cancel := context.WithCancel(d.T.Context())
	defer cancel()
	errs := make([]error, len(writers))
	var killed atomic.Bool
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() { errs[i] = w.load(ctx, d.Client, &killed) })
	}
	rig.Pause(ctx, after)
	killed.Store(true)
	d.Kill()
	cancel()
	wg.Wait()
	return errors.Join(errs...)
}

// dieAtBirth starts the daemon and kills it before or soon after it is ready.
func (d *daemon) dieAtBirth(after time.Duration) {
	d.T.Helper()
	cmd := exec.Command(os.Getenv(rig.BinVar), "up", "--data-dir", d.Dir, "--listen", d.Listen)
	cmd.Env = append(os.Environ(), d.Extra...)
	err := cmd.Start()
	if err != nil {
		d.T.Fatal(err)
	}
	rig.Pause(d.T.Context(), after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func (d *daemon) survived(writers []*writer, untouched map[string]string, lost rig.Orphans) error {
	for _, w := range writers {
		err := w.check(d.T.Context(), d.Client)
		if err != nil {
			return err
		}
	}
	err := d.Unharmed(untouched)
	if err != nil {
		return err
	}
	return lost.Look(d.T.Context(), d.Daemon, home)
}

// settle expects, some time after the last fault, what runs and what should run to be the same.
func (d *daemon) settle(writers []*writer, untouched map[string]string) {
	d.T.Helper()
	rig.Eventually(d.T, settlesWithin, "the truth after the last kill", func(ctx context.Context) error {
		for _, w := range writers {
			err := w.check(ctx, d.Client)
			if err != nil {
				d.T.Fatal(err)
			}
			if !w.made {
				continue
			}
			s, err := d.Service(ctx, home, w.name)
			if err == nil {
				err = rig.Steady(s)
			}
			if err != nil {
				return fmt.Errorf("service %s: %w", w.name, err)
			}
		}
		return d.Agree(ctx, home)
	})
	err := d.Unharmed(untouched)
	if err != nil {
		d.T.Fatal(err)
	}
	for _, name := range []string{"steady-bridge", "steady-vpc"} {
		d.Stable(home, name, 5*time.Second)
	}
}
