package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// cluster that everything happens in.
const cluster = "soak"

// group of the log streams.
const group = "/soak"

// world is what the soak has built and what it remembers of it.
type world struct {
	client
	plan
	image string
	v     *verdict
	rand  *rand.Rand

	network  m
	services []*service
	scaled   []*service // those that are scaled up and down
	rolled   []*service // those that are rolled
	running  []string   // tasks that were run by hand and not stopped, oldest first
	n        int        // names

	alive   map[string]bool // ids of the tasks that were not stopped at the last look
	seen    map[string]bool // tasks that have started
	over    map[string]bool // tasks whose end was judged
	starts  int
	live    int
	slowest time.Duration // read
	reads   int
	changes int
	busy    int // changes that were refused for want of room
}

type service struct {
	name    string
	count   int // wanted on average
	desired int
}

func newWorld(c client, p plan, image string, v *verdict) *world {
	return &world{client: c, plan: p, image: image, v: v, rand: rand.New(rand.NewPCG(p.seed, 1)), seen: map[string]bool{},
		over: map[string]bool{}}
}

// build makes cluster, definitions and services, a few tasks at a time, and waits until all run.
func (w *world) build(ctx context.Context) error {
	err := w.ecs(ctx, "CreateCluster", m{"clusterName": cluster}, nil)
	if err != nil {
		return err
	}
	err = w.logs(ctx, "CreateLogGroup", m{"logGroupName": group}, nil)
	if err != nil {
		return err
	}
	err = w.findNetwork(ctx)
	if err != nil {
		return err
	}
	if w.minutes >= filledFrom {
		err = w.fill(ctx)
	}
	if err != nil {
		return err
	}
	for _, d := range w.definitions() {
		err = w.ecs(ctx, "RegisterTaskDefinition", d, nil)
		if err != nil {
			return err
		}
	}
	err = w.joined(ctx)
	if err != nil {
		return err
	}
	// Of 200 tasks: 125 bridge, 20 awsvpc, 20 that talk, 10 scaled, 10 rolled, 3 that crash; the rest is run by hand.
	of := func(n int) int { return max(1, n*w.plan.live/200) }
	for n := range 5 {
		w.add(fmt.Sprintf("still-%d", n), of(25))
	}
	w.add("vpc", of(20))
	w.add("talk", of(20))
	w.scaled = append(w.scaled, w.add("scale", of(6)), w.add("scale-vpc", of(4)))
	w.rolled = append(w.rolled, w.add("roll", of(6)), w.add("roll-vpc", of(4)))
	w.add("crash", of(3))
	for _, s := range w.services {
		err = w.create(ctx, s)
		if err != nil {
			return err
		}
		err = w.steady(ctx, s)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) add(name string, count int) *service {
	s := &service{name: name, count: count, desired: count}
	w.services = append(w.services, s)
	return s
}

// definitions of everything that is run: families are named after what they do.
func (w *world) definitions() []m {
	container := func(command ...string) m {
		return m{"name": "main", "image": w.image, "memory": 16, "command": command}
	}
	talk := func(c m) m {
		c["logConfiguration"] = m{"logDriver": "awslogs", "options": m{
			"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "soak"}}
		return c
	}
	bridge := func(family string, c m) m { return m{"family": family, "containerDefinitions": []m{c}} }
	vpc := func(family string, c m) m {
		return m{"family": family, "networkMode": "awsvpc", "containerDefinitions": []m{c}}
	}
	return []m{
		bridge("wait", container("wait")), bridge("exit", container("exit", "7")),
		bridge("crash", container("later", "5", "1")), bridge("talk", talk(container("tick", "5000"))),
		bridge("say", talk(container("say", "50"))), vpc("wait-vpc", container("wait")), vpc("exit-vpc", container("exit", "7")),
	}
}

// family that a service's tasks are of.
func (s *service) family() string {
	switch s.name {
	case "vpc", "scale-vpc", "roll-vpc":
		return "wait-vpc"
	case "talk", "crash":
		return s.name
	}
	return "wait"
}

func (w *world) create(ctx context.Context, s *service) error {
	in := m{"cluster": cluster, "serviceName": s.name, "taskDefinition": s.family(), "desiredCount": s.desired, "launchType": "EC2"}
	if s.family() == "wait-vpc" {
		in["networkConfiguration"] = w.network
	}
	return w.ecs(ctx, "CreateService", in, nil)
}

type servicesAnswer struct {
	Services []struct {
		ServiceName                              string
		RunningCount, PendingCount, DesiredCount int
		Deployments                              []struct{ RolloutState string }
	}
}

func (w *world) describe(ctx context.Context, names ...string) (servicesAnswer, error) {
	var a servicesAnswer
	return a, w.ecs(ctx, "DescribeServices", m{"cluster": cluster, "services": names}, &a)
}

// settleWithin is patience, not a promise: the engine of a machine under load takes its time.
const settleWithin = 3 * time.Minute

// steady waits until a service runs what it should; a service that crashes never does.
func (w *world) steady(ctx context.Context, s *service) error {
	if s.family() == "crash" {
		return nil
	}
	return w.until(ctx, settleWithin+time.Duration(5*s.count)*time.Second, func() error {
		a, err := w.describe(ctx, s.name)
		if err != nil {
			return err
		}
		x := a.Services[0]
		if len(x.Deployments) != 1 || x.RunningCount != s.desired || x.PendingCount != 0 {
			return fmt.Errorf("service %s wants %d: %+v", s.name, s.desired, x)
		}
		return nil
	})
}

func (w *world) joined(ctx context.Context) error {
	return w.until(ctx, time.Minute, func() error {
		var a struct{ ContainerInstanceArns []string }
		err := w.ecs(ctx, "ListContainerInstances", m{"cluster": cluster}, &a)
		if err == nil && len(a.ContainerInstanceArns) == 0 {
			err = errors.New("no instance has joined the cluster")
		}
		return err
	})
}

// until asks twice a second: the question takes the processor from what it waits for.
func (w *world) until(ctx context.Context, within time.Duration, check func() error) error {
	deadline := time.Now().Add(within)
	for {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", within, err)
		}
		err = pause(ctx, 500*time.Millisecond)
		if err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
