//go:build e2e

package rig

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
func (d *Daemon) newClient() *ecs.Client {
	return d.ClientWith(d.Variable("AWS_ACCESS_KEY_ID"), d.Variable("AWS_SECRET_ACCESS_KEY"), "")
}

func (d *Daemon) ClientWith(id, secret, token string) *ecs.Client {
	return ecs.New(ecs.Options{
		BaseEndpoint: aws.String(d.URL), Region: d.Variable("AWS_DEFAULT_REGION"), Retryer: aws.NopRetryer{},
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

// Probe is a container that runs the probe with a command; memory is small, so that many fit.
func Probe(name string, command ...string) types.ContainerDefinition {
	return types.ContainerDefinition{
		Name: aws.String(name), Image: aws.String(Image()), Command: command, Memory: aws.Int32(16),
		Essential: aws.Bool(true),
	}
}

// Web answers on port 80 until it is told to end.
func Web() types.ContainerDefinition {
	c := Probe("main", "serve", "80")
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80)}}
	return c
}

func Definition(family string, containers ...types.ContainerDefinition) *ecs.RegisterTaskDefinitionInput {
	return &ecs.RegisterTaskDefinitionInput{Family: aws.String(family), ContainerDefinitions: containers}
}

// Fargate makes a definition one for FARGATE.
func Fargate(in *ecs.RegisterTaskDefinitionInput) *ecs.RegisterTaskDefinitionInput {
	in.NetworkMode = types.NetworkModeAwsvpc
	in.RequiresCompatibilities = []types.Compatibility{types.CompatibilityFargate, types.CompatibilityEc2}
	in.Cpu, in.Memory = aws.String("256"), aws.String("512")
	for i := range in.ContainerDefinitions {
		in.ContainerDefinitions[i].Memory = nil
	}
	return in
}

// Register registers a task definition and returns family:revision.
func (d *Daemon) Register(in *ecs.RegisterTaskDefinitionInput) string {
	d.T.Helper()
	out, err := d.Client.RegisterTaskDefinition(d.T.Context(), in)
	if err != nil {
		d.T.Fatal(err)
	}
	return fmt.Sprintf("%s:%d", *out.TaskDefinition.Family, out.TaskDefinition.Revision)
}

// Cluster makes a cluster and waits until this machine is in it.
func (d *Daemon) Cluster(name string) string {
	d.T.Helper()
	_, err := d.Client.CreateCluster(d.T.Context(), &ecs.CreateClusterInput{ClusterName: &name})
	if err != nil {
		d.T.Fatal(err)
	}
	Eventually(d.T, 20*time.Second, "container instance in "+name, func(ctx context.Context) error {
		out, err := d.Client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{name}})
		if err == nil && (len(out.Clusters) != 1 || out.Clusters[0].RegisteredContainerInstancesCount == 0) {
			err = fmt.Errorf("none: %s", Show(out.Clusters))
		}
		return err
	})
	return name
}

// Network asks EC2 for the default subnets, as a deploy script does.
func (d *Daemon) Network() *types.NetworkConfiguration {
	d.T.Helper()
	cmd := exec.CommandContext(d.T.Context(), "aws", "ec2", "describe-subnets", "--output", "json")
	cmd.Env = append(os.Environ(), d.Env...)
	said, err := cmd.Output()
	var found struct{ Subnets []struct{ SubnetId string } }
	if err == nil {
		err = json.Unmarshal(said, &found)
	}
	if err != nil || len(found.Subnets) == 0 {
		d.T.Fatalf("aws ec2 describe-subnets: %v\n%s", err, said)
	}
	n := &types.AwsVpcConfiguration{}
	for _, s := range found.Subnets {
		n.Subnets = append(n.Subnets, s.SubnetId)
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: n}
}

// Serve creates a service, for EC2 or, with a network, for FARGATE.
func (d *Daemon) Serve(cluster, name, def string, count int32, n *types.NetworkConfiguration) {
	d.T.Helper()
	in := &ecs.CreateServiceInput{
		Cluster: &cluster, ServiceName: &name, TaskDefinition: &def, DesiredCount: &count,
		LaunchType: types.LaunchTypeEc2, NetworkConfiguration: n,
	}
	if n != nil {
		in.LaunchType = types.LaunchTypeFargate
	}
	_, err := d.Client.CreateService(d.T.Context(), in)
	if err != nil {
		d.T.Fatal(err)
	}
}

// Run starts one task and returns its ARN.
func (d *Daemon) Run(in *ecs.RunTaskInput) string {
	d.T.Helper()
	out, err := d.Client.RunTask(d.T.Context(), in)
	if err != nil {
		d.T.Fatal(err)
	}
	if len(out.Tasks) != 1 {
		d.T.Fatalf("run-task: %s", Show(out.Failures))
	}
	return *out.Tasks[0].TaskArn
}

// Task describes one task.
func (d *Daemon) Task(ctx context.Context, cluster, arn string) (types.Task, error) {
	out, err := d.Client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: []string{arn}})
	if err != nil {
		return types.Task{}, err
	}
	if len(out.Tasks) != 1 {
		return types.Task{}, fmt.Errorf("describe %s: %s", arn, Show(out.Failures))
	}
	return out.Tasks[0], nil
}

// Until waits for a task's lastStatus.
func (d *Daemon) Until(cluster, arn, status string, within time.Duration) types.Task {
	d.T.Helper()
	var last types.Task
	Eventually(d.T, within, "task "+status, func(ctx context.Context) error {
		task, err := d.Task(ctx, cluster, arn)
		if err != nil {
			return err
		}
		last = task
		if *task.LastStatus == status {
			return nil
		}
		if *task.LastStatus == "STOPPED" {
			d.T.Fatalf("task stopped instead of %s: %s", status, Show(task))
		}
		return fmt.Errorf("is %s: %s", *task.LastStatus, aws.ToString(task.StoppedReason))
	})
	return last
}

// Service describes one service.
func (d *Daemon) Service(ctx context.Context, cluster, name string) (types.Service, error) {
	out, err := d.Client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
	if err != nil {
		return types.Service{}, err
	}
	if len(out.Services) != 1 {
		return types.Service{}, fmt.Errorf("describe %s: %s", name, Show(out.Failures))
	}
	return out.Services[0], nil
}

// Stable waits for what the services-stable waiter waits for, and for its containers to run by Docker's word.
func (d *Daemon) Stable(cluster, name string, within time.Duration) {
	d.T.Helper()
	Eventually(d.T, within, "service "+name+" stable", func(ctx context.Context) error {
		s, err := d.Service(ctx, cluster, name)
		if err == nil {
			err = Steady(s)
		}
		if err == nil {
			return nil
		}
		stopped, _ := d.Tasks(ctx, cluster, name, types.DesiredStatusStopped) // for the story only
		for _, task := range stopped {
			err = fmt.Errorf("%w\n  %s: %s", err, *task.TaskArn, aws.ToString(task.StoppedReason))
		}
		return err
	})
}

func Steady(s types.Service) error {
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

// Tasks of a cluster with a desired status, of one service where one is named.
func (d *Daemon) Tasks(ctx context.Context, cluster, service string, status types.DesiredStatus) ([]types.Task, error) {
	in := &ecs.ListTasksInput{Cluster: &cluster, DesiredStatus: status}
	if service != "" {
		in.ServiceName = &service
	}
	var all []types.Task
	pages := ecs.NewListTasksPaginator(d.Client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		out, err := d.Client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: page.TaskArns})
		if err != nil {
			return nil, err
		}
		all = append(all, out.Tasks...)
	}
	return all, nil
}

// IP of a task with an interface of its own.
func IP(task types.Task) string {
	for _, a := range task.Attachments {
		for _, kv := range a.Details {
			if aws.ToString(kv.Name) == "privateIPv4Address" {
				return aws.ToString(kv.Value)
			}
		}
	}
	return ""
}

// Answers fetches a URL: the error says whether something answered.
func Answers(ctx context.Context, url string) error {
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

// Refusal is the code of a modelled AWS fault, "" for anything else.
func Refusal(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func Show(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}

// Addresses of a service's tasks.
func (d *Daemon) Addresses(cluster, service string) []string {
	d.T.Helper()
	tasks, err := d.Tasks(d.T.Context(), cluster, service, types.DesiredStatusRunning)
	if err != nil {
		d.T.Fatal(err)
	}
	var out []string
	for _, task := range tasks {
		out = append(out, IP(task))
	}
	return out
}

// WithVolume gives the first container a volume that ends with its task.
func WithVolume(in *ecs.RegisterTaskDefinitionInput) *ecs.RegisterTaskDefinitionInput {
	in.Volumes = []types.Volume{{Name: aws.String("scratch"), DockerVolumeConfiguration: &types.DockerVolumeConfiguration{
		Scope: types.ScopeTask, Driver: aws.String("local")}}}
	in.ContainerDefinitions[0].MountPoints = []types.MountPoint{{
		SourceVolume: aws.String("scratch"), ContainerPath: aws.String("/scratch")}}
	return in
}
