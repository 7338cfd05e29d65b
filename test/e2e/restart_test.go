//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// outliveDaemon stops and starts the daemon: containers run on, those that ended meanwhile have their true exit code.
func outliveDaemon(t *testing.T) {
	d := startDaemon(t)
	d.cluster(t, "truth")
	n := d.network()
	d.serve(t, "truth", "bridge", d.register(t, rig.Definition("bridge", web("kept"))), 2)
	d.serve(t, "truth", "vpc", d.register(t, fargate(rig.Definition("vpc", web("kept")))), 1,
		func(in *ecs.CreateServiceInput) { in.LaunchType, in.NetworkConfiguration = types.LaunchTypeFargate, n })
	mortal := d.run(t, "truth", d.register(t, rig.Definition("mortal", rig.Probe("main", "later", "4", "6"))))
	killed := d.run(t, "truth", d.register(t, rig.Definition("killed", rig.Probe("main"))))
	d.until(t, "truth", mortal, "RUNNING", 15*time.Second)
	victim := d.until(t, "truth", killed, "RUNNING", 15*time.Second)
	before := d.snapshot(t)
	kept := d.live(t)
	address := ip(d.tasks(t, "truth", "vpc", types.DesiredStatusRunning)[0])
	for i, end := range []func(){d.Stop, d.Kill, d.Stop} {
		end()
		if i == 0 {
			err := d.Engine.Act(t.Context(), *victim.Containers[0].RuntimeId, "kill?signal=KILL")
			if err != nil {
				t.Fatal(err)
			}
			rig.Pause(t.Context(), 4*time.Second) // the mortal one ends while nobody looks
		}
		body, err := answers(t.Context(), "http://"+address+"/")
		if err != nil || body == "" {
			t.Errorf("without the daemon the task does not answer: %v", err)
		}
		d.Start()
	}
	_, c := d.ended(t, mortal, "main", 10*time.Second)
	wantExit(t, c, 6)
	_, c = d.ended(t, killed, "main", 10*time.Second)
	wantExit(t, c, 137)
	after := d.snapshot(t)
	for arn, was := range before {
		if arn != mortal && arn != killed && after[arn] != was {
			t.Errorf("task %s was %s, is %s", arn, was, after[arn])
		}
	}
	for id, what := range kept {
		if d.live(t)[id] != what && d.engineTask(t, id) != mortal && d.engineTask(t, id) != killed {
			t.Errorf("container %s of %s was restarted", id[:12], what)
		}
	}
	for _, name := range []string{"bridge", "vpc"} {
		s := d.stable(t, "truth", name, 10*time.Second)
		d.noChurn(t, s)
	}
}

// engineTask is the task of a container that may have ended.
func (d *daemon) engineTask(t *testing.T, id string) string {
	t.Helper()
	seen, err := d.Engine.Inspect(t.Context(), id)
	if err != nil {
		return ""
	}
	return seen.Config.Labels["longshore.task"]
}

// noChurn expects a service to have started no more tasks than it wants.
func (d *daemon) noChurn(t *testing.T, s types.Service) {
	t.Helper()
	if stopped := d.tasks(t, "truth", *s.ServiceName, types.DesiredStatusStopped); len(stopped) > 0 {
		t.Errorf("service %s lost %d tasks: %s", *s.ServiceName, len(stopped), rig.Show(stopped))
	}
}

// snapshot says of every running task which containers it has and since when.
func (d *daemon) snapshot(t *testing.T) map[string]string {
	t.Helper()
	tasks, err := d.listTasks(t.Context(), "truth", "", types.DesiredStatusRunning)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, task := range tasks {
		said := aws.ToTime(task.StartedAt).String() + " " + ip(task)
		for _, c := range task.Containers {
			said += " " + *c.Name + " " + aws.ToString(c.RuntimeId)
		}
		out[*task.TaskArn] = said
	}
	return out
}

// comeBack takes an installation down and starts it again: records are kept, so services run as before, on new tasks.
func comeBack(t *testing.T) {
	d := startDaemon(t)
	d.cluster(t, "truth")
	n := d.network()
	d.serve(t, "truth", "bridge", d.register(t, rig.Definition("bridge", web("again"))), 1)
	d.serve(t, "truth", "vpc", d.register(t, fargate(rig.Definition("vpc", web("again")))), 1,
		func(in *ecs.CreateServiceInput) { in.LaunchType, in.NetworkConfiguration = types.LaunchTypeFargate, n })
	out, err := d.Longshore("down")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	select {
	case <-d.Exited:
	case <-time.After(5 * time.Second):
		t.Fatal("down left the daemon running")
	}
	d.SearchHost(t.Context())
	d.Start()
	for _, name := range []string{"bridge", "vpc"} {
		rig.Eventually(t, 30*time.Second, name+" answers", func(ctx context.Context) error {
			tasks, err := d.listTasks(ctx, "truth", name, types.DesiredStatusRunning)
			if err != nil || len(tasks) != 1 {
				return fmt.Errorf("%d tasks: %w", len(tasks), err)
			}
			url := "http://" + ip(tasks[0]) + "/"
			if name == "bridge" {
				url, err = addressOf(tasks[0])
			}
			if err == nil {
				_, err = answers(ctx, url)
			}
			return err
		})
		d.stable(t, "truth", name, 30*time.Second)
	}
}

// serveOrdinaryUser runs the daemon without root: the ready line says what is off, asking for it is refused with the
// reason, and the rest works.
func serveOrdinaryUser(t *testing.T) {
	d := startDaemon(t, asNobody)
	if !strings.Contains(d.Ready, "awsvpc") || !strings.Contains(d.Ready, "169.254.170.2") {
		t.Errorf("the ready line does not say what is off: %s", d.Ready)
	}
	d.cluster(t, "truth")
	d.serve(t, "truth", "bridge", d.register(t, rig.Definition("bridge", web("nobody"))), 2)
	for _, task := range d.tasks(t, "truth", "bridge", types.DesiredStatusRunning) {
		url, err := addressOf(task)
		if err != nil {
			t.Fatal(err)
		}
		_, err = answers(t.Context(), url)
		if err != nil {
			t.Error(err)
		}
	}
	arn := d.run(t, "truth", d.register(t, rig.Definition("exit", rig.Probe("main", "exit", "7"))))
	_, c := d.ended(t, arn, "main", 15*time.Second)
	wantExit(t, c, 7)
	in := &ecs.RunTaskInput{
		Cluster: aws.String("truth"), TaskDefinition: aws.String(d.register(t, fargate(rig.Definition("vpc", web("x"))))),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: d.network(),
	}
	out, err := d.ecs().RunTask(t.Context(), in)
	if err != nil {
		return // refused at once, with a modelled fault
	}
	if len(out.Tasks) == 1 {
		task := d.until(t, "truth", *out.Tasks[0].TaskArn, "STOPPED", 30*time.Second)
		wantStop(t, task, types.TaskStopCodeTaskFailedToStart, "")
		if aws.ToString(task.StoppedReason) == "" {
			t.Error("a FARGATE task stopped without a reason")
		}
		t.Logf("FARGATE without root: %s", aws.ToString(task.StoppedReason))
		return
	}
	t.Logf("FARGATE without root: %s", rig.Show(out.Failures))
}
