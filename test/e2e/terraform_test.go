//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// terraform is a working directory with the test's configuration.
type terraform struct {
	t   *testing.T
	dir string
	env []string
}

// driveTerraform applies a configuration, expects the next plan to be empty, changes it, and destroys it.
func driveTerraform(t *testing.T) {
	mirror, err := findMirror()
	if err != nil {
		t.Skipf("Terraform is not tried: %v", err)
	}
	d := startDaemon(t)
	tf := newTerraform(t, d, mirror)
	tf.run(0, "init", "-input=false")
	tf.run(0, "apply", "-auto-approve", "-input=false", "-var=release=first", "-var=replicas=2")
	tf.run(0, "plan", "-detailed-exitcode", "-input=false", "-var=release=first", "-var=replicas=2")
	d.says(t, "first", 2)
	tf.run(2, "plan", "-detailed-exitcode", "-input=false", "-var=release=second", "-var=replicas=1")
	tf.run(0, "apply", "-auto-approve", "-input=false", "-var=release=second", "-var=replicas=1")
	tf.run(0, "plan", "-detailed-exitcode", "-input=false", "-var=release=second", "-var=replicas=1")
	d.says(t, "second", 1)
	tf.run(0, "destroy", "-auto-approve", "-input=false", "-var=release=second", "-var=replicas=1")
	if live := d.live(t); len(live) > 0 {
		t.Errorf("destroyed, and still running: %v", live)
	}
}

// says expects the service's tasks, each at its address, to be of one release.
func (d *daemon) says(t *testing.T, release string, n int) {
	t.Helper()
	rig.Eventually(t, 5*time.Second, "release "+release, func(ctx context.Context) error {
		tasks, err := d.listTasks(ctx, "terraform", "web", types.DesiredStatusRunning)
		if err != nil {
			return err
		}
		if len(tasks) != n {
			return fmt.Errorf("there are %d tasks", len(tasks))
		}
		for _, task := range tasks {
			body, err := answers(ctx, "http://"+ip(task)+"/")
			if err != nil || !strings.Contains(body, release) {
				return fmt.Errorf("%s says %q, %w", ip(task), body, err)
			}
		}
		return nil
	})
}

// findMirror looks for a directory with the AWS provider where machines without a network keep one.
func findMirror() (string, error) {
	_, err := exec.LookPath("terraform")
	if err != nil {
		return "", errors.New("there is no terraform binary")
	}
	home, _ := os.UserHomeDir()
	places := []string{os.Getenv("LONGSHORE_TF_MIRROR")}
	for _, pattern := range []string{
		"/opt/*", "/usr/share/terraform/*", "/usr/local/share/terraform/*", home + "/.terraform.d/*",
		home + "/.local/share/terraform/*",
	} {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		places = append(places, found...)
	}
	for _, p := range places {
		_, err := os.Stat(filepath.Join(p, "registry.terraform.io", "hashicorp", "aws"))
		if p != "" && err == nil {
			return p, nil
		}
	}
	return "", errors.New("no directory holds the provider hashicorp/aws; name one with LONGSHORE_TF_MIRROR")
}

func newTerraform(t *testing.T, d *daemon, mirror string) *terraform {
	t.Helper()
	tf := &terraform{t: t, dir: t.TempDir()}
	b, err := os.ReadFile(filepath.Join("testdata", "terraform", "main.tf"))
	if err == nil {
		err = os.WriteFile(filepath.Join(tf.dir, "main.tf"), b, 0o600)
	}
	rc := filepath.Join(tf.dir, "terraformrc")
	if err == nil {
		err = os.WriteFile(rc, fmt.Appendf(nil, "disable_checkpoint = true\nprovider_installation {\n"+
			"  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	tf.env = append(append(os.Environ(), d.Env...), "TF_CLI_CONFIG_FILE="+rc, "TF_IN_AUTOMATION=1",
		"CHECKPOINT_DISABLE=1", "TF_VAR_image="+rig.Image(), "AWS_MAX_ATTEMPTS=3")
	return tf
}

// run runs terraform and expects an exit status.
func (tf *terraform) run(status int, args ...string) {
	tf.t.Helper()
	ctx, cancel := context.WithTimeout(tf.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "terraform", append(args, "-no-color")...)
	cmd.Dir, cmd.Env = tf.dir, tf.env
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != status {
		tf.t.Fatalf("terraform %s: %v, want status %d\n%s", strings.Join(args, " "), err, status, out)
	}
	tf.t.Logf("terraform %s: %s", args[0], time.Since(began).Round(time.Millisecond))
}
