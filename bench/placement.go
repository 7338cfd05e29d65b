package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/control/schedule"
	"longshore/internal/place"
	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
)

// The loads: all tasks of a million, what a comparison of sizes needs, and what the other shapes get.
const (
	allTasks   = 1_000_000
	someTasks  = 100_000
	manyNodes  = 5000
	fewNodes   = 500
	placeGoal  = "≥ 100,000/s"
	tasksANode = allTasks / manyNodes
)

// placement measures the schedule loop from tasks that wait in a durable store to tasks with a durable
// instance, and compares what it chose with a search through all instances.
func placement(b *bench) error {
	err := b.flatness()
	if err != nil {
		return err
	}
	err = b.million()
	if err != nil {
		return err
	}
	return b.otherShapes()
}

// flatness places the same tasks on few and on many instances, in turns, and takes the medians.
func (b *bench) flatness() error {
	var few, many []float64
	for range 3 {
		for _, nodes := range []int{fewNodes, manyNodes} {
			w, err := b.placed(zonesShape(), nodes, someTasks)
			if err != nil {
				return err
			}
			if nodes == fewNodes {
				few = append(few, w.rate)
				continue
			}
			many = append(many, w.rate)
		}
	}
	slices.Sort(few)
	slices.Sort(many)
	b.add(figure{Name: "placements of 100,000 waiting tasks on 500 instances, durable", Value: few[1], Unit: "tasks/s",
		Peer: "on 5,000 instances", PeerValue: many[1], Target: "≤ 1.2×"})
	return nil
}

// million places all tasks and leaves them there for a look at the memory.
func (b *bench) million() error {
	w, err := b.keep(zonesShape(), manyNodes, allTasks)
	if err != nil {
		return err
	}
	naive := w.naive(time.Second)
	b.add(figure{Name: "placements of 1,000,000 waiting tasks on 5,000 instances, durable", Value: w.rate, Unit: "tasks/s",
		Peer: "a search through all instances, choices only", PeerValue: naive, Target: placeGoal})
	b.add(figure{Name: "largest difference between the zones of a service", Value: float64(w.skew()), Unit: "tasks",
		Target: "≤ 1"})
	debug.FreeOSMemory()
	b.add(figure{Name: "memory of the process that holds them", Value: float64(resident()) / (1 << 20), Unit: "MiB",
		Target: "≤ 2048"})
	return w.close()
}

// otherShapes places by every other strategy and need.
func (b *bench) otherShapes() error {
	for _, s := range []shape{binpackShape(), hostShape(), daemonShape(), portsShape(), gpusShape()} {
		w, err := b.placed(s, manyNodes, someTasks)
		if err != nil {
			return err
		}
		b.add(figure{Name: "placements, " + s.name, Value: w.rate, Unit: "tasks/s", Peer: "a search through all instances, choices only",
			PeerValue: w.peer, Target: placeGoal})
		if s.packs {
			b.add(figure{Name: "instances used by binpack", Value: float64(w.used()), Unit: "instances",
				Peer: "exact best fit", PeerValue: float64(w.bestFit()), Target: "≤ 1.02×"})
		}
	}
	return nil
}

// placed measures one shape and closes the store behind it.
func (b *bench) placed(s shape, nodes, tasks int) (*placing, error) {
	w, err := b.keep(s, nodes, tasks)
	if err != nil {
		return nil, err
	}
	if s.name != zonesShape().name {
		w.peer = w.naive(300 * time.Millisecond)
	}
	return w, w.close()
}

// keep lets the tasks of a shape wait, starts the loop, and measures until none waits any more.
func (b *bench) keep(s shape, nodes, tasks int) (*placing, error) {
	dir, err := os.MkdirTemp(b.dir, "placement")
	if err != nil {
		return nil, err
	}
	engine, err := pebble.Open(pebble.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	st, err := store.Open(b, engine)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	w := &placing{shape: s, st: st, dir: dir, nodes: nodes, tasks: tasks}
	err = w.fill(b)
	if err == nil {
		debug.FreeOSMemory()
		err = w.run(b)
	}
	if err == nil {
		err = w.verify()
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// placing is a store with instances, and tasks that wait or have waited.
type placing struct {
	shape
	st           *store.Store
	board        *place.Board // held for as long as the tasks are, as a daemon does
	dir          string
	nodes, tasks int
	rate, peer   float64
	cpu          time.Duration // of the whole process, while it placed
}

func (w *placing) close() error { return errors.Join(w.st.Close(), os.RemoveAll(w.dir)) }

// fill writes instances, task definition and waiting tasks.
func (w *placing) fill(ctx context.Context) error {
	err := w.st.Update(ctx, func(tx *store.Tx) error {
		for i := range w.nodes {
			tx.Instances().Put(w.instance(i))
		}
		tx.TaskDefinitions().Put(placedDefinition())
		return nil
	})
	const burst = 10_000
	for from := 0; err == nil && from < w.tasks; from += burst {
		err = w.st.Update(ctx, func(tx *store.Tx) error {
			for n := from; n < min(from+burst, w.tasks); n++ {
				tx.Tasks().Put(w.task(n, w.nodes))
			}
			return nil
		})
	}
	return err
}

// run keeps the promise as the daemon does until every task has an instance.
func (w *placing) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	board := place.NewBoard(func(int) int { return 0 })
	board.Sole()
	w.board = board
	promise := schedule.New(schedule.Config{Store: w.st, Board: board, Now: time.Now,
		NewID: func() string { return "00000000-0000-4000-8000-000000000000" }})
	view := w.st.View()
	ended := make(chan error, 2)
	began, busy := time.Now(), processor()
	go func() { ended <- schedule.Follow(ctx, w.st, board) }()
	go func() {
		ended <- loop.Run(ctx, loop.Config{Store: w.st, Promise: promise, Now: time.Now,
			Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	}()
	err := w.wait(ctx, view.Watch())
	w.rate = float64(w.tasks) / time.Since(began).Seconds()
	w.cpu = processor() - busy
	cancel()
	<-ended
	<-ended
	return err
}

// wait returns when no task waits; one that is refused ends it.
func (w *placing) wait(ctx context.Context, commits *store.Watcher) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	for {
		_, _, err := commits.Next(ctx)
		if err != nil {
			return fmt.Errorf("wait for placements: %w", err)
		}
		waits := false
		for t := range w.st.View().Tasks().Unplaced(placedCluster()) {
			waits = true
			if t.Waiting != nil {
				return fmt.Errorf("task %s of %s was refused: %s", t.Key.ID(), t.Group, t.Waiting.Reason)
			}
			break
		}
		if !waits {
			return nil
		}
	}
}

// processor is how much of the processors the process has used.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it fails for bad arguments only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is how many bytes of the process are in memory.
func resident() int {
	text, _ := os.ReadFile("/proc/self/status") // empty: the figure is 0 and shows it
	for line := range strings.Lines(string(text)) {
		kib := 0
		n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib)
		if n == 1 {
			return kib << 10
		}
	}
	return 0
}
