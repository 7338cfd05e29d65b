//go:build docker

package awsvpc

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestThePauseProgramLeavesTheHostAndKeepsNoCapability(t *testing.T) {
	r := newRig(t, nil)
	a := r.attached(t, "bare", 10)
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(a.PausePID), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"CapPrm:\t", "CapEff:\t"} {
		if !strings.Contains(string(status), set+"0000000000000000") {
			t.Errorf("%s is not empty:\n%s", set, status)
		}
	}
	inside(t, a.PausePID, func() error {
		all, err := net.Interfaces()
		if err != nil {
			return err
		}
		for _, i := range all {
			if i.Name == "docker0" || i.Name == "lo" && i.Flags&net.FlagUp == 0 {
				t.Errorf("namespace has %s, flags %s", i.Name, i.Flags)
			}
		}
		port, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
		if err != nil || strings.TrimSpace(string(port)) != "0" {
			t.Errorf("unprivileged ports start at %s (%v)", port, err)
		}
		return nil
	})
}

func TestAProcessThatStaysInTheHostsNamespaceIsRefused(t *testing.T) {
	r := newRig(t, nil)
	r.attached(t, "other", 10) // prepares the host
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	stays := exec.CommandContext(ctx, "cat")
	_, err := stays.StdinPipe()
	if err == nil {
		err = stays.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stays.Wait() }()
	_, err = r.open(ctx, Pause{Name: "stays", PID: stays.Process.Pid})
	if err == nil {
		t.Error("a process in the host's namespace was accepted")
	}
}

func TestWhereLeavingIsForbiddenDockerMakesTheNamespace(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Engine = testEngine{c: c.Engine.(testEngine).c, forbid: true} })
	a := r.attached(t, "task", 10)
	echo(t, a.PausePID, ":7001")
	call(t, os.Getpid(), r.request("", 10).Address.String()+":7001")
	left, err := r.engine.ListPauses(t.Context(), map[string]string{OwnerLabel: r.cfg.Installation})
	if err != nil || len(left) != 1 {
		t.Errorf("pause containers: %v (%v), want one", left, err)
	}
}
