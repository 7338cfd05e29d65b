//go:build e2e

package survival

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// truthWithin is how long after the engine's return the records may be wrong.
const truthWithin = 30 * time.Second

func TestTheTruthReturnsWithTheEngine(t *testing.T) {
	rootOnly(t)
	e := startDockerd(t)
	d := startDaemon(t, onEngine(e.socket()))
	d.cluster("outage")
	n := d.network()
	d.serve("outage", "bridge", d.register(definition("bridge", web())), 3, nil)
	d.serve("outage", "vpc", d.register(fargate(definition("vpc", web()))), 2, n)
	def := d.register(definition("polite", probe("main", "polite", "6")))
	for _, round := range []struct {
		name   string
		signal syscall.Signal
	}{
		{"stopped", syscall.SIGTERM},
		{"killed", syscall.SIGKILL}, // without live-restore the next engine asks what still runs to end
	} {
		t.Run(round.name, func(t *testing.T) {
			d.stable("outage", "bridge", 40*time.Second)
			d.stable("outage", "vpc", 40*time.Second)
			single := d.run(&ecs.RunTaskInput{
				Cluster: aws.String("outage"), TaskDefinition: &def, LaunchType: types.LaunchTypeEc2})
			d.until("outage", single, "RUNNING", 20*time.Second)
			before, err := d.tasks(t.Context(), "outage", "", types.DesiredStatusRunning)
			if err != nil {
				t.Fatal(err)
			}
			d.outage(e, round.signal)
			d.truth(before, single)
		})
	}
}

// outage ends the engine under load and starts it again. The API answers all the time.
func (d *daemon) outage(e *dockerd, s syscall.Signal) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	defer cancel()
	said := make(chan error, 2)
	var started atomic.Int64
	go func() { said <- d.answering(ctx, d.describe) }()
	go func() {
		said <- d.answering(ctx, func(ctx context.Context) error {
			out, err := d.client.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("outage"),
				TaskDefinition: aws.String("polite"), LaunchType: types.LaunchTypeEc2, StartedBy: aws.String("load")})
			if err != nil {
				return err
			}
			for _, task := range out.Tasks {
				started.Add(1)
				_, err = d.client.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String("outage"), Task: task.TaskArn})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	pause(ctx, time.Second)
	e.end(s)
	pause(ctx, 3*time.Second)
	e.start()
	pause(ctx, time.Second)
	cancel()
	for range 2 {
		err := <-said
		if err != nil {
			d.t.Error(err)
		}
	}
	d.t.Logf("%d tasks were started around the outage", started.Load())
}

func (d *daemon) describe(ctx context.Context) error {
	_, err := d.client.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: aws.String("outage"), Services: []string{"bridge", "vpc"}})
	return err
}

// truth expects, soon after the engine is back, that what died is told with its exit code and replaced.
func (d *daemon) truth(before []types.Task, single string) {
	d.t.Helper()
	back := time.Now()
	eventually(d.t, truthWithin, "the truth after the outage", func(ctx context.Context) error {
		for _, old := range before {
			task, err := d.task(ctx, "outage", *old.TaskArn)
			if err != nil {
				return err
			}
			c := task.Containers[0]
			want := int32(0) // the web server ends well when it is asked to
			if *old.TaskArn == single {
				want = 6
			}
			switch {
			case *task.LastStatus != "STOPPED":
				return fmt.Errorf("%s is %s", *task.TaskArn, *task.LastStatus)
			case c.ExitCode == nil || *c.ExitCode != want:
				return fmt.Errorf("the exit code was %d: %s", want, show(task))
			}
		}
		for _, name := range []string{"bridge", "vpc"} {
			s, err := d.service(ctx, "outage", name)
			if err == nil {
				err = steady(s)
			}
			if err != nil {
				return err
			}
		}
		return d.agree(ctx, "outage")
	})
	d.t.Logf("the truth was back after %s", time.Since(back))
	for _, address := range d.addresses("outage", "vpc") {
		err := answers(d.t.Context(), "http://"+address+"/")
		if err != nil {
			d.t.Error(err)
		}
	}
}
