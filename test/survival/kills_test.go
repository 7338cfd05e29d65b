//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// Bounds of a machine with two cores that does other things as well.
const (
	readyWithin   = 5 * time.Second
	settlesWithin = 90 * time.Second
	window        = 400 * time.Millisecond // of load, in which the kills of one cycle fall
	settleEvery   = 100                    // cycles
)

// battle is one daemon and two agents that die again and again under load.
type battle struct {
	*daemon
	t         *testing.T
	v         *verdict
	moments   *rand.Rand
	writers   []*writer
	agents    []*rig.Agent
	labels    []string // of the agents' containers
	untouched map[string]string
	orphans   rig.Orphans
}

// fight makes the world: services that nobody touches on every kind of machine, and writers for each.
func fight(t *testing.T, v *verdict, seed uint64) *battle {
	d := start(t)
	b := &battle{daemon: d, t: t, v: v, moments: rand.New(rand.NewPCG(seed, 0)), orphans: rig.Orphans{}}
	d.Cluster(home)
	n := d.Network()
	d.Register(rig.Definition("steady", rig.Web()))
	d.Register(rig.Fargate(rig.Definition("steady-vpc", rig.Web())))
	for range 2 {
		a := d.Join(home, "EXTERNAL")
		b.agents, b.labels = append(b.agents, a), append(b.labels, a.Label())
	}
	d.Serve(home, "steady-bridge", "steady", 2, nil)
	d.Serve(home, "steady-vpc", "steady-vpc", 2, n)
	d.serveExternal("steady-field", "steady", 3)
	b.writers = []*writer{
		newWriter("ec2", types.LaunchTypeEc2, nil, seed), newWriter("vpc", types.LaunchTypeFargate, n, seed),
		newWriter("field-a", types.LaunchTypeExternal, nil, seed), newWriter("field-b", types.LaunchTypeExternal, nil, seed),
	}
	for _, w := range b.writers {
		in := rig.Definition("run-"+w.name, rig.Probe("main"))
		if w.network != nil {
			in = rig.Fargate(in)
		}
		d.Register(in)
	}
	steady := []string{"steady-bridge", "steady-vpc", "steady-field"}
	for _, name := range steady {
		d.Stable(home, name, 60*time.Second)
	}
	b.untouched = d.Births(home, steady...)
	if len(b.untouched) != 7 {
		t.Fatalf("7 containers are to be left alone, there are %v", b.untouched)
	}
	return b
}

func (d *daemon) serveExternal(name, def string, count int32) {
	d.T.Helper()
	_, err := d.Client.CreateService(d.T.Context(), &ecs.CreateServiceInput{Cluster: aws.String(home), ServiceName: &name,
		TaskDefinition: &def, DesiredCount: &count, LaunchType: types.LaunchTypeExternal})
	if err != nil {
		d.T.Fatal(err)
	}
}

// kills makes cycles until both counts are reached. In each, the daemon dies under the writers, an agent dies at a
// moment of its own or, one time in four, at the very same, and what is left is compared with what was promised.
func (b *battle) kills(kills, agentKills int) {
	began := time.Now()
	for i := 0; (kills > 0 || agentKills > 0) && time.Now().Before(b.v.deadline); i++ {
		c := b.draw(kills, agentKills)
		err := b.cycle(c)
		if err != nil {
			b.v.broken(b.t, fmt.Sprintf("cycle %d, %+v", i+1, c), err)
		}
		if c.daemon {
			kills--
		}
		if c.agent != nil {
			agentKills--
		}
		b.count(c)
		if i%settleEvery == settleEvery-1 {
			b.settle()
			b.t.Logf("%d cycles after %s, %d acknowledged writes", i+1, time.Since(began), b.v.AckedWrites)
		}
	}
	b.t.Logf("all kills in %s", time.Since(began))
	b.settle()
	b.t.Logf("settled after %s", time.Since(began))
}

// cycle of kills: who dies, and when after the load began.
type cycle struct {
	daemon   bool
	agent    *rig.Agent
	daemonAt time.Duration
	agentAt  time.Duration
	birth    bool // the daemon dies once more before it is ready, or soon after
	birthAt  time.Duration
}

func (b *battle) draw(kills, agentKills int) cycle {
	moment := func(of time.Duration) time.Duration { return time.Duration(b.moments.Int64N(int64(of))) }
	c := cycle{daemon: kills > 0, daemonAt: 20*time.Millisecond + moment(window), birth: kills > 1 && b.moments.IntN(10) == 0,
		birthAt: moment(150 * time.Millisecond)}
	if agentKills > 0 {
		c.agent, c.agentAt = b.agents[b.moments.IntN(len(b.agents))], moment(window*3/2)
		if c.daemon && b.moments.IntN(4) == 0 {
			c.agentAt = c.daemonAt
		}
	}
	return c
}

func (b *battle) count(c cycle) {
	b.v.add(func(v *verdict) {
		v.AckedWrites, v.TaskStarts, v.ExitCodes = 0, 0, 0
		for _, w := range b.writers {
			v.AckedWrites, v.TaskStarts = v.AckedWrites+int(w.acks.Load()), v.TaskStarts+int(w.starts.Load())
			v.ExitCodes += w.codes
		}
		v.Checks++
		if c.daemon {
			v.Kills++
			v.restarts = append(v.restarts, b.Took)
		}
		if c.agent != nil {
			v.AgentKills++
		}
		if c.daemon && c.agent != nil && c.daemonAt == c.agentAt {
			v.BothKills++
		}
	})
}

func (b *battle) cycle(c cycle) error {
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	var killed atomic.Bool
	var wg sync.WaitGroup
	errs := make([]error, len(b.writers)+1)
	for i, w := range b.writers {
		client := b.Client
		wg.Go(func() { errs[i] = w.load(ctx, client, &killed) })
	}
	if c.agent != nil {
		wg.Go(func() { errs[len(b.writers)] = again(b.t.Context(), c.agent, c.agentAt) })
	}
	if c.daemon {
		rig.Pause(ctx, c.daemonAt)
		b.load(ctx)
		killed.Store(true)
		b.Kill()
	} else {
		rig.Pause(ctx, window)
		killed.Store(true)
	}
	cancel()
	if c.birth {
		b.dieAtBirth(c.birthAt)
	}
	if c.daemon {
		b.Daemon.Start()
	}
	wg.Wait()
	err := errors.Join(errs...)
	if err != nil {
		return err
	}
	return b.survived(b.t.Context())
}

// loadWithin is how much later the daemon of one cycle dies, for the load's sake.
const loadWithin = 10 * time.Second

// load lets a slow machine come up to the load that gives the kills their worth. The moment stays random.
func (b *battle) load(ctx context.Context) {
	const most = 2 // kills of a cycle
	kills := most * (b.v.Checks + 1)
	for until := time.Now().Add(loadWithin); time.Now().Before(until) && ctx.Err() == nil; {
		acks, starts := 0, 0
		for _, w := range b.writers {
			acks, starts = acks+int(w.acks.Load()), starts+int(w.starts.Load())
		}
		if acks >= writesPerKill*kills && starts*killsPerStart >= kills {
			return
		}
		rig.Pause(ctx, time.Duration(rand.Int64N(int64(window/4)))) // a draw of moments would not repeat
	}
}

// again kills an agent at its moment and starts it at once.
func again(ctx context.Context, a *rig.Agent, at time.Duration) error {
	rig.Pause(ctx, at)
	if !a.Alive() {
		return fmt.Errorf("the agent has ended by itself: %s", a.Log)
	}
	a.Kill()
	return a.Launch(home)
}

// dieAtBirth starts the daemon and kills it before or soon after it is ready.
func (d *daemon) dieAtBirth(after time.Duration) {
	d.T.Helper()
	cmd := d.Command(d.T.Context(), "up", "--data-dir", d.Dir, "--listen", d.Listen)
	err := cmd.Start()
	if err != nil {
		d.T.Fatal(err)
	}
	rig.Pause(d.T.Context(), after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// survived asks everything at once: the checks are most of a cycle.
func (b *battle) survived(ctx context.Context) error {
	errs := make([]error, len(b.writers)+2)
	var wg sync.WaitGroup
	for i, w := range b.writers {
		wg.Go(func() { errs[i] = w.check(ctx, b.Client) })
	}
	wg.Go(func() { errs[len(b.writers)] = as("restarted", b.Unharmed(b.untouched)) })
	wg.Go(func() { errs[len(b.writers)+1] = b.looked(ctx) })
	wg.Wait()
	return errors.Join(errs...)
}

func (b *battle) looked(ctx context.Context) error {
	live, err := b.Live(ctx, b.labels...)
	if err != nil {
		return err
	}
	err = rig.Single(live)
	if err != nil {
		return as("doubled", err)
	}
	return as("orphan", b.orphans.Look(ctx, b.Daemon, home, live))
}

// settle expects, some time after the last fault, what runs and what should run to be the same.
func (b *battle) settle() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), settlesWithin)
	defer cancel()
	err := rig.Poll(ctx, func(ctx context.Context) error {
		for _, w := range b.writers {
			err := w.check(ctx, b.Client)
			if err == nil && w.made {
				err = b.steady(ctx, w.name)
			}
			if err != nil {
				return err
			}
		}
		for _, name := range []string{"steady-bridge", "steady-vpc", "steady-field"} {
			err := b.steady(ctx, name)
			if err != nil {
				return err
			}
		}
		return b.Agree(ctx, home, b.labels...)
	})
	if err == nil {
		err = as("restarted", b.Unharmed(b.untouched))
	}
	if err != nil {
		b.v.broken(b.t, "the truth after the last kill", err)
	}
}

func (b *battle) steady(ctx context.Context, service string) error {
	s, err := b.Service(ctx, home, service)
	if err == nil {
		err = rig.Steady(s)
	}
	if err != nil {
		return fmt.Errorf("service %s: %w", service, err)
	}
	return nil
}
