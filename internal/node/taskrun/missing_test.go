package taskrun_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
	"longshore/internal/node/taskrun"
	"longshore/internal/sim/engine"
)

// pipes is a listener whose connections live in memory.
type pipes struct {
	net.Listener // nil: nobody asks for the address
	conns        chan net.Conn
	done         chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { close(p.done); return nil }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// simulated runs a test in a bubble with a simulated engine, whose calls may have accidents.
func simulated(t *testing.T, fault func(engine.Call) engine.Verdict, test func(*testing.T, *engine.Engine, *docker.Engine)) {
	synctest.Test(t, func(t *testing.T) {
		ids := 0
		sim := engine.New(engine.Config{
			Now: time.Now, NewID: func() string { ids++; return fmt.Sprintf("%064x", ids) },
			Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Fault: fault,
		})
		sim.AddImage("sim/web")
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		srv := &http.Server{Handler: sim.Handler()}
		go func() { _ = srv.Serve(p) }()
		e, err := docker.New(docker.Config{Log: slog.New(slog.DiscardHandler), Dial: p.dial})
		if err != nil {
			t.Fatal(err)
		}
		test(t, sim, e)
		_ = e.Close()
		_ = srv.Close()
	})
}

// life is one process's Machine, for as long as the given time, with one task; it returns the last report of it.
func life(t *testing.T, e *docker.Engine, nets taskrun.Networks, task acs.Task) taskrun.Snapshot {
	t.Helper()
	var last taskrun.Snapshot
	ids := 0
	m := taskrun.New(taskrun.Config{
		Engine: e, Installation: "x", Instance: "i", Networks: nets,
		Ports: taskrun.NewPorts(0, 0, func(string, int) bool { return true }), Slots: taskrun.NewSlots(0, 0),
		Now: time.Now, NewID: func() string { ids++; return fmt.Sprintf("id-%d", ids) },
		Log:    slog.New(slog.NewTextHandler(t.Output(), nil)),
		Report: func(s taskrun.Snapshot) { last = s },
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m.Apply(task)
	_ = m.Run(ctx)
	return last
}

const missingTask = "arn:aws:ecs:us-east-1:000000000000:task/default/0123456789abcdef0123456789abcdef"

func twoContainers(known *acs.TaskExtension) acs.Task {
	return acs.Task{ARN: missingTask, DesiredStatus: acs.StatusRunning, NetworkMode: "bridge", Longshore: known,
		Containers: []acs.Container{{Name: "app", Image: "sim/web", Essential: true}, {Name: "side", Image: "sim/web"}}}
}

// show tells how a task ended up: its status, then each container's, with a star where somebody removed it.
func show(s taskrun.Snapshot) string {
	out := s.Status
	for _, c := range s.Containers {
		out += " " + c.Name + " " + c.Status
		if strings.Contains(c.Reason, "removed from the Docker engine") {
			out += "*"
		}
		if c.ExitCode != nil {
			out += fmt.Sprintf(" %d", *c.ExitCode)
		}
	}
	return out
}

func TestWhatWasRemovedWhileNobodyWatchedIsToldStoppedAndNotStartedAgain(t *testing.T) {
	ran := &acs.TaskExtension{LastStatus: acs.StatusRunning}
	for name, c := range map[string]struct {
		remove string
		known  *acs.TaskExtension
		want   string
		births int
	}{
		"all":                         {"app side", ran, "STOPPED app STOPPED* side STOPPED*", 0},
		"the essential one":           {"app", ran, "STOPPED app STOPPED* side STOPPED 0", 0},
		"another":                     {"side", ran, "RUNNING app RUNNING side STOPPED*", 0},
		"none":                        {"", ran, "RUNNING app RUNNING side RUNNING", 0},
		"one whose end was told":      {"side", ended("side"), "RUNNING app RUNNING side STOPPED", 0},
		"all of a task not yet told":  {"app side", &acs.TaskExtension{}, "RUNNING app RUNNING side RUNNING", 2},
		"all, by an official server":  {"app side", nil, "RUNNING app RUNNING side RUNNING", 2},
		"one of a task not yet told ": {"side", nil, "RUNNING app RUNNING side RUNNING", 1},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, nil, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
				got := show(life(t, e, nil, twoContainers(nil)))
				if got != "RUNNING app RUNNING side RUNNING" {
					t.Fatal(got)
				}
				before := sim.Containers()
				for _, b := range before {
					if strings.Contains(c.remove, b.Labels[docker.LabelContainer]) && !sim.RemoveByHand(b.ID) {
						t.Fatal("it was not there")
					}
				}
				got = show(life(t, e, nil, twoContainers(c.known)))
				births := len(sim.Containers()) - len(before)
				if got != c.want || births != c.births {
					t.Errorf("%s, %d containers made; want %s, %d", got, births, c.want, c.births)
				}
			})
		})
	}
}

func ended(name string) *acs.TaskExtension {
	return &acs.TaskExtension{LastStatus: acs.StatusRunning, Ended: []string{name}}
}

// takenBack is a Networks that only counts what is given back.
type takenBack int

func (n *takenBack) Attach(context.Context, string, acs.ENI, taskrun.NetworkOptions) (string, error) {
	return "", errors.New("a task that is over needs no interface")
}

func (n *takenBack) Detach(context.Context, string) error { *n++; return nil }

func TestATaskWhoseContainersWereRemovedGivesItsInterfaceBack(t *testing.T) {
	simulated(t, nil, func(t *testing.T, _ *engine.Engine, e *docker.Engine) {
		var nets takenBack
		task := twoContainers(&acs.TaskExtension{LastStatus: acs.StatusRunning})
		task.NetworkMode = "awsvpc"
		s := life(t, e, &nets, task)
		if show(s) != "STOPPED app STOPPED* side STOPPED*" || s.ExecutionStoppedAt.IsZero() || nets != 1 {
			t.Errorf("%s at %s, %d interfaces given back", show(s), s.ExecutionStoppedAt, nets)
		}
	})
}
