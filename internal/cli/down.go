package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"longshore/internal/daemon"
)

type downCommand struct {
	installation
	DockerHost string `help:"Address of Docker Engine; the usual socket where it is not given." placeholder:"URL" env:"DOCKER_HOST"`
}

// stopTimeout is how long the daemon may take to stop by itself.
const stopTimeout = 20 * time.Second

// Run stops the daemon and removes what it owns on this machine; the records stay.
func (c *downCommand) Run(r *run) error {
	i, err := daemon.LoadInstallation(c.dir())
	if errors.Is(err, fs.ErrNotExist) {
		node, err := daemon.LoadNode(c.dir())
		if err == nil {
			return c.agent(r, node)
		}
		_, err = fmt.Fprintf(r.Out, "there is no installation in %s: nothing to take down\n", c.dir())
		return err
	}
	if err != nil {
		return err
	}
	err = c.stop(r)
	if err != nil {
		return err
	}
	removed, err := daemon.Teardown(r, daemon.Config{DataDir: c.dir(), DockerHost: c.DockerHost, Log: logger(r.Notes, false)}, i)
	if err != nil {
		return fmt.Errorf("remove what the daemon left: %w; run longshore doctor, then longshore down again", err)
	}
	_, err = fmt.Fprintf(r.Out, "longshore is down: %s\n", removed)
	return err
}

// agent takes down what longshore agent runs from a directory.
func (c *downCommand) agent(r *run, node string) error {
	pid := daemon.AgentOf(c.dir())
	if pid != 0 {
		err := end(r, pid, func() bool { return daemon.AgentOf(c.dir()) == pid })
		if err != nil {
			return err
		}
	}
	removed, err := daemon.Teardown(r, daemon.Config{DataDir: c.dir(), DockerHost: c.DockerHost, Log: logger(r.Notes, false)}, daemon.Installation{ID: node})
	if err != nil {
		return fmt.Errorf("remove what the agent left: %w; run longshore doctor, then longshore down again", err)
	}
	_, err = fmt.Fprintf(r.Out, "the agent is down: %s\n"+
		"its cluster still lists this machine: aws ecs deregister-container-instance --force takes it off\n", removed)
	return err
}

// stop asks the daemon to end and waits until it has.
func (c *downCommand) stop(r *run) error {
	p, err := daemon.LoadProcess(c.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !daemon.Holds(p.PID, c.dir()) {
		return nil // it died without a word, and the number may be another process's by now
	}
	return end(r, p.PID, func() bool { return daemon.Holds(p.PID, c.dir()) })
}

// end asks a process to stop and waits until it has.
func end(r *run, pid int, running func() bool) error {
	err := syscall.Kill(pid, syscall.SIGTERM)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop process %d: %w; become the user who started it", pid, err)
	}
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for running() {
		select {
		case <-look.C:
		case <-r.Done():
			return r.Context.Err()
		case <-late.C:
			return fmt.Errorf("process %d does not stop; end it with kill -9 %d and run longshore down again", pid, pid)
		}
	}
	return nil
}
