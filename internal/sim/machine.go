package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"longshore/internal/node"
	"longshore/internal/node/docker"
	"longshore/internal/node/taskrun"
	"longshore/internal/sim/dice"
	"longshore/internal/sim/engine"
	"longshore/internal/sim/network"
	"longshore/internal/sim/oracle"
	"longshore/internal/state"
)

// attributeNode tells by which of the world's nodes an instance was registered.
const attributeNode = "sim.node"

// machine is a node: an engine, and one life of an agent after the other.
type machine struct {
	w      *World
	name   string
	docker string // host of the engine
	dice   *dice.Dice
	engine *engine.Engine

	mu      sync.Mutex
	agent   *agent
	lives   int
	off     bool      // no power
	trouble time.Time // last time that something went wrong here
	deaf    int       // how many reasons there are not to hear the server
	wild    float64   // odds that an engine call goes wrong
	dir     *os.Root  // of the agent that runs
}

// agent is one life of an agent.
type agent struct {
	n      *machine
	life   int
	host   *network.Host
	cancel context.CancelFunc
	once   sync.Once
}

func newMachine(w *World, i int) *machine {
	n := &machine{w: w, name: fmt.Sprintf("node-%d", i), docker: fmt.Sprintf("docker-%d", i)}
	n.dice = w.dice.Of(n.name)
	ids := n.dice.Of("engine")
	n.engine = engine.New(engine.Config{
		Name: n.docker, Now: time.Now, NewID: func() string { return ids.ID() + ids.ID() },
		Fault: newEngineFaults(n).verdict, Change: n.changed, PullTime: n.pull, Log: w.log, StatsEvery: time.Minute,
	})
	w.net.Lag(n.name, n.docker, 20*time.Microsecond)
	return n
}

// powerOn brings the machine up: its engine, then its agent.
func (n *machine) powerOn() {
	n.mu.Lock()
	n.off = false
	n.mu.Unlock()
	h := n.w.net.Host(n.docker)
	l, err := h.Listen(n.docker + ":2375")
	if err != nil {
		n.w.violate("SIM", err.Error())
		return
	}
	srv := &http.Server{Handler: n.engine.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }() // it ends with the listener, and so with the host
	n.engine.Poweron()
	n.startAgent()
}

// powerOff ends the machine without a word.
func (n *machine) powerOff(back time.Duration) {
	n.mu.Lock()
	if n.off {
		n.mu.Unlock()
		return
	}
	n.off, n.trouble = true, time.Now()
	a := n.agent
	n.agent = nil
	n.mu.Unlock()
	n.w.fault("power cut", fmt.Sprintf("%s, back in %s", n.name, back))
	if a != nil {
		a.end(true)
	}
	n.w.net.Vanish(n.docker)
	n.engine.Poweroff()
	time.AfterFunc(back, n.powerOn)
}

// startAgent begins the next life of the agent, on what the last one left in its directory.
func (n *machine) startAgent() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.off {
		return
	}
	dir, err := n.inherit()
	if err != nil {
		n.w.violate("SIM", err.Error())
		return
	}
	n.lives++
	ctx, cancel := context.WithCancel(context.Background())
	a := &agent{n: n, life: n.lives, host: n.w.net.Host(n.name), cancel: cancel}
	n.agent, n.trouble = a, time.Now()
	n.w.lines.say(n.name, "agent life %d begins", a.life)
	go a.run(ctx, dir)
}

// inherit copies the directory of the last life: what that one still writes has no effect.
func (n *machine) inherit() (*os.Root, error) {
	dir, err := tempDir(n.w.Dir, n.name)
	if err != nil {
		return nil, err
	}
	if n.dir != nil {
		data, err := n.dir.ReadFile("instance.json")
		if err == nil {
			err = dir.WriteFile("instance.json", data, 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	n.dir = dir
	return dir, nil
}

// run is what `longshore agent` does under a supervisor.
func (a *agent) run(ctx context.Context, dir *os.Root) {
	for ctx.Err() == nil {
		err := a.serve(ctx, dir)
		if ctx.Err() != nil {
			return
		}
		a.n.w.lines.say(a.n.name, "agent ended: %v", err)
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

func (a *agent) serve(ctx context.Context, dir *os.Root) error {
	n, w := a.n, a.n.w
	d := n.dice.Of(fmt.Sprintf("life %d", a.life))
	e, err := docker.New(docker.Config{Log: w.log, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return a.host.Dial(ctx, n.docker+":2375")
	}})
	if err != nil {
		return err
	}
	err = e.Ping(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("reach the engine: %w", brief(err)), e.Close())
	}
	ids := d.Of("ids")
	one, err := node.New(node.Config{
		Server: serverURL, Region: installation().Region, Cluster: "default", Kind: node.KindEC2,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			i := installation()
			return aws.Credentials{AccessKeyID: i.AccessKeyID, SecretAccessKey: i.SecretAccessKey}, nil
		}),
		Attributes: map[string]string{attributeNode: n.name},
		Resources:  node.Resources{CPU: 4096, MemoryMiB: w.Memory},
		Tasks: taskrun.Config{
			Engine: e, Installation: installation().ID, Region: installation().Region,
			Ports: taskrun.NewPorts(49153, 65535, n.free), Slots: taskrun.NewSlots(0, 0),
			Now: time.Now, NewID: ids.UUID, Log: w.log,
		},
		DockerVersion: "sim", DataDir: dir,
		HTTP:    w.httpClient(a.host, d.Of("calls"), w.callOdds),
		Metrics: time.Minute, Now: time.Now, NewID: ids.UUID, Rand: d.Of("jitter").Float, Log: w.log,
	})
	if err != nil {
		return errors.Join(err, e.Close())
	}
	return errors.Join(one.Run(ctx), e.Close())
}

// end this life: the process is killed, or its machine loses power.
func (a *agent) end(powerless bool) {
	a.once.Do(func() {
		if powerless {
			a.host.Vanish()
		} else {
			a.host.Crash()
		}
		a.cancel()
	})
}

// kill the agent's process; its supervisor starts it again.
func (n *machine) kill(why string, down time.Duration) {
	n.mu.Lock()
	a := n.agent
	if n.off || a == nil {
		n.mu.Unlock()
		return
	}
	n.agent, n.trouble = nil, time.Now()
	n.mu.Unlock()
	a.end(false)
	n.w.fault("agent killed", fmt.Sprintf("%s life %d: %s, back in %s", n.name, a.life, why, down))
	time.AfterFunc(down, func() {
		n.mu.Lock()
		again := n.agent == nil && !n.off
		n.mu.Unlock()
		if again {
			n.startAgent()
		}
	})
}

// free says whether a host port can be bound: the truth, as binding it would tell.
func (n *machine) free(protocol string, port int) bool {
	for _, c := range n.engine.Running(nil) {
		for _, p := range c.Ports {
			if p.Protocol == protocol && p.HostPort == port {
				return false
			}
		}
	}
	return true
}

// changed hears of every change of a container.
func (n *machine) changed(c engine.Change) {
	x := c.Container
	task := x.Labels[docker.LabelTask]
	n.w.lines.say(n.docker, "%s %s of task %s (%s) exit=%d oom=%t %s", c.Action, x.Labels[docker.LabelContainer],
		short(task[strings.LastIndexByte(task, '/')+1:]), short(x.ID), x.ExitCode, x.OOMKilled, x.Health)
	out := oracle.Container{
		ID: x.ID, Task: task, Name: x.Labels[docker.LabelContainer], Role: x.Labels[docker.LabelRole],
		Running: x.Running, Removed: x.Removed, Created: x.Created, StartedAt: x.StartedAt, FinishedAt: x.FinishedAt,
		ExitCode: x.ExitCode, OOMKilled: x.OOMKilled,
	}
	for _, p := range x.Ports {
		out.HostPorts = append(out.HostPorts, fmt.Sprintf("%s/%d", p.Protocol, p.HostPort))
	}
	n.w.judge(func(o *oracle.Oracle) { o.Engine(n.name, out) })
}

// pull decides how long an image takes, and whether it comes.
func (n *machine) pull(image string) (time.Duration, error) {
	took := n.dice.Between(100*time.Millisecond, 3*time.Second)
	if n.dice.Chance(0.05) {
		took += 20 * time.Second
	}
	n.mu.Lock()
	wild := n.wild
	n.mu.Unlock()
	if n.dice.Chance(wild) {
		n.troubled()
		n.w.fault("failed pull", n.name+" "+image)
		return took, [...]error{engine.ErrTooMany, engine.ErrDigest, engine.ErrCut}[n.dice.Intn(3)]
	}
	return took, nil
}

func (n *machine) troubled() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trouble = time.Now()
}

// heardSince implements oracle.Config.HeardSince.
func (w *World) heardSince(name string) time.Time {
	for _, n := range w.nodes {
		if n.name != name {
			continue
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.off || n.agent == nil || n.deaf > 0 || !n.engine.Up() {
			return time.Time{}
		}
		return n.trouble
	}
	return time.Time{}
}

// nodeOf implements oracle.Config.Node.
func (w *World) nodeOf(k state.InstanceKey) string {
	s := w.theServer()
	if s == nil {
		return ""
	}
	i, ok := s.store.View().Instances().Get(k)
	if !ok {
		return ""
	}
	return i.Attribute(attributeNode)
}

// joined is how many instances are connected.
func (w *World) joined() int {
	s := w.theServer()
	if s == nil {
		return 0
	}
	n := 0
	for i := range s.store.View().Instances().All() {
		if i.Connected {
			n++
		}
	}
	return n
}
