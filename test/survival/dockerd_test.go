//go:build e2e

package survival

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

// dockerd is a Docker Engine of the test's own: stopping the machine's would stop what others run on it.
type dockerd struct {
	t      testing.TB
	dir    string
	bridge string
	cmd    *exec.Cmd
	exited chan struct{}
	log    *tail
}

func (e *dockerd) socket() string { return filepath.Join(e.dir, "sock") }

// startDockerd starts an engine that has the tests' image and nothing else.
func startDockerd(t testing.TB) *dockerd {
	t.Helper()
	dir, err := os.MkdirTemp("", "svd") // short: a socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	pid := os.Getpid()
	e := &dockerd{t: t, dir: dir, bridge: fmt.Sprintf("svd%d", pid), log: &tail{}}
	t.Cleanup(e.remove)
	e.ip("link", "add", e.bridge, "type", "bridge")
	e.ip("addr", "add", fmt.Sprintf("10.%d.%d.1/24", 200+pid/250%50, pid%250), "dev", e.bridge)
	e.ip("link", "set", e.bridge, "up")
	e.start()
	archive, err := os.Open(os.Getenv(tarVar))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	err = newEngine(e.socket()).load(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *dockerd) ip(args ...string) {
	e.t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		e.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// start starts the engine and waits until it answers.
func (e *dockerd) start() {
	e.t.Helper()
	cmd := exec.Command("dockerd", "--host", "unix://"+e.socket(), "--data-root", filepath.Join(e.dir, "data"),
		"--exec-root", filepath.Join(e.dir, "run"), "--pidfile", filepath.Join(e.dir, "pid"), "--bridge", e.bridge,
		"--iptables=false", "--ip-masq=false", "--log-level", "warn")
	cmd.Stdout, cmd.Stderr = e.log, e.log
	err := cmd.Start()
	if err != nil {
		e.t.Fatalf("start dockerd: %v", err)
	}
	e.cmd, e.exited = cmd, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(e.exited)
	eventually(e.t, time.Minute, "dockerd to answer", newEngine(e.socket()).ping)
}

// end sends a signal and waits until the engine is gone.
func (e *dockerd) end(s syscall.Signal) {
	e.t.Helper()
	_ = e.cmd.Process.Signal(s)
	select {
	case <-e.exited:
	case <-time.After(time.Minute):
		e.t.Errorf("dockerd does not end on %s:\n%s", s, e.log)
		_ = e.cmd.Process.Kill()
		<-e.exited
	}
}

// remove ends the engine, the containerd that it started, and everything on disk.
func (e *dockerd) remove() {
	if e.t.Failed() {
		e.t.Logf("dockerd's log ends:\n%s", e.log)
	}
	if e.cmd != nil {
		e.end(syscall.SIGTERM)
	}
	b, err := os.ReadFile(filepath.Join(e.dir, "run", "containerd", "containerd.pid"))
	if err == nil {
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		said, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(string(said), e.dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	_ = exec.Command("ip", "link", "del", e.bridge).Run() // it is not there if its making failed
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasPrefix(f[4], e.dir+"/") {
			_ = syscall.Unmount(f[4], syscall.MNT_DETACH)
		}
	}
	err = os.RemoveAll(e.dir)
	if err != nil {
		e.t.Errorf("remove the engine's files: %v", err)
	}
}

// answering calls the API all the time until ctx ends, and says whether a call failed or was late.
func (d *daemon) answering(ctx context.Context, call func(context.Context) error) error {
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		began := time.Now()
		err := call(one)
		cancel()
		if err != nil {
			return fmt.Errorf("the API failed after %s: %w", time.Since(began), err)
		}
		pause(ctx, 100*time.Millisecond)
	}
	return nil
}
