//go:build e2e

package params

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"longshore/internal/node/docker"
)

// rig is the one installation that every case uses.
type rig struct {
	bin, data, url, image string
	env                   map[string]string // what `longshore env` says
	subnet, group         string
}

// start builds and starts an installation, and takes it down when the test ends.
func start(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{bin: os.Getenv("LONGSHORE_BIN"), data: filepath.Join(dir, "data"), env: map[string]string{}}
	if r.bin == "" {
		r.bin = filepath.Join(dir, "longshore")
		build(t, r.bin, "longshore/cmd/longshore")
	}
	r.loadImage(t, dir)
	r.up(t)
	r.defaults(t)
	return r
}

func build(t *testing.T, out, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, said)
	}
}

// loadImage packs look as an image named after its content: no registry is needed.
func (r *rig) loadImage(t *testing.T, dir string) {
	t.Helper()
	bin := filepath.Join(dir, "look")
	build(t, bin, "longshore/test/params/look")
	program, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(program)
	r.image = "longshore-params/look:" + hex.EncodeToString(sum[:6])
	archive, err := docker.ImageArchive(r.image, runtime.GOARCH, "look", program)
	if err != nil {
		t.Fatal(err)
	}
	engine(t, "POST", "/images/load?quiet=1", bytes.NewReader(archive), nil)
}

func (r *rig) up(t *testing.T) {
	t.Helper()
	log := &output{}
	cmd := exec.Command(r.bin, "up", "--data-dir", r.data, "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "ECS_IMAGE_PULL_BEHAVIOR=prefer-cached")
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("start longshore: %v", err)
	}
	lines, exited := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(exited)
		in := bufio.NewReader(stdout)
		line, _ := in.ReadString('\n')
		lines <- strings.TrimSpace(line)
		_, _ = io.Copy(log, in)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the daemon's log:\n%s", log)
		}
		said, err := exec.Command(r.bin, "down", "--data-dir", r.data).CombinedOutput()
		if err != nil {
			t.Errorf("longshore down: %v\n%s", err, said)
			_ = cmd.Process.Kill()
		}
		<-exited
	})
	select {
	case line := <-lines:
		after, ok := strings.CutPrefix(line, "longshore ready ")
		if !ok {
			t.Fatalf("longshore did not become ready: %q\n%s", line, log)
		}
		r.url, _, _ = strings.Cut(after, " ")
	case <-time.After(30 * time.Second):
		t.Fatalf("longshore is not ready after 30 s:\n%s", log)
	}
	script := `eval "$("$1" env --data-dir "$2")"; env`
	said, err := exec.Command("sh", "-c", script, "sh", r.bin, r.data).Output()
	if err != nil {
		t.Fatalf("longshore env: %v", err)
	}
	for line := range strings.Lines(string(said)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		if strings.HasPrefix(k, "AWS_") {
			r.env[k] = v
		}
	}
}

// output keeps what a process wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String is the end of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.buf.Bytes()
	return string(b[max(0, len(b)-6<<10):])
}
