package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"longshore/internal/daemon"
)

// installation is a running daemon of the bench's own.
type installation struct {
	cmd   *exec.Cmd
	bin   string
	dir   string
	url   string
	keys  daemon.Installation
	ready time.Duration // from exec to the ready line
}

// up starts a daemon on a fresh data directory and waits for its ready line.
func (b *bench) up() (*installation, error) {
	dir, err := os.MkdirTemp(b.dir, "data")
	if err != nil {
		return nil, err
	}
	return b.upOn(dir)
}

// upOn starts a daemon on a data directory.
func (b *bench) upOn(dir string, flags ...string) (*installation, error) {
	i := &installation{bin: b.bin, dir: dir}
	i.cmd = exec.Command(b.bin, append([]string{"up", "--data-dir", dir, "--listen", "127.0.0.1:0"}, flags...)...)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	i.cmd.Stderr = log
	stdout, err := i.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	err = i.cmd.Start()
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	i.ready = time.Since(began)
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("longshore up ended: %w: %s", err, text)
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }() // ends with the process
	i.url = strings.Fields(line)[2]
	i.keys, err = daemon.LoadInstallation(dir)
	return i, err
}

// down stops the daemon and removes what it owns.
func (i *installation) down() error {
	err := i.cmd.Process.Signal(syscall.SIGTERM)
	_ = i.cmd.Wait() // the status of a stop is down's to judge
	out, downErr := exec.Command(i.bin, "down", "--data-dir", i.dir).CombinedOutput()
	if downErr != nil {
		err = errors.Join(err, fmt.Errorf("longshore down: %w: %s", downErr, out))
	}
	return err
}

// rss is the daemon's resident memory in MB.
func (i *installation) rss() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) > 1 && f[0] == "VmRSS:" {
			kb, err := strconv.ParseFloat(f[1], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmRSS")
}
