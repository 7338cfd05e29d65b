package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const committed = "../../internal/gen/records"

// Run again on what is committed, the generator must change nothing: no noun changed without its record.
func TestWhatIsCommittedIsWhatTheGeneratorWrites(t *testing.T) {
	dir := t.TempDir()
	copyFile(t, filepath.Join(committed, "fields.txt"), filepath.Join(dir, "fields.txt"))
	err := run(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fields.txt", "records.go"} {
		if read(t, filepath.Join(dir, name)) != read(t, filepath.Join(committed, name)) {
			t.Errorf("%s is not what the generator writes: run make generate", name)
		}
	}
}

func TestAFieldThatChangesItsKindIsRefused(t *testing.T) {
	text := strings.Replace(read(t, filepath.Join(committed, "fields.txt")), "Task.Zone 31 string", "Task.Zone 31 int", 1)
	n, err := parseNumbers(text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = generate(n)
	if err == nil || !strings.Contains(err.Error(), "Task.Zone") {
		t.Errorf("the generator answered %v", err)
	}
}

func TestANumberIsNeverGivenTwice(t *testing.T) {
	n, err := parseNumbers("Task.Gone 7 string\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := n.field("Task", "New", "string")
	if err != nil || got != 8 {
		t.Errorf("the new field got %d, %v", got, err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	err := os.WriteFile(to, []byte(read(t, from)), 0o600)
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
