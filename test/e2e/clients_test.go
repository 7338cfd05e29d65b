//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"longshore/test/rig"
)

// ecs is the Go SDK's client of this start of the daemon.
func (d *daemon) ecs() *ecs.Client { return d.Client }

// aws runs the AWS CLI and decodes what it prints.
func (d *daemon) aws(out any, args ...string) {
	d.T.Helper()
	cmd := exec.CommandContext(d.T.Context(), "aws", args...)
	cmd.Env = append(os.Environ(), d.Env...)
	said, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		d.T.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(said, out)
	}
	if err != nil {
		d.T.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

// register registers an EC2 task definition and returns family:revision.
func (d *daemon) register(t testing.TB, in *ecs.RegisterTaskDefinitionInput) string {
	t.Helper()
	out, err := d.ecs().RegisterTaskDefinition(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s:%d", *out.TaskDefinition.Family, out.TaskDefinition.Revision)
}

// fargate makes a definition one for FARGATE.
func fargate(in *ecs.RegisterTaskDefinitionInput) *ecs.RegisterTaskDefinitionInput {
	in.NetworkMode = types.NetworkModeAwsvpc
	in.RequiresCompatibilities = []types.Compatibility{types.CompatibilityFargate}
	in.Cpu, in.Memory = aws.String("256"), aws.String("512")
	for i := range in.ContainerDefinitions {
		in.ContainerDefinitions[i].Memory = nil
	}
	return in
}

// run starts one EC2 task and returns its ARN.
func (d *daemon) run(t testing.TB, cluster, taskDefinition string, change ...func(*ecs.RunTaskInput)) string {
	t.Helper()
	in := &ecs.RunTaskInput{
		Cluster: &cluster, TaskDefinition: &taskDefinition, LaunchType: types.LaunchTypeEc2,
	}
	for _, c := range change {
		c(in)
	}
	out, err := d.ecs().RunTask(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Tasks) != 1 {
		t.Fatalf("run-task %s: %s", taskDefinition, rig.Show(out.Failures))
	}
	return *out.Tasks[0].TaskArn
}

// task describes one task.
func (d *daemon) task(ctx context.Context, cluster, arn string) (types.Task, error) {
	out, err := d.ecs().DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: []string{arn}})
	if err != nil {
		return types.Task{}, err
	}
	if len(out.Tasks) != 1 {
		return types.Task{}, fmt.Errorf("describe %s: %s", arn, rig.Show(out.Failures))
	}
	return out.Tasks[0], nil
}

// until waits for a task's lastStatus. A task that stops while it should run is a failure at once.
func (d *daemon) until(t testing.TB, cluster, arn, status string, within time.Duration) types.Task {
	t.Helper()
	var last types.Task
	rig.Eventually(t, within, "task "+status, func(ctx context.Context) error {
		task, err := d.task(ctx, cluster, arn)
		if err != nil {
			return err
		}
		last = task
		if *task.LastStatus == status {
			return nil
		}
		if *task.LastStatus == "STOPPED" {
			t.Fatalf("task stopped instead of %s: %s", status, rig.Show(task))
		}
		return fmt.Errorf("is %s: %s", *task.LastStatus, aws.ToString(task.StoppedReason))
	})
	return last
}

// service describes one service.
func (d *daemon) service(ctx context.Context, cluster, name string) (types.Service, error) {
	out, err := d.ecs().DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
	if err != nil {
		return types.Service{}, err
	}
	if len(out.Services) != 1 {
		return types.Service{}, fmt.Errorf("describe %s: %s", name, rig.Show(out.Failures))
	}
	return out.Services[0], nil
}

// stable waits for what the services-stable waiter waits for, without its 15 s steps.
func (d *daemon) stable(t testing.TB, cluster, name string, within time.Duration) types.Service {
	t.Helper()
	var last types.Service
	rig.Eventually(t, within, "service "+name+" stable", func(ctx context.Context) error {
		s, err := d.service(ctx, cluster, name)
		if err != nil {
			return err
		}
		last = s
		if len(s.Deployments) == 1 && s.RunningCount == s.DesiredCount && s.PendingCount == 0 &&
			s.Deployments[0].RolloutState == types.DeploymentRolloutStateCompleted {
			return nil
		}
		return errors.New(story(s))
	})
	return last
}

// story is what a person would want to know of a service that does not do what it should.
func story(s types.Service) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s desired %d running %d pending %d\n", *s.ServiceName, s.DesiredCount, s.RunningCount, s.PendingCount)
	for _, p := range s.Deployments {
		fmt.Fprintf(b, "  %s %s %s %s\n", *p.Id, *p.Status, p.RolloutState, aws.ToString(p.RolloutStateReason))
	}
	for i, e := range s.Events {
		if i < 8 {
			fmt.Fprintf(b, "  %s\n", *e.Message)
		}
	}
	return b.String()
}

// tasks of a service with a desired status.
func (d *daemon) tasks(t testing.TB, cluster, service string, status types.DesiredStatus) []types.Task {
	t.Helper()
	out, err := d.listTasks(t.Context(), cluster, service, status)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (d *daemon) listTasks(ctx context.Context, cluster, service string, status types.DesiredStatus) ([]types.Task, error) {
	in := &ecs.ListTasksInput{Cluster: &cluster, DesiredStatus: status}
	if service != "" {
		in.ServiceName = &service
	}
	list, err := d.ecs().ListTasks(ctx, in)
	if err != nil || len(list.TaskArns) == 0 {
		return nil, err
	}
	out, err := d.ecs().DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: list.TaskArns})
	if err != nil {
		return nil, err
	}
	return out.Tasks, nil
}

func (d *daemon) cluster(t testing.TB, name string) string {
	t.Helper()
	_, err := d.ecs().CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: &name})
	if err != nil {
		t.Fatal(err)
	}
	d.awaitInstance(t, name)
	return name
}

// awaitInstance waits until the cluster has a machine that takes tasks.
func (d *daemon) awaitInstance(t testing.TB, name string) {
	t.Helper()
	rig.Eventually(t, 20*time.Second, "container instance in "+name, func(ctx context.Context) error {
		out, err := d.ecs().DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{name}})
		if err != nil {
			return err
		}
		if len(out.Clusters) == 1 && out.Clusters[0].RegisteredContainerInstancesCount > 0 {
			return nil
		}
		return fmt.Errorf("none: %s", rig.Show(out.Clusters))
	})
}

// want fails unless err is the modelled AWS fault with exactly this text.
func want(t testing.TB, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("want %s, got %v", code, err)
		return
	}
	if api.ErrorCode() != code || (message != "" && api.ErrorMessage() != message) {
		t.Errorf("want %s %q, got %s %q", code, message, api.ErrorCode(), api.ErrorMessage())
	}
}

// answers fetches a URL and returns its body.
func answers(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", url, res.Status, b)
	}
	return string(b), err
}
