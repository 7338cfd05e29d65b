//go:build docker

package taskrun_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
	"longshore/internal/node/docker/dockertest"
	"longshore/internal/node/taskrun"
)

// bench is one Machine on the local engine and everything it reported.
type bench struct {
	t       *testing.T
	engine  *docker.Engine
	install string
	ports   *taskrun.Ports

	mu      sync.Mutex
	changed chan struct{}
	seen    map[string][]taskrun.Snapshot

	machine *taskrun.Machine
	stop    func()
}

func newBench(t *testing.T) *bench {
	e := dockertest.Engine(t)
	b := &bench{
		t: t, engine: e, install: dockertest.Installation(t, e), seen: map[string][]taskrun.Snapshot{},
		changed: make(chan struct{}), ports: taskrun.NewPorts(0, 0, taskrun.ProbeHost),
	}
	b.start(func(*taskrun.Config) {})
	return b
}

// benchConfig is a Config for a Machine of its own.
func benchConfig(t testing.TB, e *docker.Engine, install string, report func(taskrun.Snapshot)) taskrun.Config {
	n := 0
	return taskrun.Config{
		Engine: e, Installation: install, Instance: "i-1", Cluster: "default",
		Ports: taskrun.NewPorts(0, 0, taskrun.ProbeHost), Slots: taskrun.NewSlots(4, 2), Now: time.Now,
		Retain: time.Millisecond, NewID: func() string { n++; return fmt.Sprintf("id-%d", n) },
		Log: slog.New(slog.DiscardHandler), Report: report,
	}
}

// start runs a new Machine, as a restarted process would.
func (b *bench) start(change func(*taskrun.Config)) {
	cgroups, err := os.OpenRoot("/sys/fs/cgroup")
	if err != nil {
		b.t.Fatal(err)
	}
	cfg := benchConfig(b.t, b.engine, b.install, b.report)
	cfg.Ports, cfg.Cgroups = b.ports, cgroups
	cfg.Retain, cfg.Resync = 100*time.Millisecond, time.Second
	cfg.Log = slog.New(slog.NewTextHandler(b.t.Output(), nil))
	change(&cfg)
	b.machine = taskrun.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = b.machine.Run(ctx); close(done) }()
	once := sync.OnceFunc(func() { cancel(); <-done; _ = cgroups.Close() })
	b.stop = once
	b.t.Cleanup(once)
}

func (b *bench) report(s taskrun.Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[s.TaskARN] = append(b.seen[s.TaskARN], s)
	close(b.changed)
	b.changed = make(chan struct{})
}

// until waits for a snapshot that satisfies the condition.
func (b *bench) until(arn, what string, ok func(taskrun.Snapshot) bool) taskrun.Snapshot {
	b.t.Helper()
	deadline := time.After(60 * time.Second)
	from := 0
	for {
		b.mu.Lock()
		list, changed := b.seen[arn], b.changed
		b.mu.Unlock()
		for ; from < len(list); from++ {
			if ok(list[from]) {
				return list[from]
			}
		}
		select {
		case <-changed:
		case <-deadline:
			b.t.Fatalf("task %s was never %s; saw %+v", arn, what, list)
		}
	}
}

func (b *bench) untilStatus(arn, status string) taskrun.Snapshot {
	b.t.Helper()
	return b.until(arn, status, func(s taskrun.Snapshot) bool { return s.Status == status })
}

func task(id string, containers ...acs.Container) acs.Task {
	return acs.Task{
		ARN: "arn:aws:ecs:us-east-1:000000000000:task/default/" + id, Family: "fam", Version: "1",
		DesiredStatus: acs.StatusRunning, NetworkMode: "bridge", Containers: containers,
	}
}

func container(name string, command ...string) acs.Container {
	return acs.Container{Name: name, Image: dockertest.Image, Essential: true, Command: command, Memory: 64}
}

func TestABridgeTaskServesOnTheDynamicPortItReports(t *testing.T) {
	b := newBench(t)
	c := container("web", "serve", "8080")
	c.PortMappings = []acs.PortMapping{{ContainerPort: 8080}}
	tk := task("11111111111111111111111111111111", c)
	began := time.Now()
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusRunning)
	t.Logf("RUNNING after %v", time.Since(began))
	web := s.Containers[0]
	if len(web.Bindings) != 1 || web.Bindings[0].ContainerPort != 8080 || web.Bindings[0].HostPort < 49153 {
		t.Fatalf("bindings %+v", web.Bindings)
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/x", web.Bindings[0].HostPort)
	waitHTTP(t, url)
	tk.DesiredStatus = acs.StatusStopped
	b.machine.Apply(tk)
	end := b.untilStatus(tk.ARN, acs.StatusStopped)
	if end.Containers[0].ExitCode == nil || end.Containers[0].Status != acs.StatusStopped {
		t.Fatalf("%+v", end)
	}
	if !taskrun.ProbeHost("tcp", web.Bindings[0].HostPort) {
		t.Fatal("STOPPED was reported while the host port was still taken")
	}
	b.machine.Accepted(tk.ARN)
	b.untilGone(tk.ARN)
}

func waitHTTP(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		res, err := http.Get(url)
		if err == nil {
			_ = res.Body.Close()
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatal("nothing answered at " + url)
}

// untilGone waits until no container of the task is left.
func (b *bench) untilGone(arn string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		list, err := b.engine.List(ctx, map[string]string{docker.LabelInstallation: b.install, docker.LabelTask: arn})
		if err == nil && len(list) == 0 {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	b.t.Fatal("containers are left of " + arn)
}

func TestExitCodesAndReasonsAreTheEnginesTruth(t *testing.T) {
	b := newBench(t)
	eat := container("eat", "eat")
	eat.Memory = 16
	eat.DockerConfig = &acs.DockerConfig{HostConfig: `{"MemorySwap":16777216}`}
	missing := container("missing", "exit")
	missing.Image = "localhost:1/no/such:1"
	broken := container("broken")
	broken.EntryPoint = []string{"/no/such/file"}
	cases := []struct {
		name   string
		c      acs.Container
		code   int
		reason string
	}{
		{"exit 3", container("c", "exit", "3"), 3, ""},
		{"out of memory", eat, 137, "OutOfMemoryError: Container killed due to memory usage"},
		{"image cannot be pulled", missing, -1, "CannotPullContainerError:"},
		{"command does not exist", broken, -1, "CannotStartContainerError:"},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tk := task(fmt.Sprintf("2222222222222222222222222222222%d", i), c.c)
			b.machine.Apply(tk)
			s := b.untilStatus(tk.ARN, acs.StatusStopped)
			got := s.Containers[0]
			if !strings.HasPrefix(got.Reason, c.reason) || c.reason == "" && got.Reason != "" {
				t.Errorf("reason %q", got.Reason)
			}
			if c.code >= 0 && (got.ExitCode == nil || *got.ExitCode != c.code) || c.code < 0 && got.ExitCode != nil {
				t.Errorf("exit code %v", got.ExitCode)
			}
		})
	}
}

func TestATaskThatOutgrowsItsOwnMemoryLimitIsKilledForIt(t *testing.T) {
	b := newBench(t)
	c := container("eat", "eat")
	c.Memory = 0
	tk := task("22222222222222222222222222222229", c)
	tk.Memory = 32
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusStopped)
	if !strings.HasPrefix(s.Containers[0].Reason, "OutOfMemoryError:") || *s.Containers[0].ExitCode != 137 {
		t.Fatalf("%+v", s.Containers[0])
	}
}

func TestARestartedAgentFindsItsContainersAndTheTruthOfThoseThatDied(t *testing.T) {
	b := newBench(t)
	lives := task("33333333333333333333333333333331", container("a"))
	dies := task("33333333333333333333333333333332", container("a", "term", "9"))
	orphan := task("33333333333333333333333333333333", container("a"))
	for _, tk := range []acs.Task{lives, dies, orphan} {
		b.machine.Apply(tk)
	}
	one := b.untilStatus(lives.ARN, acs.StatusRunning)
	two := b.untilStatus(dies.ARN, acs.StatusRunning)
	b.untilStatus(orphan.ARN, acs.StatusRunning)
	b.stop()
	b.waitLog(two.Containers[0].RuntimeID)
	err := b.engine.Stop(t.Context(), two.Containers[0].RuntimeID, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.seen = map[string][]taskrun.Snapshot{}
	b.mu.Unlock()
	b.start(func(*taskrun.Config) {})
	b.machine.Apply(lives)
	b.machine.Apply(dies)
	again := b.untilStatus(lives.ARN, acs.StatusRunning)
	if again.Containers[0].RuntimeID != one.Containers[0].RuntimeID {
		t.Fatal("a running container was not adopted")
	}
	dead := b.untilStatus(dies.ARN, acs.StatusStopped)
	if dead.Containers[0].ExitCode == nil || *dead.Containers[0].ExitCode != 9 {
		t.Fatalf("exit code of a death while away: %+v", dead.Containers[0])
	}
	b.machine.Manifest([]acs.TaskIdentifier{{TaskARN: lives.ARN, DesiredStatus: acs.StatusRunning}})
	b.untilGone(orphan.ARN)
}

// waitLog returns once the container has written something.
func (b *bench) waitLog(id string) {
	r, err := b.engine.Logs(b.t.Context(), id, time.Time{}, true)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Read(make([]byte, 8))
	if err != nil {
		b.t.Fatal(err)
	}
}
