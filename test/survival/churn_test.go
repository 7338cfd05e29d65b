//go:build e2e

package survival

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// fdSlack allows for connections that are open at the moment.
const fdSlack = 10

func TestTwoHundredTasksLeaveNothingBehind(t *testing.T) {
	rootOnly(t)
	d := startDaemon(t)
	d.cluster("churn")
	n := d.network()
	kinds := []ecs.RunTaskInput{
		{TaskDefinition: aws.String(d.register(definition("plain", probe("main", "exit", "0"))))},
		{TaskDefinition: aws.String(d.register(withVolume(definition("disk", probe("main", "exit", "3")))))},
		{TaskDefinition: aws.String(d.register(fargate(definition("vpc", probe("main", "exit", "0"))))), NetworkConfiguration: n},
	}
	d.churn(kinds, 30) // what is made once and kept is made now
	d.quiet()
	fds, marks := d.descriptors(), d.footprint()
	began := time.Now()
	d.churn(kinds, 200)
	t.Logf("200 tasks in %s", time.Since(began))
	eventually(t, 30*time.Second, "the host to be as it was", func(context.Context) error {
		if now := d.descriptors(); len(now) > len(fds)+fdSlack {
			return fmt.Errorf("%d descriptors are open, %d were: %v\n%v", len(now), len(fds), now, fds)
		}
		if now := d.footprint(); now != marks {
			return fmt.Errorf("the host has:\n%s\nit had:\n%s", now, marks)
		}
		return nil
	})
	d.quiet()
}

// churn runs tasks of all kinds, ten a call, until they have ended.
func (d *daemon) churn(kinds []ecs.RunTaskInput, count int) {
	d.t.Helper()
	for count > 0 {
		var arns []string
		for _, in := range kinds {
			some := d.startSome(in, min(count, 10))
			count -= len(some)
			arns = append(arns, some...)
		}
		eventually(d.t, 60*time.Second, "the tasks to end", func(ctx context.Context) error { return d.ended(ctx, arns) })
	}
}

// startSome asks until there is room for all.
func (d *daemon) startSome(in ecs.RunTaskInput, count int) []string {
	d.t.Helper()
	var arns []string
	in.Cluster, in.LaunchType = aws.String("churn"), types.LaunchTypeEc2
	if in.NetworkConfiguration != nil {
		in.LaunchType = types.LaunchTypeFargate
	}
	eventually(d.t, 30*time.Second, "room for tasks", func(ctx context.Context) error {
		if len(arns) == count {
			return nil
		}
		in.Count = aws.Int32(int32(count - len(arns)))
		out, err := d.client.RunTask(ctx, &in)
		if err != nil {
			return err
		}
		for _, task := range out.Tasks {
			arns = append(arns, *task.TaskArn)
		}
		if len(arns) < count {
			return fmt.Errorf("run-task: %s", show(out.Failures))
		}
		return nil
	})
	return arns
}

func (d *daemon) ended(ctx context.Context, arns []string) error {
	out, err := d.client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("churn"), Tasks: arns})
	if err != nil {
		return err
	}
	for _, task := range out.Tasks {
		if *task.LastStatus != "STOPPED" {
			return fmt.Errorf("%s is %s", *task.TaskArn, *task.LastStatus)
		}
		if task.Containers[0].ExitCode == nil {
			return fmt.Errorf("no exit code: %s", show(task))
		}
	}
	return nil
}

// quiet expects no container, link, volume or cgroup of a task.
func (d *daemon) quiet() {
	d.t.Helper()
	eventually(d.t, 30*time.Second, "nothing of any task", func(ctx context.Context) error {
		found, err := d.engine.containers(ctx, d.ours())
		if err != nil {
			return err
		}
		for _, c := range found {
			if c.task() != "" {
				return fmt.Errorf("container %v of %s is %s", c.Names, c.task(), c.State)
			}
		}
		volumes, err := d.engine.volumes(ctx, d.ours())
		if err != nil || len(volumes) > 0 {
			return fmt.Errorf("volumes %v, %v", volumes, err)
		}
		if groups := d.cgroups(); len(groups) > 0 {
			return fmt.Errorf("control groups %v", groups)
		}
		return d.furniture(ctx, 0)
	})
}

// descriptors that the daemon has open, by what they are.
func (d *daemon) descriptors() []string {
	d.t.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "fd")
	open, err := os.ReadDir(dir)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, f := range open {
		to, err := os.Readlink(filepath.Join(dir, f.Name()))
		if err == nil {
			out = append(out, to)
		}
	}
	slices.Sort(out)
	return out
}

// cgroups of tasks of this installation.
func (d *daemon) cgroups() []string {
	var out []string
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.Contains(filepath.Dir(path), d.id) {
			out = append(out, path)
		}
		return nil // what goes away while we look is no matter
	})
	return out
}
