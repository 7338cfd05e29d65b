//go:build e2e

package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Dockerd is a Docker Engine of the test's own: stopping the machine's would stop what others run on it.
type Dockerd struct {
	T      testing.TB
	Dir    string
	bridge string
	cmd    *exec.Cmd
	exited chan struct{}
	Log    *Tail
	Live   bool // containers outlive the engine: --live-restore, from the next start
}

func (e *Dockerd) Socket() string { return filepath.Join(e.Dir, "sock") }

// StartDockerd starts an engine that has the tests' image and nothing else.
func StartDockerd(t testing.TB) *Dockerd {
	t.Helper()
	dir, err := os.MkdirTemp("", "svd") // short: a socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	pid := os.Getpid()
	e := &Dockerd{T: t, Dir: dir, bridge: fmt.Sprintf("svd%d", pid), Log: &Tail{}}
	t.Cleanup(e.Remove)
	e.link("link", "add", e.bridge, "type", "bridge")
	e.link("addr", "add", fmt.Sprintf("10.%d.%d.1/24", 200+pid/250%50, pid%250), "dev", e.bridge)
	e.link("link", "set", e.bridge, "up")
	e.Start()
	archive, err := os.Open(os.Getenv(tarVar))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	err = NewEngine(e.Socket()).Load(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *Dockerd) link(args ...string) {
	e.T.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		e.T.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// startsAtMost is how often an engine that gives up is started again, as a service manager would: on a busy machine
// dockerd does not wait long enough for its containerd.
const startsAtMost = 3

// Start starts the engine and waits until it answers.
func (e *Dockerd) Start() {
	e.T.Helper()
	ctx, cancel := context.WithTimeout(e.T.Context(), 2*time.Minute)
	defer cancel()
	var err error
	for range startsAtMost {
		e.spawn()
		err = Poll(ctx, func(ctx context.Context) error {
			select {
			case <-e.exited:
				return nil
			default:
				return NewEngine(e.Socket()).Ping(ctx)
			}
		})
		if err != nil || e.alive() {
			break
		}
		err = fmt.Errorf("it gave up %d times", startsAtMost)
	}
	if err != nil {
		e.T.Fatalf("dockerd does not answer: %v", err)
	}
}

func (e *Dockerd) alive() bool {
	select {
	case <-e.exited:
		return false
	default:
		return true
	}
}

func (e *Dockerd) spawn() {
	e.T.Helper()
	e.forget()
	cmd := exec.Command("dockerd", "--live-restore="+strconv.FormatBool(e.Live), "--host", "unix://"+e.Socket(),
		"--data-root", filepath.Join(e.Dir, "data"), "--exec-root", filepath.Join(e.Dir, "run"),
		"--pidfile", filepath.Join(e.Dir, "pid"), "--bridge", e.bridge,
		"--iptables=false", "--ip-masq=false", "--log-level", "warn")
	cmd.Stdout, cmd.Stderr = e.Log, e.Log
	err := cmd.Start()
	if err != nil {
		e.T.Fatalf("start dockerd: %v", err)
	}
	e.cmd, e.exited = cmd, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(e.exited)
}

// End sends a signal and waits until the engine is gone.
func (e *Dockerd) End(s syscall.Signal) {
	e.T.Helper()
	_ = e.cmd.Process.Signal(s)
	select {
	case <-e.exited:
	case <-time.After(time.Minute):
		e.T.Errorf("dockerd does not end on %s:\n%s", s, e.Log)
		_ = e.cmd.Process.Kill()
		<-e.exited
	}
}

// Remove ends the engine, the containerd that it started, and everything on disk.
func (e *Dockerd) Remove() {
	if e.T.Failed() {
		e.T.Logf("dockerd's log ends:\n%s", e.Log)
	}
	if e.cmd != nil {
		e.End(syscall.SIGTERM)
	}
	e.forget()
	_ = exec.Command("ip", "link", "del", e.bridge).Run() // it is not there if its making failed
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasPrefix(f[4], e.Dir+"/") {
			_ = syscall.Unmount(f[4], syscall.MNT_DETACH)
		}
	}
	err := os.RemoveAll(e.Dir)
	if err != nil {
		e.T.Errorf("remove the engine's files: %v", err)
	}
}

// Answering calls the API all the time until ctx ends, and says whether a call failed or was late.
func (d *Daemon) Answering(ctx context.Context, call func(context.Context) error) error {
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		began := time.Now()
		err := call(one)
		cancel()
		if err != nil {
			return fmt.Errorf("the API failed after %s: %w", time.Since(began), err)
		}
		Pause(ctx, 100*time.Millisecond)
	}
	return nil
}

// forget ends a containerd that outlived its engine, and removes its number: while nobody has reaped it, the next
// engine takes it for one that runs, and waits a quarter of a minute for its answer.
func (e *Dockerd) forget() {
	file := filepath.Join(e.Dir, "run", "containerd", "containerd.pid")
	b, err := os.ReadFile(file)
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	said, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err == nil && strings.Contains(string(said), e.Dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = os.Remove(file)
}
