//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"longshore/test/rig"
)

// driveBoto3 runs the script that asserts for itself.
func driveBoto3(t *testing.T) {
	d := startDaemon(t)
	cmd := exec.CommandContext(t.Context(), "python3", filepath.Join("testdata", "boto3", "drive.py"))
	cmd.Env = append(append(os.Environ(), d.Env...), "IMAGE="+rig.Image())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "boto3 is content\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
