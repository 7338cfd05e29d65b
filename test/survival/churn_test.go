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

// slack allows for connections that are open at the moment, and for the goroutines that serve them.
const slack = 20

// TASKS is how many tasks come and go.
func TestTasksThatCameAndWentLeaveNothingBehind(t *testing.T) {
	rig.RootOnly(t)
	count := int(rig.Setting(t, "TASKS", 200))
	d := start(t)
	d.Cluster("churn")
	n := d.Network()
	kinds := []ecs.RunTaskInput{
		{TaskDefinition: aws.String(d.Register(rig.Definition("plain", rig.Probe("main", "exit", "0"))))},
		{TaskDefinition: aws.String(d.Register(rig.WithVolume(rig.Definition("disk", rig.Probe("main", "exit", "3")))))},
		{TaskDefinition: aws.String(d.Register(rig.Fargate(rig.Definition("vpc", rig.Probe("main", "exit", "0"))))), NetworkConfiguration: n},
	}
	d.churn(kinds, 30) // what is made once and kept is made now
	d.Quiet()
	goroutines, _ := d.Goroutines()
	d.Start()
	d.churn(kinds, 30)
	d.Quiet()
	before := d.Marks()
	began := time.Now()
	d.churn(kinds, count)
	took := time.Since(began)
	rig.Eventually(t, time.Minute, "the host to be as it was", func(context.Context) error {
		now := d.Marks()
		if now.Connections > before.Connections+slack {
			return fmt.Errorf("%d connections are open, %d were", now.Connections, before.Connections)
		}
		return now.Same(before)
	})
	d.Quiet()
	after := d.Marks()
	left, trace := d.Goroutines()
	if left > goroutines+slack {
		t.Errorf("%d goroutines run, %d did:\n%s", left, goroutines, trace)
	}
	t.Logf("%d tasks in %s: descriptors %d → %d, connections %d → %d, namespaces %d → %d, goroutines %d → %d, "+
		"links, rules, addresses and volumes as before", count, took, len(before.Descriptors), len(after.Descriptors),
		before.Connections, after.Connections, before.Namespaces, after.Namespaces, goroutines, left)
}

// churn runs tasks of all kinds, ten a call, until they have ended.
func (d *daemon) churn(kinds []ecs.RunTaskInput, count int) {
	d.T.Helper()
	for count > 0 {
		var arns []string
		for _, in := range kinds {
			some := d.startSome(in, min(count, 10))
			count -= len(some)
			arns = append(arns, some...)
		}
		rig.Eventually(d.T, 3*time.Minute, "the tasks to end", func(ctx context.Context) error { return d.ended(ctx, arns) })
	}
}

// startSome asks until there is room for all.
func (d *daemon) startSome(in ecs.RunTaskInput, count int) []string {
	d.T.Helper()
	var arns []string
	in.Cluster, in.LaunchType = aws.String("churn"), types.LaunchTypeEc2
	if in.NetworkConfiguration != nil {
		in.LaunchType = types.LaunchTypeFargate
	}
	rig.Eventually(d.T, time.Minute, "room for tasks", func(ctx context.Context) error {
		if len(arns) == count {
			return nil
		}
		in.Count = aws.Int32(int32(count - len(arns)))
		out, err := d.Client.RunTask(ctx, &in)
		if err != nil {
			return err
		}
		for _, task := range out.Tasks {
			arns = append(arns, *task.TaskArn)
		}
		if len(arns) < count {
			return fmt.Errorf("run-task: %s", rig.Show(out.Failures))
		}
		return nil
	})
	return arns
}

func (d *daemon) ended(ctx context.Context, arns []string) error {
	out, err := d.Client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("churn"), Tasks: arns})
	if err != nil {
		return err
	}
	for _, task := range out.Tasks {
		if *task.LastStatus != "STOPPED" {
			return fmt.Errorf("%s is %s", *task.TaskArn, *task.LastStatus)
		}
		if task.Containers[0].ExitCode == nil {
			return fmt.Errorf("no exit code: %s", rig.Show(task))
		}
	}
	return nil
}
