//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// siege is a daemon whose engine ends and returns again and again.
type siege struct {
	*daemon
	t       *testing.T
	v       *verdict
	e       *rig.Dockerd
	moments *rand.Rand
	polite  string
}

func besiege(t *testing.T, v *verdict, seed uint64) *siege {
	e := rig.StartDockerd(t)
	d := start(t, rig.OnEngine(e.Socket()))
	s := &siege{daemon: d, t: t, v: v, e: e, moments: rand.New(rand.NewPCG(seed, 1))}
	d.Cluster("outage")
	d.Serve("outage", "bridge", d.Register(rig.Definition("bridge", rig.Web())), 2, nil)
	d.Serve("outage", "vpc", d.Register(rig.Fargate(rig.Definition("vpc", rig.Web()))), 1, d.Network())
	d.Register(rig.Definition("polite", rig.Probe("main", "polite", "6"))) // those that are brief
	ready := rig.Probe("main", "polite", "6")
	ready.Cpu = 128 // with the two shares of no cpu, its handler may not be there yet when the engine ends
	s.polite = d.Register(rig.Definition("ready", ready))
	return s
}

// restarts ends the engine, by request and by force: half of the times everything that it ran dies with it, half of
// the times, with live-restore, nothing may.
func (s *siege) restarts(count int) {
	for i := range count {
		if time.Now().After(s.v.deadline) {
			return
		}
		if i == (count+1)/2 {
			s.e.Live = true // from the next start; this end still takes everything along
			s.whole()
			s.e.End(syscall.SIGTERM)
			s.e.Start()
		}
		signal := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}[s.moments.IntN(2)]
		took, err := s.restart(signal)
		if err != nil {
			s.v.broken(s.t, fmt.Sprintf("restart %d of the engine, %s, live-restore %t", i+1, signal, s.e.Live), err)
		}
		s.t.Logf("%s, live-restore %t: the truth was back after %s", signal, s.e.Live, took)
		s.v.add(func(v *verdict) {
			v.DockerRestarts++
			v.truths = append(v.truths, took)
		})
	}
}

func (s *siege) whole() {
	s.t.Helper()
	s.Stable("outage", "bridge", 40*time.Second)
	s.Stable("outage", "vpc", 40*time.Second)
}

// restart answers with the time from the engine's return to records that are right.
func (s *siege) restart(signal syscall.Signal) (time.Duration, error) {
	s.t.Helper()
	s.whole()
	single := s.Run(&ecs.RunTaskInput{
		Cluster: aws.String("outage"), TaskDefinition: &s.polite, LaunchType: types.LaunchTypeEc2})
	s.Until("outage", single, "RUNNING", 20*time.Second)
	before, err := s.Tasks(s.t.Context(), "outage", "", types.DesiredStatusRunning)
	if err != nil {
		return 0, err
	}
	born := s.Births("outage", "bridge", "vpc", "")
	err = s.outage(signal)
	if err != nil {
		return 0, err
	}
	back := time.Now()
	ctx, cancel := context.WithTimeout(s.t.Context(), truthWithin)
	defer cancel()
	if s.e.Live {
		err = rig.Poll(ctx, func(ctx context.Context) error { return s.lives(ctx, before, born) })
		took := time.Since(back)
		_, stop := s.Client.StopTask(s.t.Context(), &ecs.StopTaskInput{Cluster: aws.String("outage"), Task: &single})
		return took, errors.Join(err, stop)
	}
	err = rig.Poll(ctx, func(ctx context.Context) error { return s.truth(ctx, before, single) })
	return time.Since(back), as("untrue", err)
}

// outage ends the engine under load and starts it again. The API answers all the time.
func (s *siege) outage(signal syscall.Signal) error {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	said := make(chan error, 2)
	var started atomic.Int64
	go func() { said <- s.Answering(ctx, s.describe) }()
	go func() { said <- s.Answering(ctx, func(ctx context.Context) error { return s.brief(ctx, &started) }) }()
	rig.Pause(ctx, 200*time.Millisecond+time.Duration(s.moments.IntN(400))*time.Millisecond)
	s.e.End(signal)
	rig.Pause(ctx, time.Duration(s.moments.IntN(1500))*time.Millisecond)
	s.e.Start()
	rig.Pause(ctx, 200*time.Millisecond)
	cancel()
	err := errors.Join(<-said, <-said)
	s.v.add(func(v *verdict) { v.briefs += int(started.Load()) })
	return err
}

// brief starts a task and stops it, engine or no engine.
func (s *siege) brief(ctx context.Context, started *atomic.Int64) error {
	out, err := s.Client.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("outage"),
		TaskDefinition: aws.String("polite"), LaunchType: types.LaunchTypeEc2, StartedBy: aws.String("load")})
	if err != nil {
		return err
	}
	for _, task := range out.Tasks {
		started.Add(1)
		_, err = s.Client.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String("outage"), Task: task.TaskArn})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *siege) describe(ctx context.Context) error {
	_, err := s.Client.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: aws.String("outage"), Services: []string{"bridge", "vpc"}})
	return err
}

// lives expects, with live-restore, every task to be as it was before.
func (s *siege) lives(ctx context.Context, before []types.Task, born map[string]string) error {
	for _, old := range before {
		task, err := s.Task(ctx, "outage", *old.TaskArn)
		if err != nil {
			return err
		}
		if *task.LastStatus != "RUNNING" {
			return restarted("the engine let it live: %s", rig.Show(task))
		}
	}
	err := as("restarted", s.Unharmed(born))
	if err != nil {
		return err
	}
	return as("untrue", s.Agree(ctx, "outage"))
}

// truth expects, soon after the engine is back, that what died is told with its exit code and replaced.
func (s *siege) truth(ctx context.Context, before []types.Task, single string) error {
	for _, old := range before {
		task, err := s.Task(ctx, "outage", *old.TaskArn)
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
		service, err := s.Service(ctx, "outage", name)
		if err == nil {
			err = rig.Steady(service)
		}
		if err != nil {
			return err
		}
	}
	return s.Agree(ctx, "outage")
}

// reachable expects what runs after the last outage to answer.
func (s *siege) reachable() {
	s.whole()
	for _, address := range s.Addresses("outage", "vpc") {
		err := rig.Answers(s.t.Context(), "http://"+address+"/")
		if err != nil {
			s.v.broken(s.t, "after the last outage", err)
		}
	}
}
