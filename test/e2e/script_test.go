//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"longshore/test/rig"
)

// followReadme runs the scripts of testdata/script with the AWS CLI, each against an installation of its own.
func followReadme(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			d := startDaemon(e.T().(testing.TB))
			e.Vars = append(e.Vars, d.Env...)
			e.Vars = append(e.Vars, "IMAGE="+rig.Image(), "LONGSHORE="+os.Getenv(rig.BinVar), "DATA_DIR="+d.Dir)
			return expandFiles(e.WorkDir)
		},
		Condition: func(name string) (bool, error) {
			if name != "awscli2" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			out, err := exec.Command("aws", "--version").CombinedOutput()
			return strings.HasPrefix(string(out), "aws-cli/2."), err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"until": until, "set": set, "answer": answer,
		},
	})
}

// expandFiles puts the image's name into the JSON files of a script.
func expandFiles(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		err = os.WriteFile(f, []byte(strings.ReplaceAll(string(b), "@IMAGE@", rig.Image())), 0o600)
		if err != nil {
			return err
		}
	}
	return nil
}

// until WANT COMMAND…: repeats the command, for 30 s, until its output is WANT.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: until WANT COMMAND [ARGS]")
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := ts.Exec(args[1], args[2:]...)
		got := strings.TrimSpace(ts.ReadFile("stdout"))
		if err == nil && got == args[0] {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("still %q, %v\n%s", got, err, ts.ReadFile("stderr"))
		}
	}
}

// set NAME: the last output, on one line, becomes a variable.
func set(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: set NAME")
	}
	ts.Setenv(args[0], strings.Join(strings.Fields(ts.ReadFile("stdout")), " "))
}

// answer TEXT ADDRESS…: every address answers within 5 s, and its answer contains TEXT; ! answer: none does.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || strings.TrimSpace(args[1]) == "" {
		ts.Fatalf("usage: [!] answer TEXT 'ADDRESS…'")
	}
	deadline := time.Now().Add(5 * time.Second)
	for _, address := range strings.Fields(args[1]) {
		for {
			body, err := answers(context.Background(), fmt.Sprintf("http://%s/", address))
			if neg && err != nil || !neg && err == nil && strings.Contains(body, args[0]) {
				break
			}
			if time.Now().After(deadline) {
				ts.Fatalf("%s says %q, %v", address, body, err)
			}
		}
	}
}
