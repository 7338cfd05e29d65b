//go:build docker

package awsvpc

import (
	"log/slog"
	"os"
	"testing"

	"longshore/internal/node/docker"
)

func TestTheNodesOwnEngineHoldsNamespaces(t *testing.T) {
	e, err := docker.New(docker.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	r := newRig(t, func(c *Config) { c.Engine, c.PoolSize = OnDocker(e), 1 })
	r.run(t)
	waitPool(t, r.Manager, 1)
	req := r.request("own", 10)
	req.DNS = []string{"10.9.8.7"}
	a, err := r.Attach(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, a.PausePID, ":7001")
	call(t, os.Getpid(), req.Address.String()+":7001")
	for range 2 {
		err = r.Detach(t.Context(), "own")
		if err != nil {
			t.Fatal(err)
		}
	}
}
