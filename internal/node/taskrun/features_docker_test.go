//go:build docker

package taskrun_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
	"longshore/internal/node/docker/dockertest"
	"longshore/internal/node/taskrun"
)

func healthy(path string) *acs.DockerConfig {
	return &acs.DockerConfig{Config: `{"Healthcheck":{"Test":["CMD","/probe","check","` + path + `"],` +
		`"Interval":100000000,"Timeout":2000000000,"Retries":1}}`}
}

func TestHealthyDependenciesGateTheirDependentsAndHealthIsReported(t *testing.T) {
	b := newBench(t)
	db := container("db")
	db.Essential, db.HealthCheckType, db.DockerConfig = false, acs.HealthCheckDocker, healthy("/probe")
	app := container("app")
	app.DependsOn = []acs.Dependency{{ContainerName: "db", Condition: acs.ConditionHealthy}}
	tk := task("44444444444444444444444444444441", app, db)
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusRunning)
	if s.Containers[1].Health != acs.HealthHealthy {
		t.Fatalf("app runs before db is healthy: %+v", s.Containers)
	}
}

func TestADependencyThatCannotBeMetEndsTheTaskWithAReason(t *testing.T) {
	b := newBench(t)
	db := container("init", "exit", "1")
	db.Essential = false
	app := container("app")
	app.DependsOn = []acs.Dependency{{ContainerName: "init", Condition: acs.ConditionSuccess}}
	tk := task("44444444444444444444444444444442", app, db)
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusStopped)
	if !strings.HasPrefix(s.Containers[0].Reason, "TaskDependencyError:") || *s.Containers[1].ExitCode != 1 {
		t.Fatalf("%+v", s.Containers)
	}
}

func TestTaskVolumesAreSharedByTheTaskAndGoWithIt(t *testing.T) {
	b := newBench(t)
	host := t.TempDir()
	w := container("writer", "write", "/data/x")
	w.Essential = false
	w.MountPoints = []acs.MountPoint{{SourceVolume: "data", ContainerPath: "/data"}, {SourceVolume: "host", ContainerPath: "/host"}}
	r := container("reader", "check", "/data/x")
	r.VolumesFrom = []acs.VolumeFrom{{SourceContainer: "writer", ReadOnly: true}}
	r.DependsOn = []acs.Dependency{{ContainerName: "writer", Condition: acs.ConditionSuccess}}
	tk := task("44444444444444444444444444444443", w, r)
	tk.Volumes = []acs.Volume{
		{Name: "data", Type: "docker", Docker: &acs.DockerVolume{Scope: "task"}},
		{Name: "host", Type: "host", Host: &acs.HostVolume{SourcePath: host}},
	}
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusStopped)
	if s.Containers[1].ExitCode == nil || *s.Containers[1].ExitCode != 0 {
		t.Fatalf("the reader did not see the file: %+v", s)
	}
	b.machine.Accepted(tk.ARN)
	b.untilGone(tk.ARN)
	b.eventually("the volume is gone", func() bool {
		v, err := b.engine.ListVolumes(t.Context(), map[string]string{docker.LabelInstallation: b.install})
		return err == nil && len(v) == 0
	})
}

func (b *bench) eventually(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			b.t.Fatal("never: " + what)
		}
	}
}

func TestTaskLimitsHoldForTheTaskAsAWhole(t *testing.T) {
	b := newBench(t)
	tk := task("44444444444444444444444444444444", container("a"))
	tk.CPU, tk.Memory = 0.25, 128
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusRunning)
	if len(s.Warnings) > 0 {
		t.Fatalf("warnings %v", s.Warnings)
	}
	dir := "/ecs/" + b.install + "/44444444444444444444444444444444"
	limit, err := os.ReadFile("/sys/fs/cgroup/memory" + dir + "/memory.limit_in_bytes")
	if err != nil || strings.TrimSpace(string(limit)) != strconv.Itoa(128<<20) {
		t.Fatalf("memory limit %s %v", limit, err)
	}
	quota, err := os.ReadFile("/sys/fs/cgroup/cpu" + dir + "/cpu.cfs_quota_us")
	if err != nil || strings.TrimSpace(string(quota)) != "25000" {
		t.Fatalf("cpu quota %s %v", quota, err)
	}
	tk.DesiredStatus = acs.StatusStopped
	b.machine.Apply(tk)
	b.untilStatus(tk.ARN, acs.StatusStopped)
	b.machine.Accepted(tk.ARN)
	b.eventually("the cgroup is gone", func() bool {
		_, err := os.Stat("/sys/fs/cgroup/memory" + dir)
		return os.IsNotExist(err)
	})
	_ = os.Remove("/sys/fs/cgroup/memory/ecs/" + b.install)
}

func TestAContainerThatIsRemovedPausedOrKilledBehindOurBackIsNoticed(t *testing.T) {
	b := newBench(t)
	removed := task("44444444444444444444444444444451", container("a"))
	killed := task("44444444444444444444444444444452", container("a"))
	b.machine.Apply(removed)
	b.machine.Apply(killed)
	one := b.untilStatus(removed.ARN, acs.StatusRunning)
	two := b.untilStatus(killed.ARN, acs.StatusRunning)
	err := errors.Join(b.engine.Remove(t.Context(), one.Containers[0].RuntimeID),
		b.engine.Kill(t.Context(), two.Containers[0].RuntimeID, "KILL"))
	if err != nil {
		t.Fatal(err)
	}
	s := b.untilStatus(removed.ARN, acs.StatusStopped)
	if s.Containers[0].ExitCode == nil && !strings.HasPrefix(s.Containers[0].Reason, "DockerStateError:") {
		t.Fatalf("%+v", s.Containers[0])
	}
	s = b.untilStatus(killed.ARN, acs.StatusStopped)
	if *s.Containers[0].ExitCode != 137 {
		t.Fatalf("%+v", s.Containers[0])
	}
}

func TestARestartPolicyKeepsTheTaskRunning(t *testing.T) {
	b := newBench(t)
	c := container("a", "sleep-exit", "1500ms", "1")
	c.RestartPolicy = &acs.RestartPolicy{Enabled: true, RestartAttemptPeriod: 1}
	tk := task("44444444444444444444444444444453", c)
	b.machine.Apply(tk)
	s := b.until(tk.ARN, "restarted", func(s taskrun.Snapshot) bool { return s.Containers[0].RestartCount > 0 })
	if s.Status != acs.StatusRunning {
		t.Fatalf("%+v", s)
	}
	tk.DesiredStatus = acs.StatusStopped
	b.machine.Apply(tk)
	b.untilStatus(tk.ARN, acs.StatusStopped)
}

func TestAStopRightAfterAStartEndsStopped(t *testing.T) {
	b := newBench(t)
	tk := task("44444444444444444444444444444454", container("a"), container("b"))
	b.machine.Apply(tk)
	tk.DesiredStatus = acs.StatusStopped
	b.machine.Apply(tk)
	b.untilStatus(tk.ARN, acs.StatusStopped)
	b.machine.Accepted(tk.ARN)
	b.untilGone(tk.ARN)
}

func TestContainersOfATaskCanShareTheirProcesses(t *testing.T) {
	b := newBench(t)
	tk := task("44444444444444444444444444444455", container("a"), container("b"))
	tk.PIDMode, tk.IPCMode = "task", "task"
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusRunning)
	inside := func(i int) string {
		st, err := b.engine.Inspect(t.Context(), s.Containers[i].RuntimeID)
		if err != nil {
			t.Fatal(err)
		}
		ns, err := os.Readlink("/proc/" + strconv.Itoa(st.Pid) + "/ns/pid")
		if err != nil {
			t.Fatal(err)
		}
		return ns
	}
	if inside(0) != inside(1) {
		t.Fatal("the PID namespaces differ")
	}
	tk.DesiredStatus = acs.StatusStopped
	b.machine.Apply(tk)
	b.untilStatus(tk.ARN, acs.StatusStopped)
	b.machine.Accepted(tk.ARN)
	b.untilGone(tk.ARN)
}

// pauses is a Networks of bare pause containers.
type pauses struct {
	engine  *docker.Engine
	install string
	id      string
	gone    bool
}

func (p *pauses) Attach(ctx context.Context, id string, _ acs.ENI, _ taskrun.NetworkOptions) (string, error) {
	h, err := p.engine.CreatePause(ctx, docker.PauseSpec{
		Name: p.install + "-" + id, Labels: map[string]string{docker.LabelInstallation: p.install, docker.LabelRole: "net"},
	})
	p.id = h.ID
	return h.ID, err
}

func (p *pauses) Detach(ctx context.Context, _ string) error {
	p.gone = true
	return p.engine.RemovePause(ctx, p.id)
}

func TestAnAwsvpcTaskJoinsTheNamespaceItIsGivenAndGivesItBackBeforeItIsStopped(t *testing.T) {
	b := newBench(t)
	b.stop()
	nets := &pauses{engine: b.engine, install: b.install}
	b.start(func(c *taskrun.Config) { c.Networks = nets })
	c := container("a", "serve", "80")
	c.PortMappings = []acs.PortMapping{{ContainerPort: 80, HostPort: 80}}
	c.DockerConfig = &acs.DockerConfig{HostConfig: `{"NetworkMode":"awsvpc"}`}
	tk := task("44444444444444444444444444444456", c)
	tk.NetworkMode = "awsvpc"
	tk.ENIs = []acs.ENI{{MACAddress: "02:00:00:00:00:01"}}
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusRunning)
	if s.Containers[0].PauseID != nets.id || len(s.Containers[0].Bindings) != 0 {
		t.Fatalf("%+v", s.Containers[0])
	}
	tk.DesiredStatus = acs.StatusStopped
	b.machine.Apply(tk)
	b.untilStatus(tk.ARN, acs.StatusStopped)
	if !nets.gone {
		t.Fatal("STOPPED before the address was free")
	}
}

func TestAMissingNetworkIsAReason(t *testing.T) {
	b := newBench(t)
	tk := task("44444444444444444444444444444457", container("a"))
	tk.NetworkMode = "awsvpc"
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusStopped)
	if s.Reason != "ResourceInitializationError: this node has no awsvpc networking" {
		t.Fatalf("%q", s.Reason)
	}
}

func BenchmarkTaskToRunningAgainstBareEngineCalls(b *testing.B) {
	e := dockertest.Engine(b)
	own := dockertest.Installation(b, e)
	running := make(chan struct{}, 1)
	m := taskrun.New(benchConfig(b, e, own, func(s taskrun.Snapshot) {
		if s.Status == acs.StatusRunning && s.Containers[0].Labels == nil {
			select {
			case running <- struct{}{}:
			default:
			}
		}
	}))
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { _ = m.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	b.Run("engine", func(b *testing.B) {
		for i := range b.N {
			made, err := e.Create(ctx, docker.Spec{
				Name: own + strconv.Itoa(b.N) + "x" + strconv.Itoa(i), Image: dockertest.Image, NetworkMode: "bridge",
				MemoryBytes: 64 << 20, Labels: map[string]string{docker.LabelInstallation: own},
				Ports: []docker.Port{{ContainerPort: 80, HostPort: 40000 + i}},
			})
			err = errors.Join(err, e.Start(ctx, made.ID))
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = e.Remove(ctx, made.ID)
			b.StartTimer()
		}
	})
	b.Run("task", func(b *testing.B) {
		for i := range b.N {
			c := container("a")
			c.PortMappings = []acs.PortMapping{{ContainerPort: 80}}
			tk := task(strconv.Itoa(b.N)+"y"+strconv.Itoa(i), c)
			m.Apply(tk)
			<-running
			b.StopTimer()
			for _, s := range m.Snapshots() {
				if s.TaskARN == tk.ARN {
					_ = e.Remove(ctx, s.Containers[0].RuntimeID)
				}
			}
			m.Accepted(tk.ARN)
			for len(m.Snapshots()) > 0 {
				<-time.After(5 * time.Millisecond)
			}
			for len(running) > 0 {
				<-running
			}
			b.StartTimer()
		}
	})
}

func TestAHostPortThatAnotherProcessTookIsReplacedByAnother(t *testing.T) {
	b := newBench(t)
	b.stop()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	blind := func(string, int) bool { return true } // somebody was faster than the probe
	b.start(func(c *taskrun.Config) { c.Ports = taskrun.NewPorts(taken, taken+20, blind) })
	c := container("a", "serve", "80")
	c.PortMappings = []acs.PortMapping{{ContainerPort: 80}}
	tk := task("44444444444444444444444444444458", c)
	b.machine.Apply(tk)
	s := b.untilStatus(tk.ARN, acs.StatusRunning)
	if got := s.Containers[0].Bindings[0].HostPort; got == taken {
		t.Fatalf("port %d belongs to another process", got)
	}
}

func TestManyTasksRunWhileTheAgentIsRestartedAgainAndAgain(t *testing.T) {
	b := newBench(t)
	const n = 12
	tasks := make([]acs.Task, n)
	listed := []acs.TaskIdentifier{}
	for i := range tasks {
		tasks[i] = task("555555555555555555555555555555"+strconv.Itoa(10+i), container("a"))
		listed = append(listed, acs.TaskIdentifier{TaskARN: tasks[i].ARN, DesiredStatus: acs.StatusRunning})
	}
	for range 4 {
		for _, tk := range tasks {
			b.machine.Apply(tk)
		}
		b.machine.Manifest(listed)
		<-time.After(300 * time.Millisecond)
		b.stop() // in the middle of creates and starts
		b.start(func(*taskrun.Config) {})
	}
	for _, tk := range tasks {
		b.machine.Apply(tk)
	}
	for _, tk := range tasks {
		b.untilStatus(tk.ARN, acs.StatusRunning)
	}
	list, err := b.engine.List(t.Context(), map[string]string{docker.LabelInstallation: b.install})
	if err != nil || len(list) != n {
		t.Fatalf("%d containers for %d tasks, %v", len(list), n, err)
	}
}
