package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"longshore/internal/daemon"
	"longshore/internal/node/docker"
)

// forgetAfter is how long the daemon under test remembers what is over.
const forgetAfter = 3 * time.Minute

// installation is the daemon under test.
type installation struct {
	bin, dir, log, url string
	cmd                *exec.Cmd
	exited             chan struct{}
	keys               daemon.Installation
}

// start runs the daemon and waits for its ready line.
func start(bin, dir, log string) (*installation, error) {
	i := &installation{bin: bin, dir: dir, log: log, exited: make(chan struct{})}
	to, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	i.cmd = exec.Command(bin, "up", "--data-dir", dir, "--listen", "127.0.0.1:0", "--forget-after", forgetAfter.String())
	i.cmd.Env = append(os.Environ(), "ECS_IMAGE_PULL_BEHAVIOR=prefer-cached")
	i.cmd.Stderr = to
	i.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := i.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	err = i.cmd.Start()
	if err != nil {
		return nil, fmt.Errorf("start longshore: %w", err)
	}
	in := bufio.NewReader(out)
	line, err := in.ReadString('\n')
	go func() {
		defer close(i.exited)
		_, _ = io.Copy(io.Discard, in) // ends with the process
		_ = i.cmd.Wait()               // down judges how it ended
	}()
	if err != nil {
		text, _ := os.ReadFile(log) // for the story only
		return nil, fmt.Errorf("longshore up ended: %w: %s", err, text)
	}
	fmt.Print(line)
	i.url = strings.Fields(line)[2]
	i.keys, err = daemon.LoadInstallation(dir)
	return i, err
}

// down ends the daemon as an operator does and expects it to have lived until now and to leave nothing behind.
func (i *installation) down(v *verdict) {
	select {
	case <-i.exited:
		v.violate("the daemon ended by itself: %v", i.cmd.ProcessState)
	default:
	}
	_ = i.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-i.exited:
	case <-time.After(20 * time.Second):
		v.violate("the daemon does not end on SIGTERM")
		_ = i.cmd.Process.Kill()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, i.bin, "down", "--data-dir", i.dir).CombinedOutput()
	if err != nil {
		v.violate("longshore down: %v: %s", err, out)
	}
	left, err := exec.CommandContext(ctx, "docker", "ps", "-aq", "--filter", "label=longshore.installation="+i.keys.ID).Output()
	if err != nil || len(bytes.TrimSpace(left)) > 0 {
		v.violate("longshore down left containers: %v %s", err, left)
	}
}

// loadProbe builds the probe of the end-to-end tests and loads it into the engine as an image: no registry is needed.
func loadProbe(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "probe")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "longshore/test/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	const image = "longshore-soak/probe:1"
	archive, err := docker.ImageArchive(image, runtime.GOARCH, "probe", text)
	if err != nil {
		return "", err
	}
	e, err := docker.New(docker.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	return image, errors.Join(e.LoadImage(ctx, bytes.NewReader(archive)), e.Close())
}
