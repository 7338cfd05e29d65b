package daemon

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnAgentsDirectoryIsKnownByItsFile(t *testing.T) {
	dir := t.TempDir()
	_, err := LoadNode(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty directory gives %v", err)
	}
	made, err := ensureNode(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := LoadNode(dir)
	if err != nil || got != made {
		t.Errorf("read %q, %v; made %q", got, err, made)
	}
	err = os.WriteFile(filepath.Join(dir, "node.json"), []byte("{}"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = LoadNode(dir)
	if err == nil || !strings.Contains(err.Error(), "restore the file") {
		t.Errorf("a file without an id gives %v", err)
	}
}

func TestAProcessIsKnownByTheFilesThatItHasOpen(t *testing.T) {
	dir := t.TempDir()
	if hasOpen(os.Getpid(), dir) {
		t.Error("nothing is open yet")
	}
	f, err := os.Create(filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if !hasOpen(os.Getpid(), dir) {
		t.Error("an open file is not seen")
	}
	err = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if hasOpen(os.Getpid(), dir) || AgentOf(dir) != 0 {
		t.Error("a closed file counts")
	}
}
