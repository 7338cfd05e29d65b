package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// churnFor changes, reads and samples until the time is over.
func (w *world) churnFor(ctx context.Context, d time.Duration, i *installation, file string) ([]sample, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	began := time.Now()
	change := time.NewTicker(time.Duration(float64(time.Second) / w.rate))
	defer change.Stop()
	look := time.NewTicker(sampleEvery)
	defer look.Stop()
	read := time.NewTicker(2 * time.Second)
	defer read.Stop()
	var samples []sample
	for time.Since(began) < d {
		select {
		case <-ctx.Done():
			return samples, ctx.Err()
		case <-i.exited:
			return samples, errors.New("the daemon is gone")
		case <-change.C:
			w.change(ctx)
		case <-read.C:
			w.read(ctx)
		case <-look.C:
			samples, err = w.sampleInto(ctx, samples, i, began, f)
			if err != nil {
				return samples, err
			}
		}
	}
	return w.sampleInto(ctx, samples, i, began, f)
}

func (w *world) sampleInto(
	ctx context.Context, samples []sample, i *installation, began time.Time, f *os.File,
) ([]sample, error) {
	s, err := i.sample(ctx, w.client)
	if err != nil {
		return samples, err
	}
	s.At, s.Live, s.Starts = time.Since(began).Seconds(), w.live, w.starts
	samples = append(samples, s)
	if len(samples)%30 == 0 {
		fmt.Printf("soak: %.0f min: %+v\n", s.At/60, s)
	}
	return samples, journal{f}.write(s)
}

// change does one thing that a user of a cluster does.
func (w *world) change(ctx context.Context) {
	w.changes++
	hands := max(2, 12*w.plan.live/200) // tasks run by hand that stay until they are stopped
	err := error(nil)
	switch n := w.rand.IntN(100); {
	case len(w.running) > hands || n < 15 && len(w.running) > 0:
		err = w.stopOldest(ctx)
	case n < 35:
		err = w.runTask(ctx, "wait", true)
	case n < 45:
		err = w.runTask(ctx, "wait-vpc", true)
	case n < 55:
		err = w.runTask(ctx, "say", true)
	case n < 70:
		err = w.runTask(ctx, "exit", false)
	case n < 77:
		err = w.runTask(ctx, "exit-vpc", false)
	case n < 90:
		err = w.scale(ctx)
	case n < 93:
		err = w.roll(ctx)
	case n < 96:
		err = w.passing(ctx)
	default:
		err = w.tidyStreams(ctx)
	}
	if err != nil && ctx.Err() == nil {
		w.v.violate("a change failed: %v", err)
	}
}

// runTask runs one task by hand. Some calls carry a token, and are remembered for a day.
func (w *world) runTask(ctx context.Context, family string, stays bool) error {
	in := m{"cluster": cluster, "taskDefinition": family, "launchType": "EC2"}
	if family == "wait-vpc" || family == "exit-vpc" {
		in["networkConfiguration"] = w.network
	}
	w.n++
	if w.n%50 == 0 {
		in["clientToken"] = fmt.Sprintf("soak-%d", w.n)
	}
	var a struct {
		Tasks    []struct{ TaskArn string }
		Failures []struct{ Reason string }
	}
	err := w.ecs(ctx, "RunTask", in, &a)
	if err != nil {
		return err
	}
	if len(a.Tasks) != 1 {
		w.busy++ // the cluster has no room now: judged by their number
		return nil
	}
	if stays {
		w.running = append(w.running, a.Tasks[0].TaskArn)
	}
	return nil
}

func (w *world) stopOldest(ctx context.Context) error {
	arn := w.running[0]
	w.running = w.running[1:]
	return w.ecs(ctx, "StopTask", m{"cluster": cluster, "task": arn, "reason": "the soak has seen enough of it"}, nil)
}

// scale moves a service around its usual count.
func (w *world) scale(ctx context.Context) error {
	s := w.scaled[w.rand.IntN(len(w.scaled))]
	s.desired = max(0, s.count+w.rand.IntN(5)-2)
	return w.ecs(ctx, "UpdateService", m{"cluster": cluster, "service": s.name, "desiredCount": s.desired}, nil)
}

// roll replaces the tasks of a service unless its last replacement is still going on.
func (w *world) roll(ctx context.Context) error {
	s := w.rolled[w.rand.IntN(len(w.rolled))]
	a, err := w.describe(ctx, s.name)
	if err != nil {
		return err
	}
	if len(a.Services) != 1 || len(a.Services[0].Deployments) != 1 {
		return nil
	}
	return w.ecs(ctx, "UpdateService", m{"cluster": cluster, "service": s.name, "forceNewDeployment": true}, nil)
}

// passing makes a service that is gone again at once.
func (w *world) passing(ctx context.Context) error {
	w.n++
	name := fmt.Sprintf("passing-%d", w.n)
	err := w.ecs(ctx, "CreateService", m{"cluster": cluster, "serviceName": name, "taskDefinition": "wait",
		"desiredCount": 1, "launchType": "EC2"}, nil)
	if err != nil {
		return err
	}
	return w.ecs(ctx, "DeleteService", m{"cluster": cluster, "service": name, "force": true}, nil)
}

// tidyStreams deletes the log streams of tasks that are gone: what users keep would grow without anybody's fault.
func (w *world) tidyStreams(ctx context.Context) error {
	var a struct {
		LogStreams []struct {
			LogStreamName string
			CreationTime  int64
		}
	}
	err := w.logs(ctx, "DescribeLogStreams", m{"logGroupName": group, "orderBy": "LastEventTime", "descending": false}, &a)
	if err != nil {
		return err
	}
	for _, s := range a.LogStreams {
		if time.Since(time.UnixMilli(s.CreationTime)) < 2*forgetAfter || w.talks(s.LogStreamName) {
			continue
		}
		err = w.logs(ctx, "DeleteLogStream", m{"logGroupName": group, "logStreamName": s.LogStreamName}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// findNetwork asks for a subnet that tasks can be in.
func (w *world) findNetwork(ctx context.Context) error {
	subnet, err := w.subnet(ctx)
	w.network = m{"awsvpcConfiguration": m{"subnets": []string{subnet}}}
	return err
}
