package workload

import (
	"context"
	"slices"
	"time"
)

// settle waits until nothing sent can have a late effect, sends once more what never got an answer, and reads back all
// that is known.
func (c *client) settle(ctx context.Context) error {
	for _, look := range []func(context.Context) error{
		c.undrain, c.settleServices, c.settleRuns, c.settleTasks, c.settleFamilies, c.settleRecords,
	} {
		err := look(ctx)
		if err != nil && refusal(err) == nil {
			return err
		}
	}
	return nil
}

func (c *client) settleServices(ctx context.Context) error {
	for _, s := range c.services {
		err := c.settleService(ctx, s)
		if err != nil {
			return err
		}
	}
	return nil
}

// settleRuns sends unanswered calls again with the same token: they have the one effect that they were to have.
func (c *client) settleRuns(ctx context.Context) error {
	for _, r := range c.runs {
		if !r.done || r.arns != nil {
			err := c.send(ctx, r)
			if err != nil && refusal(err) == nil {
				return err
			}
		}
		err := c.checkRun(ctx, r)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *client) settleTasks(ctx context.Context) error {
	var arns []string
	for _, t := range c.tasks {
		arns = append(arns, t.arn)
	}
	for part := range slices.Chunk(arns, 100) {
		err := c.describe(ctx, c, part)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *client) settleFamilies(ctx context.Context) error {
	for _, f := range c.families {
		for _, rev := range sorted(f.revs) {
			err := c.checkRevision(ctx, f, rev)
			if err != nil {
				return err
			}
		}
		err := c.newestOf(ctx, f.name)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *client) settleRecords(ctx context.Context) error {
	for _, r := range c.clusters {
		err := c.checkCluster(ctx, r)
		if err != nil {
			return err
		}
	}
	for _, r := range c.tags {
		err := c.checkTag(ctx, r)
		if err != nil {
			return err
		}
	}
	return c.readMarks(ctx)
}

// resource of an instance, or of what is left of it.
type resource struct {
	Name           string
	IntegerValue   int
	StringSetValue []string
}

func amount(of []resource, name string) int {
	for _, r := range of {
		if r.Name == name {
			return r.IntegerValue
		}
	}
	return 0
}

// ledger expects what is left of each instance, and its counts, to be what its tasks leave. Reads are repeated while
// tasks still come and go.
func (l *Load) ledger(ctx context.Context) error {
	c := l.clients[0]
	problem := ""
	for range 10 {
		var err error
		problem, err = c.imbalance(ctx)
		if err != nil || problem == "" {
			return err
		}
		err = pause(ctx, 3*time.Second)
		if err != nil {
			return err
		}
	}
	c.violate("O7", "%s", problem)
	return nil
}

// pause between two reads of what is still to change.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type instanceRead struct {
	ContainerInstanceArn                    string
	RunningTasksCount, PendingTasksCount    int
	RegisteredResources, RemainingResources []resource
}

func (c *client) imbalance(ctx context.Context) (string, error) {
	list := c.instances(ctx)
	if len(list) == 0 {
		return "", nil
	}
	out := struct{ ContainerInstances []instanceRead }{}
	_, err := c.ask(ctx, "DescribeContainerInstances", object{"cluster": c.load.Cluster, "containerInstances": list}, &out)
	if err != nil {
		return "", err
	}
	for _, i := range out.ContainerInstances {
		running, cpu, memory := 0, 0, 0
		tasks := struct{ TaskArns []string }{}
		_, err := c.ask(ctx, "ListTasks", object{"cluster": c.load.Cluster, "containerInstance": i.ContainerInstanceArn},
			&tasks)
		if err != nil {
			return "", err
		}
		for part := range slices.Chunk(tasks.TaskArns, 100) {
			n, x, y, err := c.sums(ctx, part)
			if err != nil {
				return "", err
			}
			running, cpu, memory = running+n, cpu+x, memory+y
		}
		freeCPU := amount(i.RegisteredResources, "CPU") - amount(i.RemainingResources, "CPU")
		freeMemory := amount(i.RegisteredResources, "MEMORY") - amount(i.RemainingResources, "MEMORY")
		if freeCPU != cpu || freeMemory != memory || i.RunningTasksCount != running {
			return "instance " + i.ContainerInstanceArn + " reads " + brief(i) + ", its tasks are " +
				brief(map[string]int{"running": running, "cpu": cpu, "memory": memory}), nil
		}
	}
	return "", nil
}

// sums what tasks take, by their own definitions.
func (c *client) sums(ctx context.Context, arns []string) (running, cpu, memory int, err error) {
	out := struct {
		Tasks []struct {
			LastStatus, Cpu, Memory string
			Containers              []struct{ Cpu, Memory string }
		}
	}{}
	_, err = c.ask(ctx, "DescribeTasks", object{"cluster": c.load.Cluster, "tasks": arns}, &out)
	if err != nil {
		return 0, 0, 0, err
	}
	for _, t := range out.Tasks {
		if t.LastStatus == "RUNNING" {
			running++
		}
		for _, part := range t.Containers {
			cpu += number(part.Cpu)
			memory += number(part.Memory)
		}
	}
	return running, cpu, memory, nil
}

func number(s string) int {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			return n
		}
		n = 10*n + int(r-'0')
	}
	return n
}
