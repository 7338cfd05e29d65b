//go:build e2e

package survival

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// exit expects a task to be STOPPED with one exit code of its container "main".
func (d *daemon) exit(cluster, arn string, code int32, within time.Duration) {
	d.t.Helper()
	task := d.until(cluster, arn, "STOPPED", within)
	c := task.Containers[0]
	if c.ExitCode == nil || *c.ExitCode != code || task.StopCode != types.TaskStopCodeEssentialContainerExited {
		d.t.Errorf("the exit code was %d: %s", code, show(task))
	}
}

func TestWhatDiesWhileTheDaemonIsAwayIsToldTruly(t *testing.T) {
	rootOnly(t)
	d := startDaemon(t)
	d.cluster("away")
	d.serve("away", "bridge", d.register(definition("bridge", web())), 2, nil)
	d.serve("away", "vpc", d.register(fargate(definition("vpc", web()))), 2, d.network())
	mortal := d.run(&ecs.RunTaskInput{Cluster: aws.String("away"), LaunchType: types.LaunchTypeEc2,
		TaskDefinition: aws.String(d.register(definition("mortal", probe("main", "polite", "6"))))})
	other := d.run(&ecs.RunTaskInput{Cluster: aws.String("away"), LaunchType: types.LaunchTypeEc2,
		TaskDefinition: aws.String(d.register(definition("other", probe("main"))))})
	d.stable("away", "bridge", 40*time.Second)
	d.stable("away", "vpc", 40*time.Second)
	d.until("away", other, "RUNNING", 20*time.Second)
	ends := *d.until("away", mortal, "RUNNING", 20*time.Second).Containers[0].RuntimeId
	victims := map[string]types.Task{} // one of each service
	untouched := d.births("away", "bridge", "vpc", "")
	for _, name := range []string{"bridge", "vpc"} {
		tasks, err := d.tasks(t.Context(), "away", name, types.DesiredStatusRunning)
		if err != nil {
			t.Fatal(err)
		}
		victims[name] = tasks[0]
	}
	d.stop()
	for _, v := range victims {
		d.must(*v.Containers[0].RuntimeId, "kill?signal=KILL")
		delete(untouched, *v.Containers[0].RuntimeId)
	}
	d.must(ends, "kill?signal=TERM")
	delete(untouched, ends)
	eventually(t, 10*time.Second, "the container to end", func(ctx context.Context) error {
		seen, err := d.engine.inspect(ctx, ends)
		if err == nil && seen.State.Running {
			err = fmt.Errorf("%s runs", ends)
		}
		return err
	})
	d.start()
	d.exit("away", mortal, 6, 15*time.Second)
	for name, v := range victims {
		d.exit("away", *v.TaskArn, 137, 15*time.Second)
		d.stable("away", name, 30*time.Second)
	}
	eventually(t, settlesWithin, "one story of all", func(ctx context.Context) error { return d.agree(ctx, "away") })
	err := d.unharmed(untouched)
	if err != nil {
		t.Error(err)
	}
}

// must does something to a container behind the back of Longshore.
func (d *daemon) must(id, what string) {
	d.t.Helper()
	err := d.engine.act(d.t.Context(), id, what)
	if err != nil {
		d.t.Fatal(err)
	}
}
