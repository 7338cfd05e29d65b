package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheCommittedCodeIsWhatTheModelsGive(t *testing.T) {
	out := t.TempDir()
	for _, j := range jobs() {
		err := generate("../../models", out, j)
		if err != nil {
			t.Fatal(err)
		}
	}
	fresh, err := filepath.Glob(filepath.Join(out, "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	committed, err := filepath.Glob("../../internal/gen/*wire/*.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(fresh) == 0 || len(fresh) != len(committed) {
		t.Errorf("%d files are generated, %d are committed", len(fresh), len(committed))
	}
	for _, path := range fresh {
		name, err := filepath.Rel(out, path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../../internal/gen", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("internal/gen/%s differs: run go run ./cmd/apigen (%v)", name, err)
		}
	}
}

func TestJavaPatternsBecomeGoPatterns(t *testing.T) {
	cases := map[string]string{
		`[\u0009\u000A\u0020-\u00FF]+`: `^(?:[\x{0009}\x{000A}\x{0020}-\x{00FF}]+)$`,
		`[\w-_]*`:                      `^(?:[\w\-_]*)$`,
		`[\u0020-\uD7FF\uE000-\uFFFD]`: `^(?:[\x{0020}-\x{D7FF}\x{E000}-\x{FFFD}])$`,
	}
	for java, want := range cases {
		got := goPattern(java)
		if got != want {
			t.Errorf("%s: got %s", java, got)
		}
	}
}
