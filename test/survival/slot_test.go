//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// How soon after a task is STOPPED the one that waited for its room has a place: half of them, and every one on a
// machine that may do other things as well.
const (
	wakesWithin    = 200 * time.Millisecond
	wakesAtTheMost = time.Second
)

// slots is how many tasks of the test fill the machine.
const slots = 3

// SLOTS is how many tasks make room, one after another.
func TestAFreedSlotWakesTheNextWaiter(t *testing.T) {
	d := start(t)
	d.Cluster("slots")
	in := rig.Definition("third", rig.Probe("main", "polite", "0"))
	in.ContainerDefinitions[0].Memory = aws.Int32(d.room("slots") / slots)
	d.Serve("slots", "full", d.Register(in), slots+1, nil)
	var waits []time.Duration
	for range int(rig.Setting(t, "SLOTS", 50)) {
		victim, waiter := d.full()
		waits = append(waits, d.wake(victim, waiter))
	}
	p50, p99 := quantile(waits, 0.5), quantile(waits, 0.99)
	t.Logf("%d slots: from STOPPED to placed p50 %.1f ms, p99 %.1f ms", len(waits), p50, p99)
	if p50 > float64(wakesWithin.Milliseconds()) || p99 > float64(wakesAtTheMost.Milliseconds()) {
		t.Errorf("want %s, and %s at the most", wakesWithin, wakesAtTheMost)
	}
}

// room is the memory that the cluster's machine has, in MiB.
func (d *daemon) room(cluster string) int32 {
	d.T.Helper()
	found, err := d.Instances(d.T.Context(), cluster)
	if err != nil || len(found) != 1 {
		d.T.Fatalf("one instance is wanted: %v %s", err, rig.Show(found))
	}
	for _, r := range found[0].RemainingResources {
		if *r.Name == "MEMORY" {
			return r.IntegerValue
		}
	}
	d.T.Fatal("the instance has no memory")
	return 0
}

// full waits until the machine is full and a task waits; it answers with one that runs and the one that waits.
func (d *daemon) full() (string, string) {
	d.T.Helper()
	var victim, waiter string
	rig.Eventually(d.T, 90*time.Second, "a full machine and a waiter", func(ctx context.Context) error {
		tasks, err := d.Tasks(ctx, "slots", "full", types.DesiredStatusRunning)
		if err != nil {
			return err
		}
		victim, waiter = "", ""
		running := 0
		for _, task := range tasks {
			switch {
			case *task.LastStatus == "RUNNING":
				running, victim = running+1, *task.TaskArn
			case task.ContainerInstanceArn == nil:
				waiter = *task.TaskArn
			}
		}
		if running != slots || waiter == "" {
			return fmt.Errorf("%d run: %s", running, rig.Show(tasks))
		}
		return nil
	})
	return victim, waiter
}

// wake stops a task and measures how long after its end the other has a place, by the reads of one client.
func (d *daemon) wake(victim, waiter string) time.Duration {
	d.T.Helper()
	ctx, cancel := context.WithTimeout(d.T.Context(), 90*time.Second)
	defer cancel()
	_, err := d.Client.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String("slots"), Task: &victim})
	var stopped time.Time
	for err == nil {
		var out *ecs.DescribeTasksOutput
		out, err = d.Client.DescribeTasks(ctx, &ecs.DescribeTasksInput{
			Cluster: aws.String("slots"), Tasks: []string{victim, waiter}})
		if err == nil && len(out.Tasks) != 2 {
			err = errors.New(rig.Show(out.Failures))
		}
		if err != nil {
			break
		}
		now := time.Now()
		gone, placed := false, false
		for _, task := range out.Tasks {
			gone = gone || *task.TaskArn == victim && *task.LastStatus == "STOPPED"
			placed = placed || *task.TaskArn == waiter && task.ContainerInstanceArn != nil
		}
		if gone && stopped.IsZero() {
			stopped = now
		}
		if placed && !gone {
			d.T.Fatalf("%s has its place before %s has left", waiter, victim)
		}
		if placed {
			return now.Sub(stopped)
		}
		rig.Pause(ctx, time.Millisecond)
	}
	d.T.Fatal(err)
	return 0
}
