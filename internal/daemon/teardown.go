package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"longshore/internal/node/docker"
)

// Holds says whether a process is the daemon of a data directory: the number alone may long be another's.
func Holds(pid int, dir string) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil || len(b) == 0 {
		return false
	}
	args := bytes.Split(b, []byte{0})
	// A binary under another name is told by the files that it has open.
	if !bytes.Contains(args[0], []byte("longshore")) && !hasOpen(pid, dir) {
		return false
	}
	p, err := LoadProcess(dir)
	return err == nil && p.PID == pid
}

// hasOpen says whether a process has a file below a directory open.
func hasOpen(pid int, dir string) bool {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	files := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(files)
	if err != nil {
		return false
	}
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join(files, e.Name()))
		if err == nil && strings.HasPrefix(to, abs+"/") {
			return true
		}
	}
	return false
}

// label is on every container and volume of an installation; its value is the installation's id.
const label = "longshore.installation"

// Teardown removes every container, volume, namespace, link and rule of an installation whose daemon has
// stopped, and says what it removed. Records and logs stay.
func Teardown(ctx context.Context, c Config, i Installation) (string, error) {
	engine, err := docker.New(docker.Config{Host: c.DockerHost, Log: c.Log})
	if err != nil {
		return "", err
	}
	defer engine.Close()
	containers, err := removeContainers(ctx, engine, i.ID)
	if err != nil {
		return "", err
	}
	volumes, err := removeVolumes(ctx, engine, i.ID)
	if err != nil {
		return "", err
	}
	h := &host{installation: i.ID, log: c.Log, engine: engine}
	networks, err := h.newNetworks()
	if err != nil {
		return "", err
	}
	if os.Geteuid() == 0 {
		err = networks.Teardown(ctx)
		releaseNetworks(i.ID)
	}
	err = errors.Join(err, os.RemoveAll(filepath.Join(c.DataDir, processFile)))
	return fmt.Sprintf("%d containers and %d volumes removed; records and logs are kept in %s", containers, volumes, c.DataDir), err
}

// lateCreate is how long after the daemon's end the engine may still finish a container that the daemon had asked
// for: nobody waits for the answer any more, and the engine goes on all the same.
const lateCreate = 500 * time.Millisecond

// removeContainers removes until nothing has come for a while.
func removeContainers(ctx context.Context, e *docker.Engine, installation string) (int, error) {
	removed := 0
	for quiet := false; ; {
		found, err := e.List(ctx, map[string]string{label: installation})
		if err != nil {
			return removed, err
		}
		for _, f := range found {
			err = e.Remove(ctx, f.ID)
			if err != nil && !errors.Is(err, docker.ErrNotFound) {
				return removed, err
			}
		}
		removed += len(found)
		if quiet && len(found) == 0 {
			return removed, nil
		}
		quiet = len(found) == 0
		select {
		case <-ctx.Done():
			return removed, ctx.Err()
		case <-time.After(lateCreate):
		}
	}
}

func removeVolumes(ctx context.Context, e *docker.Engine, installation string) (int, error) {
	found, err := e.ListVolumes(ctx, map[string]string{label: installation})
	if err != nil {
		return 0, err
	}
	for _, name := range found {
		err = e.RemoveVolume(ctx, name)
		if err != nil && !errors.Is(err, docker.ErrNotFound) {
			return 0, err
		}
	}
	return len(found), nil
}
