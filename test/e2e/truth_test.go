//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// tellTruth runs tasks that end in every way, and compares what ECS says of them with what happened.
func tellTruth(t *testing.T) {
	d := startDaemon(t)
	d.cluster(t, "truth")
	tests := []struct {
		name string
		run  func(*testing.T, *daemon)
	}{
		{"an exit code is the process's own", exitCode},
		{"memory beyond the limit is OutOfMemoryError", outOfMemory},
		{"a task's memory limit binds all its containers", taskMemory},
		{"dependencies start in order", dependsInOrder},
		{"a dependency that fails stops the task", dependencyFails},
		{"an essential container takes the others with it", essentialEnds},
		{"a container that ignores SIGTERM is killed after its stopTimeout", ignoresTerm},
		{"SIGTERM is heard", hearsTerm},
		{"an image that is not there is CannotPullContainerError", missingImage},
		{"a host port is one task's at a time", fixedPort},
		{"a host port that a stranger holds is a reason", foreignPort},
		{"a volume is shared by the task's containers", sharedVolume},
		{"a bind mount is the host's directory", bindMount},
		{"overrides change command and environment", overrides},
		{"a task definition that is gone is refused", retiredDefinition},
		{"a container that is killed or removed ends the task", killedOutside},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, d) })
	}
}

// ended waits for STOPPED and returns the task and its named container.
func (d *daemon) ended(t *testing.T, arn, name string, within time.Duration) (types.Task, types.Container) {
	t.Helper()
	task := d.until(t, "truth", arn, "STOPPED", within)
	for _, c := range task.Containers {
		if *c.Name == name {
			return task, c
		}
	}
	t.Fatalf("task has no container %s: %s", name, rig.Show(task))
	return task, types.Container{}
}

func wantStop(t *testing.T, task types.Task, code types.TaskStopCode, reason string) {
	t.Helper()
	if task.StopCode != code || !strings.HasPrefix(aws.ToString(task.StoppedReason), reason) {
		t.Errorf("want %s %q, got %s %q\n%s", code, reason, task.StopCode, aws.ToString(task.StoppedReason), rig.Show(task))
	}
}

func wantExit(t *testing.T, c types.Container, code int32) {
	t.Helper()
	if c.ExitCode == nil || *c.ExitCode != code {
		t.Errorf("container %s: want exit code %d, got %s", *c.Name, code, rig.Show(c))
	}
}

func exitCode(t *testing.T, d *daemon) {
	arn := d.run(t, "truth", d.register(t, rig.Definition("exit", rig.Probe("main", "exit", "7"))))
	task, c := d.ended(t, arn, "main", 20*time.Second)
	wantStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
	wantExit(t, c, 7)
	if task.CreatedAt == nil || task.StartedAt == nil || task.StoppedAt == nil || task.ExecutionStoppedAt == nil {
		t.Errorf("a timestamp is missing: %s", rig.Show(task))
	}
}

func outOfMemory(t *testing.T, d *daemon) {
	arn := d.run(t, "truth", d.register(t, rig.Definition("oom", rig.Probe("main", "eat", "128"))))
	_, c := d.ended(t, arn, "main", 30*time.Second)
	wantExit(t, c, 137)
	if !strings.HasPrefix(aws.ToString(c.Reason), "OutOfMemoryError: Container killed due to memory usage") {
		t.Errorf("reason is %q", aws.ToString(c.Reason))
	}
}

func taskMemory(t *testing.T, d *daemon) {
	if os.Geteuid() != 0 {
		t.Skip("task-level limits need root")
	}
	in := rig.Definition("task-memory", rig.Probe("greedy", "eat", "200"), rig.Probe("beside"))
	for i := range in.ContainerDefinitions {
		in.ContainerDefinitions[i].Memory = nil
	}
	in.Memory, in.Cpu = aws.String("64"), aws.String("128")
	arn := d.run(t, "truth", d.register(t, in))
	task := d.until(t, "truth", arn, "STOPPED", 30*time.Second)
	wantStop(t, task, types.TaskStopCodeEssentialContainerExited, "")
	for _, c := range task.Containers {
		if *c.Name == "greedy" {
			wantExit(t, c, 137)
		}
	}
}

func dependsInOrder(t *testing.T, d *daemon) {
	first := rig.Probe("first", "later", "1", "0")
	first.Essential = aws.Bool(false)
	second := rig.Probe("second", "serve", "8080")
	second.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("first"), Condition: "SUCCESS"}}
	second.HealthCheck = &types.HealthCheck{
		Command:  []string{"CMD", "/probe", "get", "http://127.0.0.1:8080/health"},
		Interval: aws.Int32(5), Timeout: aws.Int32(2), Retries: aws.Int32(2),
	}
	third := rig.Probe("third")
	third.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("second"), Condition: "HEALTHY"}}
	arn := d.run(t, "truth", d.register(t, rig.Definition("chain", third, second, first)))
	task := d.until(t, "truth", arn, "RUNNING", 30*time.Second)
	began := map[string]rig.Truth{}
	for _, c := range task.Containers {
		seen, err := d.Engine.Inspect(t.Context(), *c.RuntimeId)
		if err != nil {
			t.Fatal(err)
		}
		began[*c.Name] = seen
	}
	if began["first"].State.FinishedAt >= began["second"].State.StartedAt {
		t.Errorf("second started before first succeeded: %+v", began)
	}
	if began["second"].State.StartedAt >= began["third"].State.StartedAt {
		t.Errorf("third started before second: %+v", began)
	}
	rig.Eventually(t, 10*time.Second, "task healthy", func(ctx context.Context) error {
		task, err := d.task(ctx, "truth", arn)
		if err == nil && task.HealthStatus != types.HealthStatusHealthy {
			err = fmt.Errorf("is %s", task.HealthStatus)
		}
		return err
	})
	d.stopTask(t, arn)
}

func (d *daemon) stopTask(t *testing.T, arn string) {
	t.Helper()
	_, err := d.ecs().StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("truth"), Task: &arn})
	if err != nil {
		t.Fatal(err)
	}
}

func dependencyFails(t *testing.T, d *daemon) {
	first := rig.Probe("first", "exit", "3")
	first.Essential = aws.Bool(false)
	second := rig.Probe("second")
	second.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("first"), Condition: "SUCCESS"}}
	arn := d.run(t, "truth", d.register(t, rig.Definition("broken-chain", first, second)))
	task, c := d.ended(t, arn, "first", 20*time.Second)
	wantExit(t, c, 3)
	wantStop(t, task, types.TaskStopCodeTaskFailedToStart, "")
}

func essentialEnds(t *testing.T, d *daemon) {
	side := rig.Probe("side", "polite", "5")
	side.Essential = aws.Bool(false)
	arn := d.run(t, "truth", d.register(t, rig.Definition("essential", rig.Probe("main", "later", "1", "4"), side)))
	task, c := d.ended(t, arn, "main", 20*time.Second)
	wantStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
	wantExit(t, c, 4)
	_, c = d.ended(t, arn, "side", time.Second)
	wantExit(t, c, 5)
}

// ready waits until a task's only container has printed that signals reach it as they should.
func (d *daemon) ready(t *testing.T, arn, text string) {
	t.Helper()
	task := d.until(t, "truth", arn, "RUNNING", 15*time.Second)
	rig.Eventually(t, 10*time.Second, "container ready", func(ctx context.Context) error {
		return d.Engine.Printed(ctx, *task.Containers[0].RuntimeId, text)
	})
}

func ignoresTerm(t *testing.T, d *daemon) {
	c := rig.Probe("main", "stubborn")
	c.StopTimeout = aws.Int32(2)
	arn := d.run(t, "truth", d.register(t, rig.Definition("stubborn", c)))
	d.ready(t, arn, "ignoring SIGTERM")
	began := time.Now()
	d.stopTask(t, arn)
	task, main := d.ended(t, arn, "main", 15*time.Second)
	wantExit(t, main, 137)
	wantStop(t, task, types.TaskStopCodeUserInitiated, "Task stopped by user")
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("it was killed after %s, its stopTimeout is 2 s", took)
	}
}

func hearsTerm(t *testing.T, d *daemon) {
	arn := d.run(t, "truth", d.register(t, rig.Definition("polite", rig.Probe("main", "polite", "9"))))
	d.ready(t, arn, "waiting for SIGTERM")
	_, err := d.ecs().StopTask(t.Context(), &ecs.StopTaskInput{
		Cluster: aws.String("truth"), Task: &arn, Reason: aws.String("no longer needed")})
	if err != nil {
		t.Fatal(err)
	}
	task, c := d.ended(t, arn, "main", 10*time.Second)
	wantExit(t, c, 9)
	wantStop(t, task, types.TaskStopCodeUserInitiated, "no longer needed")
}

func missingImage(t *testing.T, d *daemon) {
	c := rig.Probe("main")
	c.Image = aws.String("127.0.0.1:9/longshore-e2e/absent:1")
	arn := d.run(t, "truth", d.register(t, rig.Definition("absent", c)))
	task, main := d.ended(t, arn, "main", time.Minute)
	wantStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotPullContainerError: ")
	if !strings.HasPrefix(aws.ToString(main.Reason), "CannotPullContainerError: ") || main.ExitCode != nil {
		t.Errorf("container: %s", rig.Show(main))
	}
}

// freePort is a port that nobody uses at the moment.
func freePort(t *testing.T) int32 {
	t.Helper()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return int32(l.Addr().(*net.TCPAddr).Port)
}

func serving(port int32) types.ContainerDefinition {
	c := rig.Probe("web", "serve", "80")
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80), HostPort: aws.Int32(port)}}
	return c
}

func fixedPort(t *testing.T, d *daemon) {
	port := freePort(t)
	def := d.register(t, rig.Definition("port", serving(port)))
	arn := d.run(t, "truth", def)
	d.until(t, "truth", arn, "RUNNING", 15*time.Second)
	body, err := answers(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil || body == "" {
		t.Errorf("the port does not answer: %q, %v", body, err)
	}
	out, err := d.ecs().RunTask(t.Context(), &ecs.RunTaskInput{
		Cluster: aws.String("truth"), TaskDefinition: &def, LaunchType: types.LaunchTypeEc2})
	if err != nil || len(out.Tasks) != 0 || len(out.Failures) != 1 || *out.Failures[0].Reason != "RESOURCE:PORTS" {
		t.Errorf("want the failure RESOURCE:PORTS, got %s, %v", rig.Show(out), err)
	}
	d.stopTask(t, arn)
	d.until(t, "truth", arn, "STOPPED", 15*time.Second)
	// STOPPED means that the port is free again.
	again := d.run(t, "truth", def)
	d.until(t, "truth", again, "RUNNING", 15*time.Second)
	d.stopTask(t, again)
}

func foreignPort(t *testing.T, d *daemon) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := int32(l.Addr().(*net.TCPAddr).Port)
	arn := d.run(t, "truth", d.register(t, rig.Definition("stolen-port", serving(port))))
	task, c := d.ended(t, arn, "web", 30*time.Second)
	wantStop(t, task, types.TaskStopCodeTaskFailedToStart, "")
	if !strings.Contains(aws.ToString(c.Reason), fmt.Sprint(port)) {
		t.Errorf("the reason does not name the port: %s", rig.Show(c))
	}
}

func sharedVolume(t *testing.T, d *daemon) {
	writer, reader := rig.Probe("writer", "write", "/shared/note", "hello"), rig.Probe("reader", "expect", "/shared/note", "hello")
	writer.Essential = aws.Bool(false)
	mount := []types.MountPoint{{SourceVolume: aws.String("shared"), ContainerPath: aws.String("/shared")}}
	writer.MountPoints, reader.MountPoints = mount, mount
	reader.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("writer"), Condition: "SUCCESS"}}
	in := rig.Definition("volume", writer, reader)
	in.Volumes = []types.Volume{{Name: aws.String("shared")}}
	arn := d.run(t, "truth", d.register(t, in))
	_, c := d.ended(t, arn, "reader", 20*time.Second)
	wantExit(t, c, 0)
}

func bindMount(t *testing.T, d *daemon) {
	dir := t.TempDir()
	err := os.Chmod(dir, 0o777)
	if err != nil {
		t.Fatal(err)
	}
	c := rig.Probe("main", "write", "/host/note", "from inside")
	c.MountPoints = []types.MountPoint{{SourceVolume: aws.String("host"), ContainerPath: aws.String("/host")}}
	in := rig.Definition("bind", c)
	in.Volumes = []types.Volume{{Name: aws.String("host"), Host: &types.HostVolumeProperties{SourcePath: &dir}}}
	arn := d.run(t, "truth", d.register(t, in))
	_, main := d.ended(t, arn, "main", 20*time.Second)
	wantExit(t, main, 0)
	b, err := os.ReadFile(filepath.Join(dir, "note"))
	if err != nil || string(b) != "from inside" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

func overrides(t *testing.T, d *daemon) {
	def := d.register(t, rig.Definition("override", rig.Probe("main", "exit", "1")))
	arn := d.run(t, "truth", def, func(in *ecs.RunTaskInput) {
		in.StartedBy, in.Overrides = aws.String("ci"), &types.TaskOverride{
			ContainerOverrides: []types.ContainerOverride{{
				Name: aws.String("main"), Command: []string{"get", "${NOWHERE}"},
				Environment: []types.KeyValuePair{{Name: aws.String("NOWHERE"), Value: aws.String("http://127.0.0.1:9/")}},
			}},
		}
	})
	task, c := d.ended(t, arn, "main", 20*time.Second)
	wantExit(t, c, 1)
	seen, err := d.Engine.Inspect(t.Context(), *c.RuntimeId)
	if err == nil && !strings.Contains(strings.Join(seen.Config.Env, "\n"), "NOWHERE=http://127.0.0.1:9/") {
		err = errors.New("the variable is not in the container")
	}
	if err != nil || aws.ToString(task.StartedBy) != "ci" || aws.ToString(task.Group) != "family:override" {
		t.Errorf("%v: %s", err, rig.Show(task))
	}
	_, err = d.ecs().RunTask(t.Context(), &ecs.RunTaskInput{
		Cluster: aws.String("truth"), TaskDefinition: &def, LaunchType: types.LaunchTypeEc2,
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("nobody")}}},
	})
	want(t, err, "InvalidParameterException", "Override for container named nobody is not a container in the TaskDefinition.")
}

func retiredDefinition(t *testing.T, d *daemon) {
	ctx, c := t.Context(), d.ecs()
	def := d.register(t, rig.Definition("retired", rig.Probe("main")))
	out, err := c.DeleteTaskDefinitions(ctx, &ecs.DeleteTaskDefinitionsInput{TaskDefinitions: []string{def}})
	if err != nil || len(out.Failures) != 1 {
		t.Errorf("an ACTIVE definition was deleted: %s, %v", rig.Show(out), err)
	}
	_, err = c.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: &def})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("truth"), TaskDefinition: &def})
	want(t, err, "ClientException", "TaskDefinition is inactive")
	_, err = c.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("truth"), TaskDefinition: aws.String("retired")})
	want(t, err, "ClientException", "TaskDefinition not found.")
	if next := d.register(t, rig.Definition("retired", rig.Probe("main"))); next != "retired:2" {
		t.Errorf("the next revision is %s", next)
	}
}

func killedOutside(t *testing.T, d *daemon) {
	def := d.register(t, rig.Definition("killed", rig.Probe("main")))
	for _, end := range []func(context.Context, string) error{d.killed, d.Engine.Remove} {
		arn := d.run(t, "truth", def)
		task := d.until(t, "truth", arn, "RUNNING", 15*time.Second)
		err := end(t.Context(), *task.Containers[0].RuntimeId)
		if err != nil {
			t.Fatal(err)
		}
		task, c := d.ended(t, arn, "main", 10*time.Second)
		wantStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
		wantExit(t, c, 137)
	}
}
