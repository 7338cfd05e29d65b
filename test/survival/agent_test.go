//go:build e2e

package survival

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// agent is a machine that joins from elsewhere, as far as one machine can be elsewhere: another directory.
type agent struct {
	d      *daemon
	dir    string
	launch string
	cmd    *exec.Cmd
	exited chan struct{}
	log    *tail
}

// identity is what an agent keeps of itself.
type identity struct {
	ARN  string `json:"containerInstanceArn"`
	Keys struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
	} `json:"keys"`
}

// join starts an agent and waits until it has registered.
func (d *daemon) join(cluster, launch string) *agent {
	d.t.Helper()
	a := &agent{d: d, dir: d.t.TempDir(), launch: launch, log: &tail{}}
	d.t.Cleanup(a.down)
	a.start(cluster)
	eventually(d.t, 20*time.Second, "the agent to register", func(ctx context.Context) error {
		if a.identity().ARN == "" {
			return fmt.Errorf("no identity yet: %s", a.log)
		}
		return d.connected(ctx, cluster, a.identity().ARN)
	})
	return a
}

func (a *agent) start(cluster string) {
	a.d.t.Helper()
	cmd := exec.Command(os.Getenv(binVar), "agent", "--server", a.d.url, "--cluster", cluster,
		"--launch-type", a.launch, "--data-dir", a.dir)
	cmd.Env = append(append(os.Environ(), a.d.env...), a.d.extra...)
	cmd.Stdout, cmd.Stderr = a.log, a.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Start()
	if err != nil {
		a.d.t.Fatal(err)
	}
	a.cmd, a.exited = cmd, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(a.exited)
}

func (a *agent) kill() {
	_ = a.cmd.Process.Kill()
	<-a.exited
}

func (a *agent) identity() identity {
	var id identity
	b, err := os.ReadFile(filepath.Join(a.dir, "agent", "instance.json"))
	if err == nil {
		err = json.Unmarshal(b, &id)
	}
	if err != nil && !os.IsNotExist(err) {
		a.d.t.Fatal(err)
	}
	return id
}

// label is on what the agent runs: a directory of its own, an owner of its own.
func (a *agent) label() string {
	var n struct{ ID string }
	b, err := os.ReadFile(filepath.Join(a.dir, "node.json"))
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	if err != nil || n.ID == "" {
		a.d.t.Fatalf("read node.json: %v", err)
	}
	return "longshore.installation=" + n.ID
}

// down ends the agent and searches for what it left.
func (a *agent) down() {
	t := a.d.t
	if t.Failed() {
		t.Logf("the %s agent's log ends:\n%s", a.launch, a.log)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, os.Getenv(binVar), "down", "--data-dir", a.dir).CombinedOutput()
	if err != nil {
		t.Errorf("longshore down of an agent: %v\n%s", err, out)
	}
	select {
	case <-a.exited:
	case <-time.After(5 * time.Second):
		t.Error("longshore down left the agent running")
		a.kill()
	}
	found, err := a.d.engine.containers(ctx, a.label())
	if err != nil || len(found) > 0 {
		t.Errorf("the agent left %d containers, %v", len(found), err)
	}
	for _, c := range found {
		_ = a.d.engine.remove(ctx, c.ID)
	}
}

func (d *daemon) instances(ctx context.Context, cluster string) ([]types.ContainerInstance, error) {
	list, err := d.client.ListContainerInstances(ctx, &ecs.ListContainerInstancesInput{Cluster: &cluster})
	if err != nil || len(list.ContainerInstanceArns) == 0 {
		return nil, err
	}
	out, err := d.client.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{
		Cluster: &cluster, ContainerInstances: list.ContainerInstanceArns})
	if err != nil {
		return nil, err
	}
	return out.ContainerInstances, nil
}

func (d *daemon) connected(ctx context.Context, cluster, arn string) error {
	found, err := d.instances(ctx, cluster)
	if err != nil {
		return err
	}
	for _, i := range found {
		if *i.ContainerInstanceArn == arn && i.AgentConnected && *i.Status == "ACTIVE" {
			return nil
		}
	}
	return fmt.Errorf("%s is not ACTIVE and connected: %s", arn, show(found))
}

func TestAgentsJoinRunLeaveAndComeBack(t *testing.T) {
	d := startDaemon(t)
	d.cluster("field")
	external := d.join("field", "EXTERNAL")
	arn := external.identity().ARN
	def := d.register(definition("field", probe("main")))
	run := func(launch types.LaunchType) string {
		return d.run(&ecs.RunTaskInput{Cluster: aws.String("field"), TaskDefinition: &def, LaunchType: launch})
	}
	task := d.until("field", run(types.LaunchTypeExternal), "RUNNING", 20*time.Second)
	if *task.ContainerInstanceArn != arn {
		t.Errorf("an EXTERNAL task runs on %s, not on %s", *task.ContainerInstanceArn, arn)
	}
	owner, err := d.engine.inspect(t.Context(), *task.Containers[0].RuntimeId)
	if err != nil || "longshore.installation="+owner.Config.Labels["longshore.installation"] != external.label() {
		t.Errorf("the task's container is %s's, %v", owner.Config.Labels["longshore.installation"], err)
	}
	d.boundKeys(t, external.identity())
	d.comesBack(external, *task.TaskArn, run)
	ec2 := d.join("field", "EC2")
	d.drains(ec2, def)
	d.leaves(external, run(types.LaunchTypeExternal))
}

// boundKeys expects the keys that an agent was given to serve its instance, and nothing else.
func (d *daemon) boundKeys(t *testing.T, id identity) {
	if id.Keys.AccessKeyID == "" || id.Keys.AccessKeyID == d.variable("AWS_ACCESS_KEY_ID") {
		t.Fatalf("the agent has no keys of its own: %q", id.Keys.AccessKeyID)
	}
	c := d.clientWith(id.Keys.AccessKeyID, id.Keys.SecretAccessKey, id.Keys.SessionToken)
	_, err := c.DiscoverPollEndpoint(t.Context(), &ecs.DiscoverPollEndpointInput{
		Cluster: aws.String("field"), ContainerInstance: &id.ARN})
	if err != nil {
		t.Errorf("the instance's own keys do not serve it: %v", err)
	}
	other := ""
	all, err := d.instances(t.Context(), "field")
	for _, i := range all {
		if *i.ContainerInstanceArn != id.ARN {
			other = *i.ContainerInstanceArn
		}
	}
	if err != nil || other == "" {
		t.Fatalf("there is no second instance: %v", err)
	}
	for name, call := range map[string]func() error{
		"ListClusters": func() error {
			_, err := c.ListClusters(t.Context(), &ecs.ListClustersInput{})
			return err
		},
		"RunTask": func() error {
			_, err := c.RunTask(t.Context(), &ecs.RunTaskInput{
				Cluster: aws.String("field"), TaskDefinition: aws.String("field")})
			return err
		},
		"draining another instance": func() error {
			_, err := c.UpdateContainerInstancesState(t.Context(), &ecs.UpdateContainerInstancesStateInput{
				Cluster: aws.String("field"), ContainerInstances: []string{other},
				Status: types.ContainerInstanceStatusDraining})
			return err
		},
		"DeregisterContainerInstance of another instance": func() error {
			_, err := c.DeregisterContainerInstance(t.Context(), &ecs.DeregisterContainerInstanceInput{
				Cluster: aws.String("field"), ContainerInstance: &other})
			return err
		},
	} {
		err := call()
		if refusal(err) != "AccessDeniedException" {
			t.Errorf("%s with an instance's keys: want AccessDeniedException, got %v", name, err)
		}
	}
}

// comesBack kills the agent: it joins again as the same instance, with the same containers.
func (d *daemon) comesBack(a *agent, task string, run func(types.LaunchType) string) {
	d.t.Helper()
	before := d.births("field", "")
	known, err := d.instances(d.t.Context(), "field")
	if err != nil {
		d.t.Fatal(err)
	}
	arn := a.identity().ARN
	a.kill()
	eventually(d.t, 10*time.Second, "the server to see that the agent is gone", func(ctx context.Context) error {
		if d.connected(ctx, "field", arn) == nil {
			return fmt.Errorf("%s counts as connected", arn)
		}
		return nil
	})
	a.start("field")
	eventually(d.t, 20*time.Second, "the agent to come back", func(ctx context.Context) error {
		return d.connected(ctx, "field", arn)
	})
	d.until("field", run(types.LaunchTypeExternal), "RUNNING", 20*time.Second) // it takes orders again
	now, err := d.instances(d.t.Context(), "field")
	if err != nil || len(now) != len(known) || a.identity().ARN != arn {
		d.t.Errorf("the agent came back as %s, it was %s: %d instances, %v", a.identity().ARN, arn, len(now), err)
	}
	err = d.unharmed(before)
	if err != nil {
		d.t.Error(err)
	}
	d.until("field", task, "RUNNING", time.Second)
}

// drains expects the tasks of a service to move to another machine.
func (d *daemon) drains(a *agent, def string) {
	d.t.Helper()
	_, err := d.client.CreateService(d.t.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String("field"), ServiceName: aws.String("moves"), TaskDefinition: &def,
		DesiredCount: aws.Int32(2), LaunchType: types.LaunchTypeEc2,
		PlacementStrategy: []types.PlacementStrategy{{Type: "spread", Field: aws.String("instanceId")}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.stable("field", "moves", 30*time.Second)
	arn := a.identity().ARN
	if n := d.on(arn); n != 1 {
		d.t.Errorf("spread over two machines, %d of 2 tasks are on the agent's", n)
	}
	_, err = d.client.UpdateContainerInstancesState(d.t.Context(), &ecs.UpdateContainerInstancesStateInput{
		Cluster: aws.String("field"), ContainerInstances: []string{arn}, Status: types.ContainerInstanceStatusDraining})
	if err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, 45*time.Second, "the tasks to move", func(ctx context.Context) error {
		s, err := d.service(ctx, "field", "moves")
		if err == nil {
			err = steady(s)
		}
		if err != nil {
			return err
		}
		if n := d.on(arn); n != 0 {
			return fmt.Errorf("%d tasks are on the draining instance", n)
		}
		return a.empty(ctx)
	})
}

// on is how many tasks of the service are on an instance.
func (d *daemon) on(arn string) int {
	tasks, err := d.tasks(d.t.Context(), "field", "moves", types.DesiredStatusRunning)
	if err != nil {
		d.t.Fatal(err)
	}
	n := 0
	for _, task := range tasks {
		if aws.ToString(task.ContainerInstanceArn) == arn {
			n++
		}
	}
	return n
}

// empty expects no task's container on the agent's machine.
func (a *agent) empty(ctx context.Context) error {
	found, err := a.d.engine.containers(ctx, a.label())
	if err != nil {
		return err
	}
	for _, c := range found {
		if c.task() != "" && c.State != "exited" {
			return fmt.Errorf("container %v is %s", c.Names, c.State)
		}
	}
	return nil
}

// leaves deregisters the instance by force: its tasks end.
func (d *daemon) leaves(a *agent, task string) {
	d.t.Helper()
	d.until("field", task, "RUNNING", 20*time.Second)
	_, err := d.client.DeregisterContainerInstance(d.t.Context(), &ecs.DeregisterContainerInstanceInput{
		Cluster: aws.String("field"), ContainerInstance: aws.String(a.identity().ARN), Force: aws.Bool(true)})
	if err != nil {
		d.t.Fatal(err)
	}
	d.until("field", task, "STOPPED", 30*time.Second)
	eventually(d.t, 40*time.Second, "the containers of the instance that left to end", a.empty)
}
