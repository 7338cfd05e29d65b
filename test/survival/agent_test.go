//go:build e2e

package survival

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

func TestAgentsJoinRunLeaveAndComeBack(t *testing.T) {
	d := start(t)
	d.Cluster("field")
	external := d.Join("field", "EXTERNAL")
	arn := external.Identity().ARN
	def := d.Register(rig.Definition("field", rig.Probe("main")))
	run := func(launch types.LaunchType) string {
		return d.Run(&ecs.RunTaskInput{Cluster: aws.String("field"), TaskDefinition: &def, LaunchType: launch})
	}
	task := d.Until("field", run(types.LaunchTypeExternal), "RUNNING", 20*time.Second)
	if *task.ContainerInstanceArn != arn {
		t.Errorf("an EXTERNAL task runs on %s, not on %s", *task.ContainerInstanceArn, arn)
	}
	owner, err := d.Engine.Inspect(t.Context(), *task.Containers[0].RuntimeId)
	if err != nil || "longshore.installation="+owner.Config.Labels["longshore.installation"] != external.Label() {
		t.Errorf("the task's container is %s's, %v", owner.Config.Labels["longshore.installation"], err)
	}
	d.boundKeys(t, external.Identity())
	d.comesBack(external, *task.TaskArn, run)
	ec2 := d.Join("field", "EC2")
	d.drains(ec2, def)
	d.leaves(external, run(types.LaunchTypeExternal))
}

// boundKeys expects the keys that an agent was given to serve its instance, and nothing else.
func (d *daemon) boundKeys(t *testing.T, id rig.Identity) {
	if id.Keys.AccessKeyID == "" || id.Keys.AccessKeyID == d.Variable("AWS_ACCESS_KEY_ID") {
		t.Fatalf("the agent has no keys of its own: %q", id.Keys.AccessKeyID)
	}
	c := d.ClientWith(id.Keys.AccessKeyID, id.Keys.SecretAccessKey, id.Keys.SessionToken)
	_, err := c.DiscoverPollEndpoint(t.Context(), &ecs.DiscoverPollEndpointInput{
		Cluster: aws.String("field"), ContainerInstance: &id.ARN})
	if err != nil {
		t.Errorf("the instance's own keys do not serve it: %v", err)
	}
	other := ""
	all, err := d.Instances(t.Context(), "field")
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
		if rig.Refusal(err) != "AccessDeniedException" {
			t.Errorf("%s with an instance's keys: want AccessDeniedException, got %v", name, err)
		}
	}
}

// comesBack kills the agent: it joins again as the same instance, with the same containers.
func (d *daemon) comesBack(a *rig.Agent, task string, run func(types.LaunchType) string) {
	d.T.Helper()
	before := d.Births("field", "")
	known, err := d.Instances(d.T.Context(), "field")
	if err != nil {
		d.T.Fatal(err)
	}
	arn := a.Identity().ARN
	a.Kill()
	rig.Eventually(d.T, 10*time.Second, "the server to see that the agent is gone", func(ctx context.Context) error {
		if d.Connected(ctx, "field", arn) == nil {
			return fmt.Errorf("%s counts as connected", arn)
		}
		return nil
	})
	a.Start("field")
	rig.Eventually(d.T, 20*time.Second, "the agent to come back", func(ctx context.Context) error {
		return d.Connected(ctx, "field", arn)
	})
	d.Until("field", run(types.LaunchTypeExternal), "RUNNING", 20*time.Second) // it takes orders again
	now, err := d.Instances(d.T.Context(), "field")
	if err != nil || len(now) != len(known) || a.Identity().ARN != arn {
		d.T.Errorf("the agent came back as %s, it was %s: %d instances, %v", a.Identity().ARN, arn, len(now), err)
	}
	err = d.Unharmed(before)
	if err != nil {
		d.T.Error(err)
	}
	d.Until("field", task, "RUNNING", time.Second)
}

// drains expects the tasks of a service to move to another machine.
func (d *daemon) drains(a *rig.Agent, def string) {
	d.T.Helper()
	_, err := d.Client.CreateService(d.T.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String("field"), ServiceName: aws.String("moves"), TaskDefinition: &def,
		DesiredCount: aws.Int32(2), LaunchType: types.LaunchTypeEc2,
		PlacementStrategy: []types.PlacementStrategy{{Type: "spread", Field: aws.String("instanceId")}},
	})
	if err != nil {
		d.T.Fatal(err)
	}
	d.Stable("field", "moves", 30*time.Second)
	arn := a.Identity().ARN
	if n := d.on(arn); n != 1 {
		d.T.Errorf("spread over two machines, %d of 2 tasks are on the agent's", n)
	}
	_, err = d.Client.UpdateContainerInstancesState(d.T.Context(), &ecs.UpdateContainerInstancesStateInput{
		Cluster: aws.String("field"), ContainerInstances: []string{arn}, Status: types.ContainerInstanceStatusDraining})
	if err != nil {
		d.T.Fatal(err)
	}
	rig.Eventually(d.T, 45*time.Second, "the tasks to move", func(ctx context.Context) error {
		s, err := d.Service(ctx, "field", "moves")
		if err == nil {
			err = rig.Steady(s)
		}
		if err != nil {
			return err
		}
		if n := d.on(arn); n != 0 {
			return fmt.Errorf("%d tasks are on the draining instance", n)
		}
		return a.Empty(ctx)
	})
}

// on is how many tasks of the service are on an instance.
func (d *daemon) on(arn string) int {
	tasks, err := d.Tasks(d.T.Context(), "field", "moves", types.DesiredStatusRunning)
	if err != nil {
		d.T.Fatal(err)
	}
	n := 0
	for _, task := range tasks {
		if aws.ToString(task.ContainerInstanceArn) == arn {
			n++
		}
	}
	return n
}

// leaves deregisters the instance by force: its tasks end.
func (d *daemon) leaves(a *rig.Agent, task string) {
	d.T.Helper()
	d.Until("field", task, "RUNNING", 20*time.Second)
	_, err := d.Client.DeregisterContainerInstance(d.T.Context(), &ecs.DeregisterContainerInstanceInput{
		Cluster: aws.String("field"), ContainerInstance: aws.String(a.Identity().ARN), Force: aws.Bool(true)})
	if err != nil {
		d.T.Fatal(err)
	}
	d.Until("field", task, "STOPPED", 30*time.Second)
	rig.Eventually(d.T, 40*time.Second, "the containers of the instance that left to end", a.Empty)
}
