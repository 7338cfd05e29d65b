//go:build docker

package awsvpc

import (
	"testing"

	"github.com/moby/moby/client"
)

// An installation that was killed leaves its redirections, and Docker gives its containers' addresses to others.
func TestContainersAreNotSentToAnInstallationThatHasEnded(t *testing.T) {
	holder, dead := newRig(t, nil), newRig(t, nil)
	holder.serveName(t)
	ln, err := dead.ListenMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = holder.image.ensure(t.Context(), holder.engine)
	if err != nil {
		t.Fatal(err)
	}
	late := newRig(t, nil)
	late.serveName(t)
	_ = ln.Close()
	for _, r := range []*rig{late, holder} {
		id, pid, err := r.engine.run(t.Context(), r.cfg.Installation+"-b", r.image.ref, "bridge", "", r.labels(nil))
		if err != nil {
			t.Fatal(err)
		}
		seen, err := r.engine.c.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		addr := seen.Container.NetworkSettings.Networks["bridge"].IPAddress
		tx := dead.redirectRules(dead.table, 4, false) // nobody listens on port 4
		err = dead.table.Run(t.Context(), tx)
		if err != nil {
			t.Fatal(err)
		}
		err = dead.AddClient(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		if r == holder { // holds port 80, so it claims nothing and mends with its upkeep
			err = r.keepMetadata(t.Context())
			if err != nil {
				t.Fatal(err)
			}
		}
		if r.SharesMetadata() {
			err = r.AddClient(t.Context(), addr)
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := call(t, pid, MetadataAddress+":80"); got != r.cfg.Installation {
			t.Errorf("a container of %s reached %s", r.cfg.Installation, got)
		}
	}
}
