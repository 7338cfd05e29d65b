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

	"longshore/test/rig"
)

// truthWithin is how long after the engine's return the records may be wrong.
const truthWithin = 30 * time.Second

func TestTheTruthReturnsWithTheEngine(t *testing.T) {
	rig.RootOnly(t)
	e := rig.StartDockerd(t)
	d := start(t, rig.OnEngine(e.Socket()))
	d.Cluster("outage")
	n := d.Network()
	d.Serve("outage", "bridge", d.Register(rig.Definition("bridge", rig.Web())), 3, nil)
	d.Serve("outage", "vpc", d.Register(rig.Fargate(rig.Definition("vpc", rig.Web()))), 2, n)
	def := d.Register(rig.Definition("polite", rig.Probe("main", "polite", "6")))
	for _, round := range []struct {
		name   string
		signal syscall.Signal
	}{
		{"stopped", syscall.SIGTERM},
		{"killed", syscall.SIGKILL}, // without live-restore the next engine asks what still runs to end
	} {
		t.Run(round.name, func(t *testing.T) {
			d.Stable("outage", "bridge", 40*time.Second)
			d.Stable("outage", "vpc", 40*time.Second)
			single := d.Run(&ecs.RunTaskInput{
				Cluster: aws.String("outage"), TaskDefinition: &def, LaunchType: types.LaunchTypeEc2})
			d.Until("outage", single, "RUNNING", 20*time.Second)
			before, err := d.Tasks(t.Context(), "outage", "", types.DesiredStatusRunning)
			if err != nil {
				t.Fatal(err)
			}
			d.outage(e, round.signal)
			d.truth(before, single)
		})
	}
}

// outage ends the engine under load and starts it again. The API answers all the time.
func (d *daemon) outage(e *rig.Dockerd, s syscall.Signal) {
	d.T.Helper()
	ctx, cancel := context.WithCancel(d.T.Context())
	defer cancel()
	said := make(chan error, 2)
	var started atomic.Int64
	go func() { said <- d.Answering(ctx, d.describe) }()
	go func() {
		said <- d.Answering(ctx, func(ctx context.Context) error {
			out, err := d.Client.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("outage"),
				TaskDefinition: aws.String("polite"), LaunchType: types.LaunchTypeEc2, StartedBy: aws.String("load")})
			if err != nil {
				return err
			}
			for _, task := range out.Tasks {
				started.Add(1)
				_, err = d.Client.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String("outage"), Task: task.TaskArn})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	rig.Pause(ctx, time.Second)
	e.End(s)
	rig.Pause(ctx, 3*time.Second)
	e.Start()
	rig.Pause(ctx, time.Second)
	cancel()
	for range 2 {
		err := <-said
		if err != nil {
			d.T.Error(err)
		}
	}
	d.T.Logf("%d tasks were started around the outage", started.Load())
}

func (d *daemon) describe(ctx context.Context) error {
	_, err := d.Client.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: aws.String("outage"), Services: []string{"bridge", "vpc"}})
	return err
}

// truth expects, soon after the engine is back, that what died is told with its exit code and replaced.
func (d *daemon) truth(before []types.Task, single string) {
	d.T.Helper()
	back := time.Now()
	rig.Eventually(d.T, truthWithin, "the truth after the outage", func(ctx context.Context) error {
		for _, old := range before {
			task, err := d.Task(ctx, "outage", *old.TaskArn)
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
				return fmt.Errorf("the exit code was %d: %s", want, rig.Show(task))
			}
		}
		for _, name := range []string{"bridge", "vpc"} {
			s, err := d.Service(ctx, "outage", name)
			if err == nil {
				err = rig.Steady(s)
			}
			if err != nil {
				return err
			}
		}
		return d.Agree(ctx, "outage")
	})
	d.T.Logf("the truth was back after %s", time.Since(back))
	for _, address := range d.Addresses("outage", "vpc") {
		err := rig.Answers(d.T.Context(), "http://"+address+"/")
		if err != nil {
			d.T.Error(err)
		}
	}
}
