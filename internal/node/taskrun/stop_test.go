package taskrun_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
	"longshore/internal/node/taskrun"
	"longshore/internal/sim/engine"
)

// hinder lets something befall the first call of an operation.
func hinder(op string, after bool, v engine.Verdict) func(engine.Call) engine.Verdict {
	return func(c engine.Call) engine.Verdict {
		if c.Op == op && c.After == after && c.N == 1 {
			return v
		}
		return engine.Verdict{}
	}
}

// stopped runs tasks, stops the last after ten seconds, accepts its end five seconds after it was told and looks again after
// five minutes. It returns the report of the end, how long after the stop it came, and the log.
func stopped(t *testing.T, e *docker.Engine, slots int, tasks ...acs.Task) (taskrun.Snapshot, time.Duration, string) {
	t.Helper()
	var log strings.Builder
	var end taskrun.Snapshot
	var asked, told time.Time
	ids := 0
	var m *taskrun.Machine
	m = taskrun.New(taskrun.Config{
		Engine: e, Installation: "x", Instance: "i",
		Ports: taskrun.NewPorts(0, 0, func(string, int) bool { return true }), Slots: taskrun.NewSlots(slots, 0),
		Now: time.Now, NewID: func() string { ids++; return fmt.Sprintf("id-%d", ids) },
		Log: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), &log), nil)),
		Report: func(s taskrun.Snapshot) {
			if s.TaskARN != tasks[len(tasks)-1].ARN || s.Status != acs.StatusStopped || !told.IsZero() {
				return
			}
			end, told = s, time.Now()
			time.AfterFunc(5*time.Second, func() { m.Accepted(s.TaskARN) })
		},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	listed := []acs.TaskIdentifier{}
	for i, task := range tasks { // one after the other: the first has the first slot
		time.AfterFunc(time.Duration(i)*time.Second, func() { m.Apply(task) })
		listed = append(listed, acs.TaskIdentifier{TaskARN: task.ARN, DesiredStatus: acs.StatusRunning})
	}
	m.Manifest(listed)
	time.AfterFunc(10*time.Second, func() {
		asked = time.Now()
		m.Apply(acs.Task{ARN: tasks[len(tasks)-1].ARN, DesiredStatus: acs.StatusStopped})
	})
	_ = m.Run(ctx)
	if told.IsZero() {
		t.Fatal("it never stopped")
	}
	return end, told.Sub(asked), log.String()
}

func TestAStopDoesNotWaitForAnEngineThatHangs(t *testing.T) {
	one := acs.Task{ARN: missingTask, DesiredStatus: acs.StatusRunning, NetworkMode: "bridge",
		Containers: []acs.Container{{Name: "app", Image: "sim/web", Essential: true}}}
	for name, c := range map[string]struct {
		op    string
		after bool
		is    engine.Verdict
		want  string
		life  bool // its process lives for a while
	}{
		"a create":                     {"create", false, engine.Verdict{Hang: true}, "STOPPED app STOPPED", false},
		"a create that was done":       {"create", true, engine.Verdict{Hang: true}, "STOPPED app STOPPED", false},
		"a create that is done late":   {"create", false, engine.Verdict{Late: 40 * time.Second}, "STOPPED app STOPPED", false},
		"a create done before retreat": {"create", false, engine.Verdict{Late: 12 * time.Second}, "STOPPED app STOPPED", false},
		"a start":                      {"start", false, engine.Verdict{Hang: true}, "STOPPED app STOPPED", false},
		"a start that was done":        {"start", true, engine.Verdict{Hang: true}, "STOPPED app STOPPED 0", true},
		"a start that is done late":    {"start", false, engine.Verdict{Late: 40 * time.Second}, "STOPPED app STOPPED", false},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, hinder(c.op, c.after, c.is), func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
				end, took, _ := stopped(t, e, 0, one)
				if show(end) != c.want || took > 5*time.Second {
					t.Errorf("%s after %s; want %s", show(end), took, c.want)
				}
				lived := false
				for _, x := range sim.Containers() {
					lived = lived || !x.StartedAt.IsZero()
					if !x.Removed {
						t.Errorf("container %s is left", x.ID)
					}
				}
				if lived != c.life {
					t.Errorf("its process lived: %t", lived)
				}
			})
		})
	}
}

func TestAStopWaitsForACallThatIsSoonAnswered(t *testing.T) {
	one := acs.Task{ARN: missingTask, DesiredStatus: acs.StatusRunning, NetworkMode: "bridge",
		Containers: []acs.Container{{Name: "app", Image: "sim/web", Essential: true}}}
	for op, want := range map[string]string{"create": "STOPPED app STOPPED", "start": "STOPPED app STOPPED 0"} {
		t.Run(op, func(t *testing.T) {
			simulated(t, hinder(op, false, engine.Verdict{Delay: 12 * time.Second}),
				func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
					end, took, log := stopped(t, e, 0, one)
					if show(end) != want || took < time.Second || took > 5*time.Second {
						t.Errorf("%s after %s; want %s", show(end), took, want)
					}
					if strings.Contains(log, "no task claims") {
						t.Error("its container was left to be looked for")
					}
					if left := sim.Containers(); len(left) != 1 || !left[0].Removed {
						t.Errorf("containers: %+v", left)
					}
				})
		})
	}
}

func TestATaskSaysThatItWaitsForTheEngine(t *testing.T) {
	one := acs.Task{ARN: missingTask, DesiredStatus: acs.StatusRunning, NetworkMode: "bridge",
		Containers: []acs.Container{{Name: "app", Image: "sim/web", Essential: true}}}
	const waits = "Docker Engine has not answered yet (create)"
	simulated(t, hinder("create", false, engine.Verdict{Delay: 40 * time.Second}),
		func(t *testing.T, _ *engine.Engine, e *docker.Engine) {
			reasons := []string{}
			m := taskrun.New(taskrun.Config{
				Engine: e, Installation: "x", Instance: "i", Slots: taskrun.NewSlots(0, 0),
				Ports: taskrun.NewPorts(0, 0, func(string, int) bool { return true }),
				Now:   time.Now, NewID: func() string { return "id" }, Log: slog.New(slog.DiscardHandler),
				Report: func(s taskrun.Snapshot) { reasons = append(reasons, s.Status+" "+s.Containers[0].Reason) },
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			m.Apply(one)
			_ = m.Run(ctx)
			got := strings.Join(slices.Compact(reasons), ", ")
			if got != "PENDING , PENDING "+waits+", PENDING , RUNNING " {
				t.Error(got)
			}
		})
}

func TestAStopDoesNotWaitForTheHungCreatesOfOthers(t *testing.T) {
	hang := func(c engine.Call) engine.Verdict {
		return engine.Verdict{Hang: c.Op == "create" && strings.Contains(c.Container, "-hangs-")}
	}
	task := func(id, container string) acs.Task {
		return acs.Task{ARN: strings.Replace(missingTask, "0123", id, 1), DesiredStatus: acs.StatusRunning,
			NetworkMode: "bridge", Containers: []acs.Container{{Name: container, Image: "sim/web", Essential: true}}}
	}
	simulated(t, hang, func(t *testing.T, sim *engine.Engine, e *docker.Engine) {
		end, took, _ := stopped(t, e, 1, task("aaaa", "hangs"), task("bbbb", "waits"))
		if show(end) != "STOPPED waits STOPPED" || took > time.Second {
			t.Errorf("%s after %s", show(end), took)
		}
		if n := len(sim.Containers()); n > 0 {
			t.Errorf("%d containers", n)
		}
	})
}
