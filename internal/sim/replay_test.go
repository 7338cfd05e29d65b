package sim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"longshore/internal/sim"
)

// build makes the program that fleets start; without cgo, as it ships.
func build(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "longshore")
	c := exec.CommandContext(t.Context(), "go", "build", "-o", path, "longshore/cmd/longshore")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func TestASeedReplaysExactlyAndAnotherOneDiffers(t *testing.T) {
	f := sim.Fleet{Minutes: 2, Nodes: 3, Path: build(t)}
	hashes := map[string]bool{}
	for seed := range uint64(2) {
		first, exact, err := f.One(t.Context(), seed+1, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := f.One(t.Context(), seed+1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !exact {
			t.Log("this machine forbids tracing: runs are not exact")
			return
		}
		if first.Hash != again.Hash || first.Events != again.Events {
			t.Errorf("seed %d: %d events with hash %s, then %d with %s", seed+1, first.Events, first.Hash, again.Events, again.Hash)
		}
		hashes[first.Hash] = true
	}
	if len(hashes) != 2 {
		t.Error("two seeds tell the same story")
	}
}
