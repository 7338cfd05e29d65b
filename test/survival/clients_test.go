//go:build e2e

package survival

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

// newClient makes a client without retries: an answer is an answer.
func (d *daemon) newClient() *ecs.Client {
	return d.clientWith(d.variable("AWS_ACCESS_KEY_ID"), d.variable("AWS_SECRET_ACCESS_KEY"), "")
}

func (d *daemon) clientWith(id, secret, token string) *ecs.Client {
	return ecs.New(ecs.Options{
		BaseEndpoint: aws.String(d.url), Region: d.variable("AWS_DEFAULT_REGION"), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
		HTTPClient:  wholeBodies{&http.Client{Transport: &http.Transport{}, Timeout: 15 * time.Second}},
	})
}

// wholeBodies sends bodies that nobody closes early: the SDK closes a request's body as soon as the answer begins, and
// where the server is quicker than net/http's writer, that looks like a failed write and ends the connection.
type wholeBodies struct{ *http.Client }

func (c wholeBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
	}
	return c.Client.Do(r)
}

func image() string { return os.Getenv(imageVar) }

// probe is a container that runs the probe with a command; memory is small, so that many fit.
func probe(name string, command ...string) types.ContainerDefinition {
	return types.ContainerDefinition{
		Name: aws.String(name), Image: aws.String(image()), Command: command, Memory: aws.Int32(16),
		Essential: aws.Bool(true),
	}
}

// web answers on port 80 until it is told to end.
func web() types.ContainerDefinition {
	c := probe("main", "serve", "80")
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80)}}
	return c
}

func definition(family string, containers ...types.ContainerDefinition) *ecs.RegisterTaskDefinitionInput {
	return &ecs.RegisterTaskDefinitionInput{Family: aws.String(family), ContainerDefinitions: containers}
}

// fargate makes a definition one for FARGATE.
func fargate(in *ecs.RegisterTaskDefinitionInput) *ecs.RegisterTaskDefinitionInput {
	in.NetworkMode = types.NetworkModeAwsvpc
	in.RequiresCompatibilities = []types.Compatibility{types.CompatibilityFargate, types.CompatibilityEc2}
	in.Cpu, in.Memory = aws.String("256"), aws.String("512")
	for i := range in.ContainerDefinitions {
		in.ContainerDefinitions[i].Memory = nil
	}
	return in
}

// register registers a task definition and returns family:revision.
func (d *daemon) register(in *ecs.RegisterTaskDefinitionInput) string {
	d.t.Helper()
	out, err := d.client.RegisterTaskDefinition(d.t.Context(), in)
	if err != nil {
		d.t.Fatal(err)
	}
	return fmt.Sprintf("%s:%d", *out.TaskDefinition.Family, out.TaskDefinition.Revision)
}

// cluster makes a cluster and waits until this machine is in it.
func (d *daemon) cluster(name string) string {
	d.t.Helper()
	_, err := d.client.CreateCluster(d.t.Context(), &ecs.CreateClusterInput{ClusterName: &name})
	if err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, 20*time.Second, "container instance in "+name, func(ctx context.Context) error {
		out, err := d.client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{name}})
		if err == nil && (len(out.Clusters) != 1 || out.Clusters[0].RegisteredContainerInstancesCount == 0) {
			err = fmt.Errorf("none: %s", show(out.Clusters))
		}
		return err
	})
	return name
}

// network asks EC2 for the default subnets, as a deploy script does.
func (d *daemon) network() *types.NetworkConfiguration {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "aws", "ec2", "describe-subnets", "--output", "json")
	cmd.Env = append(os.Environ(), d.env...)
	said, err := cmd.Output()
	var found struct{ Subnets []struct{ SubnetId string } }
	if err == nil {
		err = json.Unmarshal(said, &found)
	}
	if err != nil || len(found.Subnets) == 0 {
		d.t.Fatalf("aws ec2 describe-subnets: %v\n%s", err, said)
	}
	n := &types.AwsVpcConfiguration{}
	for _, s := range found.Subnets {
		n.Subnets = append(n.Subnets, s.SubnetId)
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: n}
}

// serve creates a service, for EC2 or, with a network, for FARGATE.
func (d *daemon) serve(cluster, name, def string, count int32, n *types.NetworkConfiguration) {
	d.t.Helper()
	in := &ecs.CreateServiceInput{
		Cluster: &cluster, ServiceName: &name, TaskDefinition: &def, DesiredCount: &count,
		LaunchType: types.LaunchTypeEc2, NetworkConfiguration: n,
	}
	if n != nil {
		in.LaunchType = types.LaunchTypeFargate
	}
	_, err := d.client.CreateService(d.t.Context(), in)
	if err != nil {
		d.t.Fatal(err)
	}
}

// run starts one task and returns its ARN.
func (d *daemon) run(in *ecs.RunTaskInput) string {
	d.t.Helper()
	out, err := d.client.RunTask(d.t.Context(), in)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(out.Tasks) != 1 {
		d.t.Fatalf("run-task: %s", show(out.Failures))
	}
	return *out.Tasks[0].TaskArn
}

// task describes one task.
func (d *daemon) task(ctx context.Context, cluster, arn string) (types.Task, error) {
	out, err := d.client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: []string{arn}})
	if err != nil {
		return types.Task{}, err
	}
	if len(out.Tasks) != 1 {
		return types.Task{}, fmt.Errorf("describe %s: %s", arn, show(out.Failures))
	}
	return out.Tasks[0], nil
}

// until waits for a task's lastStatus.
func (d *daemon) until(cluster, arn, status string, within time.Duration) types.Task {
	d.t.Helper()
	var last types.Task
	eventually(d.t, within, "task "+status, func(ctx context.Context) error {
		task, err := d.task(ctx, cluster, arn)
		if err != nil {
			return err
		}
		last = task
		if *task.LastStatus == status {
			return nil
		}
		if *task.LastStatus == "STOPPED" {
			d.t.Fatalf("task stopped instead of %s: %s", status, show(task))
		}
		return fmt.Errorf("is %s: %s", *task.LastStatus, aws.ToString(task.StoppedReason))
	})
	return last
}

// service describes one service.
func (d *daemon) service(ctx context.Context, cluster, name string) (types.Service, error) {
	out, err := d.client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
	if err != nil {
		return types.Service{}, err
	}
	if len(out.Services) != 1 {
		return types.Service{}, fmt.Errorf("describe %s: %s", name, show(out.Failures))
	}
	return out.Services[0], nil
}

// stable waits for what the services-stable waiter waits for, and for its containers to run by Docker's word.
func (d *daemon) stable(cluster, name string, within time.Duration) {
	d.t.Helper()
	eventually(d.t, within, "service "+name+" stable", func(ctx context.Context) error {
		s, err := d.service(ctx, cluster, name)
		if err == nil {
			err = steady(s)
		}
		if err == nil {
			return nil
		}
		stopped, _ := d.tasks(ctx, cluster, name, types.DesiredStatusStopped) // for the story only
		for _, task := range stopped {
			err = fmt.Errorf("%w\n  %s: %s", err, *task.TaskArn, aws.ToString(task.StoppedReason))
		}
		return err
	})
}

func steady(s types.Service) error {
	if len(s.Deployments) == 1 && s.RunningCount == s.DesiredCount && s.PendingCount == 0 {
		return nil
	}
	said := fmt.Sprintf("%s desired %d running %d pending %d", *s.ServiceName, s.DesiredCount, s.RunningCount, s.PendingCount)
	for i, e := range s.Events {
		if i < 8 {
			said += "\n  " + *e.Message
		}
	}
	return errors.New(said)
}

// tasks of a cluster with a desired status, of one service where one is named.
func (d *daemon) tasks(ctx context.Context, cluster, service string, status types.DesiredStatus) ([]types.Task, error) {
	in := &ecs.ListTasksInput{Cluster: &cluster, DesiredStatus: status}
	if service != "" {
		in.ServiceName = &service
	}
	var all []types.Task
	pages := ecs.NewListTasksPaginator(d.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		out, err := d.client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: page.TaskArns})
		if err != nil {
			return nil, err
		}
		all = append(all, out.Tasks...)
	}
	return all, nil
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

// answers fetches a URL: the error says whether something answered.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// refusal is the code of a modelled AWS fault, "" for anything else.
func refusal(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func show(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}
