package ecs

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
)

// TestRunTranscripts runs testdata/run/*.txt as TestTranscripts does, with one connected instance of 1 vCPU and
// 2 GiB in the cluster "default".
func TestRunTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/run/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := newDoor(t)
			d.api.Board = place.NewBoard(func(int) int { return 0 })
			followBoard(t, d.api)
			d.host(t)
			got := replay(d, string(text))
			if os.Getenv("LONGSHORE_REWRITE") != "" {
				err := os.WriteFile(file, []byte(got), 0o644)
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("transcript differs; with LONGSHORE_REWRITE=1 it becomes\n%s", got)
			}
		})
	}
}

func (d *door) host(t *testing.T) {
	t.Helper()
	key := state.NewInstanceKey(state.NewClusterKey(testScope, "default"), "0123456789abcdef0123456789abcdef")
	err := d.api.Store.Update(context.Background(), func(tx *store.Tx) error {
		tx.Instances().Put(&state.Instance{Key: key, Kind: state.KindEC2, Status: state.StatusActive, Connected: true,
			CPU: 1024, Memory: 2048, RegisteredAt: d.now, Version: 1, AgentVersion: "1.0.0",
			Attributes: []state.Attribute{{Name: "ecs.availability-zone", Value: "us-east-1a"},
				{Name: "ecs.cpu-architecture", Value: "x86_64"}}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
