//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"longshore/test/rig"
)

// TestTheREADMECanBeTyped types every block of the README, top to bottom, in one shell, as a reader would. Only the
// addresses are others, because somebody may use those of the README, and `make up` starts the binary that is there.
func TestTheREADMECanBeTyped(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this needs root: awsvpc is off for other users")
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	script := readmeScript(string(text), fmt.Sprint(freePort(t)), fmt.Sprint(freePort(t)))
	if n := strings.Count(script, "\nset -x\n"); n < 12 {
		t.Fatalf("found only %d blocks in the README", n)
	}
	dir := t.TempDir()
	err = os.Mkdir(filepath.Join(dir, "bin"), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin", "longshore")
	err = exec.Command("cp", os.Getenv(rig.BinVar), bin).Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, d := range []string{"agent", "ci", "data"} {
			said, err := exec.Command(bin, "down", "--data-dir", filepath.Join(dir, d)).CombinedOutput()
			if err != nil {
				t.Errorf("take %s down: %v\n%s", d, err, said)
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script)
	cmd.Env = append(os.Environ(), "LONGSHORE_DATA_DIR="+filepath.Join(dir, "data"), "AWS_PAGER=",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	cmd.WaitDelay = 10 * time.Second
	said := &rig.Tail{}
	cmd.Stdout, cmd.Stderr = said, said
	err = cmd.Run()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}

var readmeBlock = regexp.MustCompile("(?ms)^```(sh|python)\n(.*?)^```$")

// readmeScript is the README as a script. What needs a certificate and a second machine is left out.
func readmeScript(text, port, ciPort string) string {
	out := []string{fmt.Sprintf(`
make() {
	[ "$1" = up ]
	setsid bin/longshore up --listen 127.0.0.1:%s >up.log 2>&1 </dev/null &
	until grep -q '^longshore ready ' up.log; do sleep 0.1; done
}`, port)}
	for _, m := range readmeBlock.FindAllStringSubmatch(text, -1) {
		block := strings.NewReplacer("127.0.0.1:4566", "127.0.0.1:"+port, "127.0.0.1:4600", "127.0.0.1:"+ciPort).Replace(m[2])
		switch {
		case strings.Contains(block, "longshore.example"), strings.Contains(block, "cert.pem"):
			continue
		case m[1] == "python":
			block = "python3 - <<'PY'\n" + block + "PY\n"
		case strings.Contains(block, "longshore agent"):
			block = strings.TrimSpace(block) + " >agent.log 2>&1 </dev/null &\n" +
				"aws ecs wait services-stable --cluster prod-cluster --services picky\n"
		}
		out = append(out, "set -x\n"+block+"{ set +x; } 2>/dev/null")
	}
	return strings.Join(out, "\n") + "\n"
}
