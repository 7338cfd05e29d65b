//go:build e2e

package rig

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// verdictVar names the file that the verdict is written to; scripts/verdict prints it as the last line.
const verdictVar = "LONGSHORE_VERDICT"

// Setting reads a number from the environment.
func Setting(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// Report logs a verdict as one JSON object and keeps it for the command that ran the test.
func Report(t testing.TB, verdict any) {
	t.Helper()
	b, err := json.Marshal(verdict)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", b)
	file := os.Getenv(verdictVar)
	if file == "" {
		return
	}
	err = os.WriteFile(file, append(b, '\n'), 0o600)
	if err != nil {
		t.Fatal(err)
	}
}

// Commit is the tree's, with a mark if it has been changed since; "" outside a checkout.
func Commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
