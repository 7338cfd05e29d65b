//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// refuseStarts starts what cannot work: the exit status says so, and the words say what to do.
func refuseStarts(t *testing.T) {
	d := startDaemon(t)
	file := filepath.Join(t.TempDir(), "file")
	err := os.WriteFile(file, nil, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken")
	err = errors.Join(os.Mkdir(broken, 0o700), os.WriteFile(filepath.Join(broken, "installation.json"), []byte("{"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	fresh := func() string { return filepath.Join(t.TempDir(), "data") }
	tests := []struct {
		name string
		args []string
		says []string
	}{
		{"an address that others reach, without TLS", []string{"--data-dir", fresh(), "--listen", "0.0.0.0:0"},
			[]string{"--listen 0.0.0.0:0 is reachable from other machines", "give --tls-cert and --tls-key, or listen on 127.0.0.1"}},
		{"any credentials on an address that others reach",
			[]string{"--data-dir", fresh(), "--listen", "0.0.0.0:0", "--insecure-accept-any-credentials"}, []string{"loopback"}},
		{"a data directory that is a file", []string{"--data-dir", file, "--listen", "127.0.0.1:0"}, []string{file, "--data-dir"}},
		{"an installation that cannot be read", []string{"--data-dir", broken, "--listen", "127.0.0.1:0"},
			[]string{"installation.json", "restore the file from a backup, or start with another --data-dir"}},
		{"a port in use", []string{"--data-dir", fresh(), "--listen", taken.Addr().String()},
			[]string{"the port is in use", "choose another with --listen HOST:PORT"}},
		{"a second daemon on one data directory", []string{"--data-dir", d.Dir, "--listen", "127.0.0.1:0"},
			[]string{d.Dir, "--data-dir"}},
		{"an address that is none", []string{"--data-dir", fresh(), "--listen", "nonsense"}, []string{"HOST:PORT"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Getenv(rig.BinVar), append([]string{"up"}, test.args...)...)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() < 1 {
				t.Fatalf("it started: %v\n%s", err, out)
			}
			for _, s := range test.says {
				if !strings.Contains(string(out), s) {
					t.Errorf("it does not say %q:\n%s", s, out)
				}
			}
			if strings.Contains(string(out), "longshore ready") || strings.Contains(string(out), "goroutine ") {
				t.Errorf("it says too much:\n%s", out)
			}
		})
	}
	_, err = d.ecs().ListClusters(t.Context(), &ecs.ListClustersInput{})
	if err != nil {
		t.Errorf("the daemon that was there first: %v", err)
	}
}

// joinAgent runs an agent with a directory of its own, as on another machine, and a task on it.
func joinAgent(t *testing.T) {
	d := startDaemon(t)
	_, err := d.ecs().CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("far")})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stop := d.startAgent(t, dir)
	rig.Eventually(t, 20*time.Second, "agent in the cluster", func(ctx context.Context) error {
		_, err := d.external(ctx)
		return err
	})
	instance, err := d.external(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	def := d.register(t, rig.Definition("far", rig.Probe("main")))
	external := func(in *ecs.RunTaskInput) { in.LaunchType = types.LaunchTypeExternal }
	arn := d.run(t, "far", def, external)
	task := d.until(t, "far", arn, "RUNNING", 20*time.Second)
	if task.LaunchType != types.LaunchTypeExternal || aws.ToString(task.ContainerInstanceArn) != instance {
		t.Errorf("the task is not the agent's: %s", rig.Show(task))
	}
	seen, err := d.Engine.Inspect(t.Context(), *task.Containers[0].RuntimeId)
	if err != nil || seen.Config.Labels["longshore.installation"] == d.ID {
		t.Errorf("the container bears the daemon's label, not the agent's: %v, %v", seen.Config.Labels, err)
	}
	// The agent comes back as the same instance, and its container has run on.
	stop()
	stop = d.startAgent(t, dir)
	defer stop()
	rig.Eventually(t, 20*time.Second, "agent back", func(ctx context.Context) error {
		again, err := d.external(ctx)
		if err == nil && again != instance {
			err = fmt.Errorf("it is another instance: %s, was %s", again, instance)
		}
		return err
	})
	again := d.until(t, "far", arn, "RUNNING", 10*time.Second)
	if aws.ToString(again.Containers[0].RuntimeId) != aws.ToString(task.Containers[0].RuntimeId) {
		t.Errorf("the container was restarted")
	}
	_, err = d.ecs().StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("far"), Task: &arn})
	if err != nil {
		t.Fatal(err)
	}
	d.until(t, "far", arn, "STOPPED", 15*time.Second)
}

// external is the one connected EXTERNAL instance of the cluster.
func (d *daemon) external(ctx context.Context) (string, error) {
	list, err := d.ecs().ListContainerInstances(ctx, &ecs.ListContainerInstancesInput{Cluster: aws.String("far")})
	if err != nil || len(list.ContainerInstanceArns) == 0 {
		return "", fmt.Errorf("no instances: %w", err)
	}
	out, err := d.ecs().DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{
		Cluster: aws.String("far"), ContainerInstances: list.ContainerInstanceArns})
	if err != nil {
		return "", err
	}
	var found []string
	for _, i := range out.ContainerInstances {
		for _, a := range i.Attributes {
			if aws.ToString(a.Name) == "rack" && aws.ToString(a.Value) == "far" && i.AgentConnected {
				found = append(found, *i.ContainerInstanceArn)
			}
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("connected agents are %v of %s", found, rig.Show(out.ContainerInstances))
	}
	return found[0], nil
}

// startAgent starts `longshore agent`, and answers how to stop it.
func (d *daemon) startAgent(t *testing.T, dir string) (stop func()) {
	t.Helper()
	log := &rig.Tail{}
	cmd := exec.Command(os.Getenv(rig.BinVar), "agent", "--server", d.URL, "--cluster", "far", "--data-dir", dir,
		"--attributes", "rack=far")
	cmd.Env = append(append(os.Environ(), d.Extra...), d.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	err := cmd.Start()
	if err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err := <-exited:
			if err != nil {
				t.Errorf("the agent ended with %v:\n%s", err, log)
			}
		case <-time.After(15 * time.Second):
			_ = cmd.Process.Kill()
			t.Errorf("the agent does not end:\n%s", log)
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("the agent's log:\n%s", log)
		}
		d.sweepAgent(t, dir)
	})
	return stop
}

// sweepAgent takes the agent down by its directory and expects none of its containers to be left.
func (d *daemon) sweepAgent(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, os.Getenv(rig.BinVar), "down", "--data-dir", dir).CombinedOutput()
	if err != nil {
		t.Errorf("longshore down of the agent: %v\n%s", err, out)
	}
	var node struct{ ID string }
	b, err := os.ReadFile(filepath.Join(dir, "node.json"))
	if err == nil {
		err = json.Unmarshal(b, &node)
	}
	if err != nil {
		t.Fatalf("read the agent's identity: %v", err)
	}
	left := &rig.Daemon{T: t, Dir: dir, ID: node.ID, Engine: d.Engine}
	left.SearchHost(ctx)
}
