package pebble_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longshore/internal/store/engine/pebble"
)

func TestAnOlderSchemaIsRaisedBeforeAnythingIsWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "SCHEMA")
	err := os.WriteFile(path, []byte("longshore record store, schema 1\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	err = open(t, pebble.Config{Dir: dir}).Close()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "schema 2") {
		t.Errorf("the directory says %q, %v", text, err)
	}
}
