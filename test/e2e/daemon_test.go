//go:build e2e

package e2e

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
	line   string // the ready line
	env    []string
	id     string // label value of everything that is ours
	log    *tail
	client *ecs.Client
	bin    string
	user   *syscall.Credential // nil runs it as the tests' own user
}

type option func(*daemon)

// asNobody runs the daemon as an ordinary user who may use Docker, from a binary that everybody may execute.
func asNobody(d *daemon) {
	d.t.Helper()
	const nobody = 65534
	socket, err := os.Stat(engineSocket)
	if err != nil {
		d.t.Fatal(err)
	}
	d.bin = filepath.Join(d.t.TempDir(), "longshore")
	out, err := exec.Command("install", "-m", "755", os.Getenv(binVar), d.bin).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	err = errors.Join(os.Chmod(filepath.Dir(d.dir), 0o755), os.Chown(d.dir, nobody, nobody))
	if err != nil {
		d.t.Fatal(err)
	}
	d.user = &syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{socket.Sys().(*syscall.Stat_t).Gid}}
	d.extra = append(d.extra, "HOME="+d.dir)
}

// command of the binary, by the daemon's user and in its environment.
func (d *daemon) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.bin, args...)
	cmd.Env = append(os.Environ(), d.extra...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.user}
	return cmd
}

// startDaemon starts a new installation and takes it down when the test ends, without a trace.
func startDaemon(t testing.TB, options ...option) *daemon {
	t.Helper()
	d := &daemon{t: t, dir: t.TempDir(), listen: "127.0.0.1:0", engine: newEngine(engineSocket), log: &tail{},
		bin: os.Getenv(binVar)}
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
	cmd := d.command(context.Background(), "up", "--data-dir", d.dir, "--listen", d.listen)
	cmd.Stderr = d.log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
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
	case d.line = <-lines:
	case <-time.After(30 * time.Second):
		d.t.Fatalf("longshore is not ready after 30 s:\n%s", d.log)
	}
	after, ok := strings.CutPrefix(d.line, "longshore ready ")
	if !ok {
		d.t.Fatalf("longshore did not become ready: %q\n%s", d.line, d.log)
	}
	d.url, _, _ = strings.Cut(after, " ")
	d.readEnv()
	d.client = d.newClient() // connections to the process before this one are dead
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
	out, err := d.command(ctx, "down", "--data-dir", d.dir).CombinedOutput()
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
	f := filepath.Join(os.TempDir(), "longshore-e2e-"+filepath.Base(filepath.Dir(d.dir))+".log")
	err := os.WriteFile(f, d.log.all(), 0o600)
	d.t.Logf("the daemon's log is in %s (%v); its end:\n%s", f, err, d.log)
}

// longshore runs a command of the binary about this installation.
func (d *daemon) longshore(args ...string) (string, error) {
	args = append(args, "--data-dir", d.dir)
	out, err := d.command(d.t.Context(), args...).CombinedOutput()
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
