//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// network asks EC2 for the default subnets, as a deploy script does.
func (d *daemon) network() *types.NetworkConfiguration {
	d.T.Helper()
	var found struct {
		Subnets []struct{ SubnetId, AvailabilityZone, VpcId, CidrBlock string }
	}
	d.aws(&found, "ec2", "describe-subnets", "--output", "json")
	if len(found.Subnets) != 3 {
		d.T.Fatalf("the default VPC has one subnet in each of three zones, got %s", rig.Show(found))
	}
	n := &types.AwsVpcConfiguration{AssignPublicIp: types.AssignPublicIpEnabled}
	for _, s := range found.Subnets {
		n.Subnets = append(n.Subnets, s.SubnetId)
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: n}
}

// ip of a task with an interface of its own.
func ip(task types.Task) string {
	for _, a := range task.Attachments {
		for _, kv := range a.Details {
			if aws.ToString(kv.Name) == "privateIPv4Address" {
				return aws.ToString(kv.Value)
			}
		}
	}
	return ""
}

func (d *daemon) runFargate(t *testing.T, cluster, def string, n *types.NetworkConfiguration) string {
	t.Helper()
	return d.run(t, cluster, def, func(in *ecs.RunTaskInput) {
		in.LaunchType, in.NetworkConfiguration = types.LaunchTypeFargate, n
	})
}

// giveAddresses runs FARGATE tasks: what DescribeTasks says is the address that answers.
func giveAddresses(t *testing.T) {
	d := startDaemon(t)
	_, err := d.ecs().CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("net")})
	if err != nil {
		t.Fatal(err)
	}
	n := d.network()
	server := d.runFargate(t, "net", d.register(t, fargate(rig.Definition("server", web("vpc")))), n)
	task := d.until(t, "net", server, "RUNNING", 30*time.Second)
	address := ip(task)
	// RUNNING says that the process began, not that it listens.
	rig.Eventually(t, 10*time.Second, "the address answers", func(ctx context.Context) error {
		body, err := answers(ctx, "http://"+address+"/")
		if err != nil || !strings.Contains(body, "vpc") {
			return fmt.Errorf("%s says %q, %v: %s", address, body, err, rig.Show(task))
		}
		return nil
	})
	t.Run("a task reaches another by its address", func(t *testing.T) {
		d.fetches(t, n, "client", "http://"+address+"/")
	})
	t.Run("containers of a task share its loopback", func(t *testing.T) {
		in := rig.Definition("pair", web("beside"), rig.Probe("client", "get", "http://127.0.0.1:80/"))
		in.ContainerDefinitions[1].DependsOn = []types.ContainerDependency{
			{ContainerName: aws.String("web"), Condition: "START"}}
		arn := d.runFargate(t, "net", d.register(t, fargate(in)), n)
		stopped := d.until(t, "net", arn, "STOPPED", 30*time.Second)
		for _, c := range stopped.Containers {
			if *c.Name == "client" {
				wantExit(t, c, 0)
			}
		}
	})
	t.Run("a task finds its metadata", func(t *testing.T) {
		d.fetches(t, n, "metadata", "${ECS_CONTAINER_METADATA_URI_V4}/task")
	})
	t.Run("the interface is described by EC2 and gone with the task", func(t *testing.T) { d.interfaces(t, server, address) })
}

// fetches runs a FARGATE task that gets a URL, and expects it to succeed.
func (d *daemon) fetches(t *testing.T, n *types.NetworkConfiguration, family, url string) {
	t.Helper()
	arn := d.runFargate(t, "net", d.register(t, fargate(rig.Definition(family, rig.Probe("main", "get", url)))), n)
	task := d.until(t, "net", arn, "STOPPED", 30*time.Second)
	wantExit(t, task.Containers[0], 0)
}

func (d *daemon) interfaces(t *testing.T, arn, address string) {
	find := func() int {
		var found struct {
			NetworkInterfaces []json.RawMessage
		}
		d.aws(&found, "ec2", "describe-network-interfaces", "--output", "json",
			"--filters", "Name=addresses.private-ip-address,Values="+address)
		return len(found.NetworkInterfaces)
	}
	if n := find(); n != 1 {
		t.Errorf("%d interfaces have the address %s", n, address)
	}
	_, err := d.ecs().StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("net"), Task: &arn})
	if err != nil {
		t.Fatal(err)
	}
	d.until(t, "net", arn, "STOPPED", 15*time.Second)
	_, err = answers(t.Context(), "http://"+address+"/")
	if err == nil {
		t.Errorf("%s answers after its task has stopped", address)
	}
	if n := find(); n != 0 {
		t.Errorf("%d interfaces have the address of a task that is gone", n)
	}
}

// liveSideBySide runs the same service in two installations at once and takes one down.
func liveSideBySide(t *testing.T) {
	one, two := startDaemon(t), startDaemon(t)
	seen := map[string]bool{}
	for _, d := range []*daemon{one, two} {
		_, err := d.ecs().CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("same")})
		if err != nil {
			t.Fatal(err)
		}
		n := d.network()
		version := "of-" + d.ID
		def := d.register(t, fargate(rig.Definition("web", web(version))))
		d.serve(t, "same", "web", def, 2, func(in *ecs.CreateServiceInput) {
			in.LaunchType, in.NetworkConfiguration = types.LaunchTypeFargate, n
		})
		for _, task := range d.tasks(t, "same", "web", types.DesiredStatusRunning) {
			if seen[ip(task)] {
				t.Errorf("%s is the address of two tasks", ip(task))
			}
			seen[ip(task)] = true
		}
	}
	one.allAnswer(t)
	two.allAnswer(t)
	before := two.live(t)
	out, err := one.Longshore("down")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	one.SearchHost(t.Context())
	after := two.live(t)
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the other installation had %v, has %v", before, after)
	}
	two.allAnswer(t)
}

// allAnswer expects every task of the service to answer with this installation's name.
func (d *daemon) allAnswer(t *testing.T) {
	t.Helper()
	rig.Eventually(t, 5*time.Second, "all tasks answer", func(ctx context.Context) error {
		tasks, err := d.listTasks(ctx, "same", "web", types.DesiredStatusRunning)
		if err != nil {
			return err
		}
		if len(tasks) != 2 {
			return fmt.Errorf("there are %d tasks", len(tasks))
		}
		var failed []error
		for _, task := range tasks {
			body, err := answers(ctx, "http://"+ip(task)+"/")
			if err == nil && !strings.Contains(body, "of-"+d.ID) {
				err = fmt.Errorf("%s says %q", ip(task), body)
			}
			failed = append(failed, err)
		}
		return errors.Join(failed...)
	})
}

// live containers of tasks, by id.
func (d *daemon) live(t testing.TB) map[string]string {
	t.Helper()
	found, err := d.Engine.Containers(t.Context(), d.Ours())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range found {
		if c.State == "running" && c.Name() != "" {
			out[c.ID] = c.Task() + " " + c.Name()
		}
	}
	return out
}
