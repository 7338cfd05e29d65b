package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"longshore/internal/node"
	"longshore/internal/node/docker"
	"longshore/internal/node/taskrun"
	simulated "longshore/internal/sim/engine"
)

const (
	cpuNodes  = 10
	cpuTasks  = 1000 // that run while the daemon idles; as many again are started after
	idleFor   = 40 * time.Second
	cpuSettle = 10 * time.Second
)

// controlPlane measures what the daemon's process alone takes of a processor: real agents over simulated engines run
// in the bench's process, and speak to the daemon over loopback.
func controlPlane(b *bench) error {
	dir, err := os.MkdirTemp(b.dir, "cpu")
	if err != nil {
		return err
	}
	i, err := b.upOn(dir, "--no-node")
	if err != nil {
		return err
	}
	t := i.target()
	err = t.call(b, "CreateCluster", m{"clusterName": "bench"}, nil)
	if err == nil {
		err = t.call(b, "RegisterTaskDefinition", m{"family": "sim", "containerDefinitions": []m{{
			"name": "main", "image": "sim/web", "memory": 16, "portMappings": []m{{"containerPort": 80}}}}}, nil)
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b)
	var wg sync.WaitGroup
	defer func() { stop(); wg.Wait() }()
	for n := range cpuNodes {
		wg.Go(func() {
			err := b.simulatedNode(ctx, i, n)
			if err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "  node:", err)
			}
		})
	}
	err = t.waitCluster(b, "registeredContainerInstancesCount", cpuNodes)
	if err != nil {
		return err
	}
	first, err := i.costOf(func() error { return t.startAll(b, cpuTasks) })
	if err != nil {
		return err
	}
	time.Sleep(cpuSettle)
	idle, err := i.costOf(func() error { time.Sleep(idleFor); return nil })
	if err != nil {
		return err
	}
	second, err := i.costOf(func() error { return t.startAll(b, 2*cpuTasks) })
	if err != nil {
		return err
	}
	b.add(figure{Name: "control plane's processor time per task start, API call to RUNNING reported",
		Value: (first + second) * 1000 / (2 * cpuTasks), Unit: "ms", Target: "≤ 1 ms"})
	b.add(figure{Name: "the daemon's processor time, idle with 1,000 running tasks", Value: idle * 100 / idleFor.Seconds(),
		Unit: "% of a core", Target: "≤ 2 %"})
	stop()
	wg.Wait()
	return i.down()
}

// costOf is the seconds of processor time that the daemon takes for something.
func (i *installation) costOf(do func() error) (float64, error) {
	before, err := i.processor()
	if err != nil {
		return 0, err
	}
	err = do()
	if err != nil {
		return 0, err
	}
	after, err := i.processor()
	return after - before, err
}

// processor time of the daemon so far, in seconds, to the nanosecond: of all threads, none of which Go ends.
func (i *installation) processor() (float64, error) {
	dir := fmt.Sprintf("/proc/%d/task/", i.cmd.Process.Pid)
	threads, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	total := 0.0
	for _, t := range threads {
		text, err := os.ReadFile(dir + t.Name() + "/schedstat")
		if err != nil {
			return 0, err
		}
		var ns float64
		_, err = fmt.Sscan(string(text), &ns)
		if err != nil {
			return 0, err
		}
		total += ns
	}
	return total / 1e9, nil
}

// startAll starts tasks, one a call, eight calls at a time, until so many run.
func (t target) startAll(ctx context.Context, until int) error {
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for range cpuTasks / len(errs) {
				var a tasksAnswer
				err := t.call(ctx, "RunTask", m{"cluster": "bench", "taskDefinition": "sim"}, &a)
				if err == nil && len(a.Tasks) != 1 {
					err = fmt.Errorf("RunTask: %+v", a.Failures)
				}
				if err != nil {
					errs[w] = err
					return
				}
			}
		})
	}
	wg.Wait()
	err := errors.Join(errs...)
	if err != nil {
		return err
	}
	return t.waitCluster(ctx, "runningTasksCount", until)
}

// waitCluster asks rarely: the question is part of what is measured.
func (t target) waitCluster(ctx context.Context, count string, want int) error {
	for range 1200 {
		var a struct{ Clusters []map[string]any }
		err := t.call(ctx, "DescribeClusters", m{"clusters": []string{"bench"}}, &a)
		if err != nil {
			return err
		}
		have, _ := a.Clusters[0][count].(float64)
		if int(have) >= want {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%s does not reach %d within two minutes", count, want)
}

// simulatedNode is a machine of its own: an agent as it is, over an engine that has no processes.
func (b *bench) simulatedNode(ctx context.Context, i *installation, n int) error {
	quiet := slog.New(slog.DiscardHandler)
	e := simulated.New(simulated.Config{Name: fmt.Sprint("node-", n), Now: time.Now, NewID: func() string { return hexID() + hexID() },
		PullTime: func(string) (time.Duration, error) { return 0, nil }, Log: quiet})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: e.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // until it is closed
	defer server.Close()
	d, err := docker.New(docker.Config{Log: quiet, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}})
	if err != nil {
		return err
	}
	path, err := os.MkdirTemp(b.dir, "node")
	if err != nil {
		return err
	}
	dir, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	a, err := node.New(node.Config{
		Server: i.url, Region: i.keys.Region, Cluster: "bench", Kind: node.KindEC2,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: i.keys.AccessKeyID, SecretAccessKey: i.keys.SecretAccessKey}, nil
		}),
		Resources: node.Resources{CPU: 1 << 20, MemoryMiB: 1 << 20},
		Tasks: taskrun.Config{Engine: d, Installation: i.keys.ID, Region: i.keys.Region,
			Ports: taskrun.NewPorts(0, 0, func(string, int) bool { return true }), Slots: taskrun.NewSlots(0, 0),
			Now: time.Now, NewID: uuid, Log: quiet},
		DockerVersion: "sim", DataDir: dir, Now: time.Now, NewID: uuid, Rand: mathrand.Float64, Log: quiet,
	})
	if err != nil {
		return errors.Join(err, d.Close())
	}
	return errors.Join(a.Run(ctx), d.Close())
}

func hexID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func uuid() string {
	h := hexID()
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}
