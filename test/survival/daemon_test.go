//go:build e2e

package survival

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

// daemon is one installation, started as a user starts it.
type daemon struct {
	t      testing.TB
	dir    string
	listen string
	extra  []string // environment beyond the process's own
	engine engine
	cmd    *exec.Cmd
	exited chan struct{}
	url    string
	ready  string // the ready line
	env    []string
	id     string // label value of everything that is ours
	log    *tail
	client *ecs.Client   // of this start: connections to the process before it are dead
	took   time.Duration // from the last start to the ready line
}

type option func(*daemon)

// onEngine runs containers on the engine behind a socket.
func onEngine(socket string) option {
	return func(d *daemon) {
		d.engine = newEngine(socket)
		d.extra = append(d.extra, "DOCKER_HOST=unix://"+socket)
	}
}

// rootOnly skips a test of awsvpc, which is off for other users.
func rootOnly(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("this needs root: awsvpc is off for other users")
	}
}

// startDaemon starts a new installation and takes it down when the test ends, without a trace.
func startDaemon(t testing.TB, options ...option) *daemon {
	t.Helper()
	d := &daemon{t: t, dir: t.TempDir(), listen: "127.0.0.1:0", engine: newEngine(engineSocket), log: &tail{}}
	// The engine has the image; asking a registry first would only wait for the network.
	d.extra = append(d.extra, "ECS_IMAGE_PULL_BEHAVIOR=prefer-cached")
	for _, o := range options {
		o(d)
	}
	t.Cleanup(d.down)
	d.start()
	return d
}

// start starts the daemon on its directory and, after the first time, on the same port.
func (d *daemon) start() {
	d.t.Helper()
	cmd := exec.Command(os.Getenv(binVar), "up", "--data-dir", d.dir, "--listen", d.listen)
	cmd.Env = append(os.Environ(), d.extra...)
	cmd.Stderr = d.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	began := time.Now()
	err = cmd.Start()
	if err != nil {
		d.t.Fatalf("start longshore: %v", err)
	}
	d.cmd, d.exited = cmd, make(chan struct{})
	lines := make(chan string, 1)
	go func() {
		defer close(d.exited)
		in := bufio.NewReader(out)
		line, _ := in.ReadString('\n')
		lines <- strings.TrimSpace(line)
		_, _ = io.Copy(d.log, in)
		_ = cmd.Wait()
	}()
	select {
	case d.ready = <-lines:
	case <-time.After(30 * time.Second):
		d.t.Fatalf("longshore is not ready after 30 s:\n%s", d.log)
	}
	d.took = time.Since(began)
	after, ok := strings.CutPrefix(d.ready, "longshore ready ")
	if !ok {
		d.t.Fatalf("longshore did not become ready: %q\n%s", d.ready, d.log)
	}
	d.url, _, _ = strings.Cut(after, " ")
	d.readEnv()
	d.client = d.newClient()
}

// readEnv asks `longshore env`, as a user does.
func (d *daemon) readEnv() {
	d.t.Helper()
	u, err := url.Parse(d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	d.listen = u.Host
	if d.env != nil {
		return // the keys of an installation do not change
	}
	script := `eval "$("$1" env --data-dir "$2")"; env -0`
	out, err := exec.Command("sh", "-c", script, "sh", os.Getenv(binVar), d.dir).Output()
	if err != nil {
		d.t.Fatalf("longshore env: %v", err)
	}
	for kv := range strings.SplitSeq(string(out), "\x00") {
		if strings.HasPrefix(kv, "AWS_") {
			d.env = append(d.env, kv)
		}
	}
	d.env = append(d.env, "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1")
	d.id = d.installation().ID
}

func (d *daemon) variable(name string) string {
	for _, kv := range d.env {
		v, ok := strings.CutPrefix(kv, name+"=")
		if ok {
			return v
		}
	}
	return ""
}

// stop ends the daemon as an operator does.
func (d *daemon) stop() {
	d.t.Helper()
	d.signal(syscall.SIGTERM)
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.t.Fatalf("longshore ended with status %d on SIGTERM:\n%s", code, d.log)
	}
}

// kill ends the daemon as a crash does.
func (d *daemon) kill() { d.signal(syscall.SIGKILL) }

func (d *daemon) signal(s syscall.Signal) {
	d.t.Helper()
	_ = d.cmd.Process.Signal(s)
	select {
	case <-d.exited:
	case <-time.After(20 * time.Second):
		_ = d.cmd.Process.Kill()
		d.t.Fatalf("longshore does not end on %s:\n%s", s, d.log)
	}
}

// alive says whether the daemon's process is there.
func (d *daemon) alive() bool {
	select {
	case <-d.exited:
		return false
	default:
		return true
	}
}

// down takes the installation down with `longshore down` and searches the host for what is left.
func (d *daemon) down() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if d.t.Failed() {
		d.keepLog()
	}
	cmd := exec.CommandContext(ctx, os.Getenv(binVar), "down", "--data-dir", d.dir)
	cmd.Env = append(os.Environ(), d.extra...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Errorf("longshore down: %v\n%s", err, out)
	}
	if d.exited != nil && d.alive() {
		select {
		case <-d.exited:
		case <-time.After(5 * time.Second):
			d.t.Errorf("longshore down left the daemon running")
			_ = d.cmd.Process.Kill()
		}
	}
	if d.id != "" {
		d.searchHost(ctx)
	}
}

// keepLog writes the daemon's log where it outlives the test, and shows its end.
func (d *daemon) keepLog() {
	f := filepath.Join(os.TempDir(), "longshore-survival-"+strings.ReplaceAll(d.t.Name(), "/", "_")+".log")
	err := os.WriteFile(f, d.log.all(), 0o600)
	d.t.Logf("the daemon's log is in %s (%v); its end:\n%s", f, err, d.log)
}

// longshore runs a command of the binary about this installation.
func (d *daemon) longshore(args ...string) (string, error) {
	args = append(args, "--data-dir", d.dir)
	cmd := exec.CommandContext(d.t.Context(), os.Getenv(binVar), args...)
	cmd.Env = append(os.Environ(), d.extra...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	if err != nil {
		return string(out), fmt.Errorf("longshore %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// tail keeps what a process wrote.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(p)
}

func (t *tail) all() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.buf.Bytes())
}

// String is the end of it.
func (t *tail) String() string {
	b := t.all()
	const end = 4 << 10
	if len(b) > end {
		b = append([]byte("…"), b[len(b)-end:]...)
	}
	return string(b)
}
