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

	"longshore/test/rig"
)

// exit expects a task to be STOPPED with one exit code of its container "main".
func (d *daemon) exit(cluster, arn string, code int32, within time.Duration) {
	d.T.Helper()
	task := d.Until(cluster, arn, "STOPPED", within)
	c := task.Containers[0]
	if c.ExitCode == nil || *c.ExitCode != code || task.StopCode != types.TaskStopCodeEssentialContainerExited {
		d.T.Errorf("the exit code was %d: %s", code, rig.Show(task))
	}
}

func TestWhatDiesWhileTheDaemonIsAwayIsToldTruly(t *testing.T) {
	rig.RootOnly(t)
	d := start(t)
	d.Cluster("away")
	d.Serve("away", "bridge", d.Register(rig.Definition("bridge", rig.Web())), 2, nil)
	d.Serve("away", "vpc", d.Register(rig.Fargate(rig.Definition("vpc", rig.Web()))), 2, d.Network())
	mortal := d.Run(&ecs.RunTaskInput{Cluster: aws.String("away"), LaunchType: types.LaunchTypeEc2,
		TaskDefinition: aws.String(d.Register(rig.Definition("mortal", rig.Probe("main", "polite", "6"))))})
	other := d.Run(&ecs.RunTaskInput{Cluster: aws.String("away"), LaunchType: types.LaunchTypeEc2,
		TaskDefinition: aws.String(d.Register(rig.Definition("other", rig.Probe("main"))))})
	d.Stable("away", "bridge", 40*time.Second)
	d.Stable("away", "vpc", 40*time.Second)
	d.Until("away", other, "RUNNING", 20*time.Second)
	ends := *d.Until("away", mortal, "RUNNING", 20*time.Second).Containers[0].RuntimeId
	victims := map[string]types.Task{} // one of each service
	untouched := d.Births("away", "bridge", "vpc", "")
	for _, name := range []string{"bridge", "vpc"} {
		tasks, err := d.Tasks(t.Context(), "away", name, types.DesiredStatusRunning)
		if err != nil {
			t.Fatal(err)
		}
		victims[name] = tasks[0]
	}
	d.Stop()
	for _, v := range victims {
		d.must(*v.Containers[0].RuntimeId, "kill?signal=KILL")
		delete(untouched, *v.Containers[0].RuntimeId)
	}
	d.must(ends, "kill?signal=TERM")
	delete(untouched, ends)
	rig.Eventually(t, 10*time.Second, "the container to end", func(ctx context.Context) error {
		seen, err := d.Engine.Inspect(ctx, ends)
		if err == nil && seen.State.Running {
			err = fmt.Errorf("%s runs", ends)
		}
		return err
	})
	d.Start()
	d.exit("away", mortal, 6, 15*time.Second)
	for name, v := range victims {
		d.exit("away", *v.TaskArn, 137, 15*time.Second)
		d.Stable("away", name, 30*time.Second)
	}
	rig.Eventually(t, settlesWithin, "one story of all", func(ctx context.Context) error { return d.Agree(ctx, "away") })
	err := d.Unharmed(untouched)
	if err != nil {
		t.Error(err)
	}
}

// must does something to a container behind the back of Longshore.
func (d *daemon) must(id, what string) {
	d.T.Helper()
	err := d.Engine.Act(d.T.Context(), id, what)
	if err != nil {
		d.T.Fatal(err)
	}
}
