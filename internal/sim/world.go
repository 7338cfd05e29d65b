package sim

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"longshore/internal/sim/dice"
	"longshore/internal/sim/disk"
	"longshore/internal/sim/network"
	"longshore/internal/sim/oracle"
	"longshore/internal/sim/workload"
)

// Config of a run.
type Config struct {
	// Seed decides everything.
	Seed uint64
	// Minutes of simulated time, of which faults happen in the first four fifths; 0 = 10.
	Minutes int
	// Nodes is how many machines run containers; 0 = 3.
	Nodes int
	// Transcript gets every line; nil keeps the last ones only.
	Transcript io.Writer
	// Dir is where agents keep their files; an empty directory.
	Dir string
	// Profile is where a CPU profile is written; "" = nowhere.
	Profile string
	// Only names the mishaps that may happen; empty = all. Where machines die every few seconds, what goes wrong
	// on a connection that lives is mended by its end.
	Only []string
	// Pause is the longest between two calls of a client; 0 = 2 s. Hasty clients change a service again before what
	// goes wrong slowly can be seen.
	Pause time.Duration
	// Memory of each machine in MiB, where room is to be scarce; 0 = 8192.
	Memory int
	// Verbose adds what the code under test logs.
	Verbose bool
}

// keptLines of a transcript are what a failing seed shows.
const keptLines = 200

// World is an installation and everything around it.
type World struct {
	Config
	dice   *dice.Dice
	log    *slog.Logger
	net    *network.Network
	disk   *disk.Disk
	nodes  []*machine
	load   *workload.Load
	points *points
	lines  *transcript
	client *caller

	mu     sync.Mutex // guards what follows
	server *server
	served time.Time // since when the server runs; zero while it does not
	calm   bool      // no faults any more
	skew   time.Duration
	odds   odds
	report Report

	judging sync.Mutex // the oracle takes one call at a time
	oracle  *oracle.Oracle
}

// odds of the moment.
type odds struct {
	calls      network.Calls
	full, fail float64
}

// Run runs one seed; it must be called in a synctest bubble, which it leaves with goroutines in it.
func Run(c Config) Report {
	if c.Minutes == 0 {
		c.Minutes = 10
	}
	if c.Nodes == 0 {
		c.Nodes = 3
	}
	if c.Memory == 0 {
		c.Memory = 8192
	}
	w := newWorld(c)
	ctx := context.Background()
	w.startServer()
	for _, n := range w.nodes {
		n.powerOn()
	}
	w.await(func() bool { return w.joined() == len(w.nodes) }, time.Minute)
	loading, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { w.load.Run(loading) })
	wg.Go(func() { w.nature(loading) })
	wg.Go(func() { w.tick(ctx) })
	time.Sleep(time.Duration(c.Minutes) * time.Minute * 4 / 5)
	stop()
	w.peace()
	w.settle(ctx)
	return w.finish()
}

func newWorld(c Config) *World {
	w := &World{Config: c, dice: dice.New(c.Seed), log: slog.New(slog.DiscardHandler)}
	w.report = Report{Seed: c.Seed, Faults: map[string]int{}}
	w.lines = newTranscript(time.Now, keptLines, c.Transcript)
	w.points = newPoints()
	if c.Verbose {
		w.log = slog.New(&handler{lines: w.lines})
	}
	w.net = network.New(network.Config{
		Dice: w.dice.Of("net"), Now: time.Now, Low: 200 * time.Microsecond, High: 3 * time.Millisecond,
		Point: w.points.pass, Note: w.fault,
	})
	w.disk = disk.New(disk.Config{
		Dice: w.dice.Of("disk"), Sync: time.Millisecond, Stall: 200 * time.Millisecond,
		Full: func() float64 { return w.now().full }, Fail: func() float64 { return w.now().fail },
		Point: func(what string) { w.points.pass(serverHost, what) },
		Note:  w.fault,
	})
	images := workload.Usual()
	w.oracle = oracle.New(oracle.Config{
		Now: time.Now, Violate: w.violate, HeardSince: w.heardSince, ServedSince: w.servedSince, Node: w.nodeOf,
		Doomed: images.Doomed,
	})
	for i := range c.Nodes {
		w.nodes = append(w.nodes, newMachine(w, i+1))
	}
	w.client = newCaller(w)
	d := w.dice.Of("load")
	w.load = workload.New(workload.Config{
		Call: w.client.call, Rand: rand.New(rand.NewPCG(d.Uint64(), d.Uint64())), Now: time.Now,
		Note:    func(text string) { w.lines.say("client", "%s", text) },
		Violate: w.violate, Images: images, Pause: c.Pause,
	})
	return w
}

func (w *World) now() odds {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.odds
}

// fault counts and tells what befell the world.
func (w *World) fault(kind, text string) {
	w.mu.Lock()
	w.report.Faults[kind]++
	w.mu.Unlock()
	w.lines.say("fault", "%s %s", kind, text)
}

// maxViolations that a report holds; the first is what matters.
const maxViolations = 20

// violate is told by the oracle and the clients.
func (w *World) violate(invariant, text string) {
	w.lines.say("VIOLATION", "%s: %s", invariant, text)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.report.Violations) == 0 {
		w.report.Tail = w.lines.tail()
	}
	if len(w.report.Violations) < maxViolations {
		w.report.Violations = append(w.report.Violations, Violation{
			At: time.Since(w.lines.began), Invariant: invariant, Text: text})
	}
}

// judge lets the oracle look, one event at a time.
func (w *World) judge(look func(*oracle.Oracle)) {
	w.judging.Lock()
	defer w.judging.Unlock()
	look(w.oracle)
}

// tick lets the oracle see what only time breaks.
func (w *World) tick(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			w.judge((*oracle.Oracle).Tick)
		case <-ctx.Done():
			return
		}
	}
}

// await polls until something is so, or gives up.
func (w *World) await(so func() bool, limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if so() {
			return true
		}
		time.Sleep(500 * time.Millisecond)
	}
	return so()
}

// restBound is how long after the last fault everything is as it was asked for: an agent's longest pause between
// two connects, and what the longest stop takes.
const restBound = 6 * time.Minute

// settle waits for rest, then compares everything with everything.
func (w *World) settle(ctx context.Context) {
	began := time.Now()
	unsettled := func() []string {
		w.judging.Lock()
		defer w.judging.Unlock()
		return w.oracle.Unsettled()
	}
	// What nobody waits for may still be on its way at first.
	time.Sleep(10 * time.Second)
	rested := w.await(func() bool { return len(unsettled()) == 0 }, restBound)
	w.report.Settled = -1
	if rested {
		w.report.Settled = time.Since(began).Seconds()
	}
	time.Sleep(max(20*time.Second, time.Duration(w.Minutes)*time.Minute-time.Since(w.lines.began)))
	w.judge((*oracle.Oracle).Quiet)
	err := w.load.Settle(ctx)
	if err != nil {
		w.violate("O4", fmt.Sprintf("the API does not answer long after the last fault: %v", err))
	}
}

func (w *World) finish() Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.report
	r.Events, r.Hash = w.lines.digest()
	r.Commits = w.disk.Commits()
	r.Calls = w.load.Counts().Answers
	r.Containers = w.oracle.Counts().Started
	r.Kills = r.Faults["server killed"] + r.Faults["agent killed"] + r.Faults["power cut"]
	return r
}

// tempDir of a node's agent.
func tempDir(parent, name string) (*os.Root, error) {
	dir, err := os.MkdirTemp(parent, name+".*")
	if err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}
