//go:build docker

package awsvpc

import (
	"io"
	"net"
	"testing"

	"github.com/moby/moby/client"
)

// serveName listens on the metadata address and tells every caller the installation's name.
func (r *rig) serveName(t *testing.T) {
	t.Helper()
	ln, err := r.ListenMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, r.cfg.Installation+":0")
			_ = c.Close()
		}
	}()
}

func TestEveryInstallationsTasksReachTheirOwnMetadata(t *testing.T) {
	one, two := newRig(t, nil), newRig(t, nil)
	one.serveName(t)
	two.serveName(t)
	for _, r := range []*rig{one, two} {
		a := r.attached(t, "task", 10)
		if got := call(t, a.PausePID, MetadataAddress+":80"); got != r.cfg.Installation {
			t.Errorf("a task of %s reached %s", r.cfg.Installation, got)
		}
	}
}

func TestContainersOnDockersBridgeReachTheMetadataOfTheirInstallation(t *testing.T) {
	one, two := newRig(t, nil), newRig(t, nil)
	one.serveName(t)
	two.serveName(t)
	for _, r := range []*rig{one, two} {
		err := r.image.ensure(t.Context(), r.engine)
		if err != nil {
			t.Fatal(err)
		}
		id, pid, err := r.engine.run(t.Context(), r.cfg.Installation+"-b", r.image.ref, "bridge", "", r.labels(nil))
		if err != nil {
			t.Fatal(err)
		}
		seen, err := r.engine.c.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		addr := seen.Container.NetworkSettings.Networks["bridge"].IPAddress
		err = r.AddClient(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := call(t, pid, MetadataAddress+":80"); got != r.cfg.Installation {
			t.Errorf("a container of %s reached %s", r.cfg.Installation, got)
		}
		for range 2 {
			err = r.RemoveClient(t.Context(), addr)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTheAddressIsNeverASource(t *testing.T) {
	r := newRig(t, nil)
	r.serveName(t)
	a := r.attached(t, "task", 10)
	echo(t, a.PausePID, ":7001")
	c, err := net.Dial("tcp4", r.request("", 10).Address.String()+":7001")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	if host == MetadataAddress {
		t.Error("the host speaks to tasks from the metadata address")
	}
}
