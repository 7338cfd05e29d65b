//go:build e2e

package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Agent is a machine that joins from elsewhere, as far as one machine can be elsewhere: another directory.
type Agent struct {
	D      *Daemon
	Dir    string
	Log    *Tail
	launch string
	server string
	cmd    *exec.Cmd
	exited chan struct{}
}

// Identity is what an agent keeps of itself.
type Identity struct {
	ARN  string `json:"containerInstanceArn"`
	Keys struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
	} `json:"keys"`
}

// Join starts an agent and waits until it has registered.
func (d *Daemon) Join(cluster, launch string) *Agent {
	d.T.Helper()
	a := &Agent{D: d, Dir: d.T.TempDir(), launch: launch, server: d.URL, Log: &Tail{}}
	d.T.Cleanup(a.down)
	a.Start(cluster)
	Eventually(d.T, 20*time.Second, "the agent to register", func(ctx context.Context) error {
		if a.Identity().ARN == "" {
			return fmt.Errorf("no identity yet: %s", a.Log)
		}
		return d.Connected(ctx, cluster, a.Identity().ARN)
	})
	return a
}

// Start starts the agent's process; it does not wait until it has joined.
func (a *Agent) Start(cluster string) {
	a.D.T.Helper()
	err := a.Launch(cluster)
	if err != nil {
		a.D.T.Fatal(err)
	}
}

// Launch is Start for goroutines that may not end a test.
func (a *Agent) Launch(cluster string) error {
	cmd := exec.Command(a.D.Bin, "agent", "--server", a.server, "--cluster", cluster,
		"--launch-type", a.launch, "--data-dir", a.Dir)
	cmd.Env = append(append(os.Environ(), a.D.Env...), a.D.Extra...)
	cmd.Stdout, cmd.Stderr = a.Log, a.Log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Start()
	if err != nil {
		return err
	}
	a.cmd, a.exited = cmd, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(a.exited)
	return nil
}

// Alive says whether the agent's process is there.
func (a *Agent) Alive() bool {
	select {
	case <-a.exited:
		return false
	default:
		return true
	}
}

// Kill ends the agent as a crash does.
func (a *Agent) Kill() {
	_ = a.cmd.Process.Kill()
	<-a.exited
}

// Identity is what the agent has kept of itself so far.
func (a *Agent) Identity() Identity {
	var id Identity
	b, err := os.ReadFile(filepath.Join(a.Dir, "agent", "instance.json"))
	if err == nil {
		err = json.Unmarshal(b, &id)
	}
	if err != nil && !os.IsNotExist(err) {
		a.D.T.Fatal(err)
	}
	return id
}

// Label is on what the agent runs: a directory of its own, an owner of its own.
func (a *Agent) Label() string {
	var n struct{ ID string }
	b, err := os.ReadFile(filepath.Join(a.Dir, "node.json"))
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	if err != nil || n.ID == "" {
		a.D.T.Fatalf("read node.json: %v", err)
	}
	return "longshore.installation=" + n.ID
}

// down ends the agent and searches for what it left.
func (a *Agent) down() {
	t := a.D.T
	if t.Failed() {
		t.Logf("the %s agent's log ends:\n%s", a.launch, a.Log)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, a.D.Bin, "down", "--data-dir", a.Dir).CombinedOutput()
	if err != nil {
		t.Errorf("longshore down of an agent: %v\n%s", err, out)
	}
	select {
	case <-a.exited:
	case <-time.After(5 * time.Second):
		t.Error("longshore down left the agent running")
		a.Kill()
	}
	found, err := a.D.Engine.Containers(ctx, a.Label())
	if err != nil || len(found) > 0 {
		t.Errorf("the agent left %d containers, %v", len(found), err)
	}
	for _, c := range found {
		_ = a.D.Engine.Remove(ctx, c.ID)
	}
}

func (d *Daemon) Instances(ctx context.Context, cluster string) ([]types.ContainerInstance, error) {
	list, err := d.Client.ListContainerInstances(ctx, &ecs.ListContainerInstancesInput{Cluster: &cluster})
	if err != nil || len(list.ContainerInstanceArns) == 0 {
		return nil, err
	}
	out, err := d.Client.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{
		Cluster: &cluster, ContainerInstances: list.ContainerInstanceArns})
	if err != nil {
		return nil, err
	}
	return out.ContainerInstances, nil
}

func (d *Daemon) Connected(ctx context.Context, cluster, arn string) error {
	found, err := d.Instances(ctx, cluster)
	if err != nil {
		return err
	}
	for _, i := range found {
		if *i.ContainerInstanceArn == arn && i.AgentConnected && *i.Status == "ACTIVE" {
			return nil
		}
	}
	return fmt.Errorf("%s is not ACTIVE and connected: %s", arn, Show(found))
}

// Empty expects no task's container on the agent's machine.
func (a *Agent) Empty(ctx context.Context) error {
	found, err := a.D.Engine.Containers(ctx, a.Label())
	if err != nil {
		return err
	}
	for _, c := range found {
		if c.Task() != "" && c.State != "exited" {
			return fmt.Errorf("container %v is %s", c.Names, c.State)
		}
	}
	return nil
}
