//go:build docker

package awsvpc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/vishvananda/netns"
)

// testEngine is the smallest Engine on a real Docker.
type testEngine struct {
	c *client.Client
	// forbid keeps pause programs from leaving, as a security module would.
	forbid bool
}

var _ Engine = testEngine{}

func (e testEngine) LoadImage(ctx context.Context, tar io.Reader) error {
	res, err := e.c.ImageLoad(ctx, tar, client.ImageLoadWithQuiet(true))
	if err != nil {
		return err
	}
	defer res.Close()
	_, err = io.Copy(io.Discard, res)
	return err
}

func (e testEngine) ImageExists(ctx context.Context, ref string) (bool, error) {
	_, err := e.c.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func (e testEngine) StartPause(ctx context.Context, s PauseSpec) (string, int, error) {
	mode := "none"
	if s.Leaves {
		mode = "host"
	}
	return e.run(ctx, s.Name, s.Image, mode, s.Hostname, s.Labels)
}

func (e testEngine) run(
	ctx context.Context, name, image, network, host string, labels map[string]string,
) (string, int, error) {
	hc := &container.HostConfig{NetworkMode: container.NetworkMode(network)}
	if network == "host" && !e.forbid {
		hc.CapAdd = []string{"SYS_ADMIN"}
	}
	made, err := e.c.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name: name, Config: &container.Config{Image: image, Hostname: host, Labels: labels}, HostConfig: hc,
	})
	if err != nil {
		return "", 0, err
	}
	_, err = e.c.ContainerStart(ctx, made.ID, client.ContainerStartOptions{})
	if err != nil {
		return "", 0, err
	}
	seen, err := e.c.ContainerInspect(ctx, made.ID, client.ContainerInspectOptions{})
	if err != nil {
		return "", 0, err
	}
	return made.ID, seen.Container.State.Pid, nil
}

func (e testEngine) RemovePause(ctx context.Context, id string) error {
	_, err := e.c.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func (e testEngine) ListPauses(ctx context.Context, labels map[string]string) ([]Pause, error) {
	f := client.Filters{}
	for k, v := range labels {
		f.Add("label", k+"="+v)
	}
	list, err := e.c.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	if err != nil {
		return nil, err
	}
	var out []Pause
	for _, c := range list.Items {
		seen, err := e.c.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p := Pause{ID: c.ID, Name: strings.TrimPrefix(c.Names[0], "/"), Labels: c.Labels}
		if seen.Container.State.Running {
			p.PID = seen.Container.State.Pid
		}
		out = append(out, p)
	}
	return out, nil
}

// rig is one installation with its own random id and subnet; everything of it is gone at the test's end.
type rig struct {
	*Manager
	engine testEngine
	net    netip.Prefix
}

func newRig(tb testing.TB, change func(*Config)) *rig {
	tb.Helper()
	c, err := client.New()
	if err != nil {
		tb.Fatal(err)
	}
	cfg := Config{
		Installation: "t" + randomID(),
		Engine:       testEngine{c: c},
		PoolSize:     -1,
		Root:         os.Geteuid() == 0,
		NewID:        randomID,
		Now:          time.Now,
		Log:          slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if change != nil {
		change(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	var b [2]byte
	_, _ = rand.Read(b[:])
	r := &rig{Manager: m, engine: testEngine{c: c}, net: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, b[0], b[1], 0}), 24)}
	tb.Cleanup(func() {
		err := r.Teardown(context.Background())
		if err != nil {
			tb.Errorf("tear down: %v", err)
		}
	})
	return r
}

// run starts Run and returns a function that ends it.
func (r *rig) run(tb testing.TB) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	end := func() {
		cancel()
		<-done
		done <- nil
	}
	tb.Cleanup(end)
	return end
}

func (r *rig) request(task string, last byte) Request {
	a := r.net.Addr().As4()
	a[3] = last
	return Request{
		TaskID:     task,
		TaskARN:    "arn:aws:ecs:us-east-1:123456789012:task/c/" + task,
		Address:    netip.AddrFrom4(a),
		SubnetCIDR: r.net,
		VPCCIDR:    r.net,
		MAC:        net.HardwareAddr{0x02, 0x11, a[1], a[2], 0x33, last},
		Hostname:   fmt.Sprintf("ip-10-0-0-%d.ec2.internal", last),
	}
}

func (r *rig) attached(tb testing.TB, task string, last byte) Attached {
	tb.Helper()
	a, err := r.Attach(tb.Context(), r.request(task, last))
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func randomID() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// inside runs f on a thread of its own that is in the process's network namespace and dies afterwards.
func inside(tb testing.TB, pid int, f func() error) {
	tb.Helper()
	if pid == os.Getpid() {
		err := f()
		if err != nil {
			tb.Fatal(err)
		}
		return
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		ns, err := netns.GetFromPid(pid)
		if err == nil {
			err = netns.Set(ns)
			_ = ns.Close()
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	err := <-done
	if err != nil {
		tb.Fatal(err)
	}
}

// echo listens inside the process's namespace and sends every caller the address it came from.
func echo(tb testing.TB, pid int, address string) net.Listener {
	tb.Helper()
	var ln net.Listener
	inside(tb, pid, func() error {
		var err error
		ln, err = net.Listen("tcp4", address)
		return err
	})
	tb.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, c.RemoteAddr().String())
			_ = c.Close()
		}
	}()
	return ln
}

// call dials from inside the process's namespace and returns what echo said.
func call(tb testing.TB, pid int, address string) string {
	tb.Helper()
	var got []byte
	inside(tb, pid, func() error {
		c, err := net.DialTimeout("tcp4", address, 3*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		got, err = io.ReadAll(c)
		return err
	})
	host, _, err := net.SplitHostPort(string(got))
	if err != nil {
		tb.Fatal(err)
	}
	return host
}
