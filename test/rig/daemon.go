//go:build e2e

package rig

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// keepVar keeps the log of daemons whose test passed, too.
const keepVar = "LONGSHORE_KEEP_LOGS"

// Daemon is one installation, started as a user starts it.
type Daemon struct {
	T      testing.TB
	Dir    string
	Listen string
	Extra  []string // environment beyond the process's own
	Engine Engine
	Cmd    *exec.Cmd
	Exited chan struct{}
	URL    string
	Ready  string // the ready line
	Env    []string
	ID     string // label value of everything that is ours
	Log    *Tail
	Client *ecs.Client   // of this start: connections to the process before it are dead
	Took   time.Duration // from the last start to the ready line
	Bin    string
	User   *syscall.Credential // nil runs it as the tests' own user
}

// Option changes a daemon before its first start.
type Option func(*Daemon)

// OnEngine runs containers on the engine behind a socket.
func OnEngine(socket string) Option {
	return func(d *Daemon) {
		d.Engine = NewEngine(socket)
		d.Extra = append(d.Extra, "DOCKER_HOST=unix://"+socket)
	}
}

// RootOnly skips a test of awsvpc, which is off for other users.
func RootOnly(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("this needs root: awsvpc is off for other users")
	}
}

// Command of the binary, by the daemon's user and in its environment.
func (d *Daemon) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.Bin, args...)
	cmd.Env = append(os.Environ(), d.Extra...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.User}
	return cmd
}

// Start starts a new installation and takes it down when the test ends, without a trace.
func Start(t testing.TB, options ...Option) *Daemon {
	t.Helper()
	d := &Daemon{T: t, Dir: t.TempDir(), Listen: "127.0.0.1:0", Engine: NewEngine(EngineSocket), Log: &Tail{},
		Bin: os.Getenv(BinVar)}
	// The engine has the image; asking a registry first would only wait for the network.
	d.Extra = append(d.Extra, "ECS_IMAGE_PULL_BEHAVIOR=prefer-cached")
	for _, o := range options {
		o(d)
	}
	t.Cleanup(d.down)
	d.Start()
	return d
}

// Start starts the daemon on its directory and, after the first time, on the same port.
func (d *Daemon) Start() {
	d.T.Helper()
	cmd := d.Command(context.Background(), "up", "--data-dir", d.Dir, "--listen", d.Listen)
	cmd.Stderr = d.Log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.T.Fatal(err)
	}
	began := time.Now()
	err = cmd.Start()
	if err != nil {
		d.T.Fatalf("start longshore: %v", err)
	}
	d.Cmd, d.Exited = cmd, make(chan struct{})
	lines := make(chan string, 1)
	go func() {
		defer close(d.Exited)
		in := bufio.NewReader(out)
		line, _ := in.ReadString('\n')
		lines <- strings.TrimSpace(line)
		_, _ = io.Copy(d.Log, in)
		_ = cmd.Wait()
	}()
	select {
	case d.Ready = <-lines:
	case <-time.After(30 * time.Second):
		d.T.Fatalf("longshore is not ready after 30 s:\n%s", d.Log)
	}
	d.Took = time.Since(began)
	after, ok := strings.CutPrefix(d.Ready, "longshore ready ")
	if !ok {
		d.T.Fatalf("longshore did not become ready: %q\n%s", d.Ready, d.Log)
	}
	d.URL, _, _ = strings.Cut(after, " ")
	d.readEnv()
	d.Client = d.newClient()
}

// readEnv asks `longshore env`, as a user does.
func (d *Daemon) readEnv() {
	d.T.Helper()
	u, err := url.Parse(d.URL)
	if err != nil {
		d.T.Fatal(err)
	}
	d.Listen = u.Host
	if d.Env != nil {
		return // the keys of an installation do not change
	}
	script := `eval "$("$1" env --data-dir "$2")"; env -0`
	out, err := exec.Command("sh", "-c", script, "sh", os.Getenv(BinVar), d.Dir).Output()
	if err != nil {
		d.T.Fatalf("longshore env: %v", err)
	}
	for kv := range strings.SplitSeq(string(out), "\x00") {
		if strings.HasPrefix(kv, "AWS_") {
			d.Env = append(d.Env, kv)
		}
	}
	d.Env = append(d.Env, "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1")
	d.ID = d.installation().ID
}

func (d *Daemon) Variable(name string) string {
	for _, kv := range d.Env {
		v, ok := strings.CutPrefix(kv, name+"=")
		if ok {
			return v
		}
	}
	return ""
}

// Stop ends the daemon as an operator does.
func (d *Daemon) Stop() {
	d.T.Helper()
	d.Signal(syscall.SIGTERM)
	if code := d.Cmd.ProcessState.ExitCode(); code != 0 {
		d.T.Fatalf("longshore ended with status %d on SIGTERM:\n%s", code, d.Log)
	}
}

// Kill ends the daemon as a crash does.
func (d *Daemon) Kill() { d.Signal(syscall.SIGKILL) }

func (d *Daemon) Signal(s syscall.Signal) {
	d.T.Helper()
	_ = d.Cmd.Process.Signal(s)
	select {
	case <-d.Exited:
	case <-time.After(20 * time.Second):
		_ = d.Cmd.Process.Kill()
		d.T.Fatalf("longshore does not end on %s:\n%s", s, d.Log)
	}
}

// Alive says whether the daemon's process is there.
func (d *Daemon) Alive() bool {
	select {
	case <-d.Exited:
		return false
	default:
		return true
	}
}

// down takes the installation down with `longshore down` and searches the host for what is left.
func (d *Daemon) down() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if d.T.Failed() || os.Getenv(keepVar) != "" {
		d.KeepLog()
	}
	out, err := d.Command(ctx, "down", "--data-dir", d.Dir).CombinedOutput()
	if err != nil {
		d.T.Errorf("longshore down: %v\n%s", err, out)
	}
	if d.Exited != nil && d.Alive() {
		select {
		case <-d.Exited:
		case <-time.After(5 * time.Second):
			d.T.Errorf("longshore down left the daemon running")
			_ = d.Cmd.Process.Kill()
		}
	}
	if d.ID != "" {
		d.SearchHost(ctx)
	}
}

// KeepLog writes the daemon's log where it outlives the test, and shows its end.
func (d *Daemon) KeepLog() {
	f := filepath.Join(os.TempDir(), "longshore-test-"+strings.ReplaceAll(d.T.Name(), "/", "_")+".log")
	err := os.WriteFile(f, d.Log.all(), 0o600)
	d.T.Logf("the daemon's log is in %s (%v); its end:\n%s", f, err, d.Log)
}

// Longshore runs a command of the binary about this installation.
func (d *Daemon) Longshore(args ...string) (string, error) {
	args = append(args, "--data-dir", d.Dir)
	out, err := d.Command(d.T.Context(), args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.T.Fatal(err)
	}
	if err != nil {
		return string(out), fmt.Errorf("longshore %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Tail keeps what a process wrote.
type Tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(p)
}

func (t *Tail) all() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.buf.Bytes())
}

// String is the end of it.
func (t *Tail) String() string {
	b := t.all()
	const end = 4 << 10
	if len(b) > end {
		b = append([]byte("…"), b[len(b)-end:]...)
	}
	return string(b)
}
