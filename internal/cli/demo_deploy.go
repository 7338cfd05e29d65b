package cli

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"longshore/internal/gen/ecswire"
	"longshore/internal/gen/logswire"
)

// prepare makes the cluster and the log group; both may be there already.
func (d *demo) prepare(ctx context.Context) error {
	var made ecswire.CreateClusterResponse
	err := d.api.ecs(ctx, "CreateCluster", ecswire.CreateClusterRequest{ClusterName: ptr(demoCluster)}, &made)
	if err != nil {
		return err
	}
	if made.Cluster != nil {
		d.account = accountOf(val(made.Cluster.ClusterArn))
	}
	err = d.api.logs(ctx, "CreateLogGroup", logswire.CreateLogGroupRequest{LogGroupName: ptr(demoGroup)}, nil)
	if err != nil && !refusedWith(err, "ResourceAlreadyExistsException") {
		return err
	}
	return d.screen.print(d.ok("cluster", demoCluster), d.ok("log group", demoGroup))
}

// accountOf is the fifth part of an ARN.
func accountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

// register writes the next revision; each run of the demo is a new version to roll out.
func (d *demo) register(ctx context.Context, image demoImage) (*ecswire.TaskDefinition, error) {
	version, err := d.nextVersion(ctx)
	if err != nil {
		return nil, err
	}
	in := ecswire.RegisterTaskDefinitionRequest{
		Family: ptr(demoFamily), NetworkMode: ptr("awsvpc"), RequiresCompatibilities: []string{"FARGATE"},
		Cpu: ptr("256"), Memory: ptr("512"),
		ContainerDefinitions: []ecswire.ContainerDefinition{{
			Name: ptr("web"), Image: ptr(image.ref), Essential: ptr(true),
			PortMappings: []ecswire.PortMapping{{ContainerPort: ptr(int32(demoPort)), Protocol: ptr("tcp")}},
			Environment:  []ecswire.KeyValuePair{{Name: ptr("VERSION"), Value: ptr(strconv.Itoa(version))}},
			HealthCheck: &ecswire.HealthCheck{
				Command:  []string{"CMD", "/longshore", "demo-web", "--check"},
				Interval: ptr(int32(5)), Timeout: ptr(int32(3)), Retries: ptr(int32(3)),
			},
			LogConfiguration: &ecswire.LogConfiguration{LogDriver: ptr("awslogs"), Options: map[string]string{
				"awslogs-group": demoGroup, "awslogs-region": d.api.region, "awslogs-stream-prefix": "ecs",
			}},
		}},
	}
	if d.vpc {
		// FARGATE asks for an execution role wherever awslogs is used (API_LogConfiguration).
		in.ExecutionRoleArn = ptr("arn:aws:iam::" + d.account + ":role/ecsTaskExecutionRole")
	} else {
		in.NetworkMode, in.RequiresCompatibilities = ptr("bridge"), []string{"EC2"}
		in.Cpu, in.Memory = ptr("128"), ptr("128")
	}
	var out ecswire.RegisterTaskDefinitionResponse
	err = d.api.ecs(ctx, "RegisterTaskDefinition", in, &out)
	if err != nil {
		return nil, err
	}
	t := out.TaskDefinition
	if t == nil {
		return nil, errors.New("RegisterTaskDefinition answered without a task definition; is it Longshore that listens there?")
	}
	return t, d.screen.print(d.ok("task definition", fmt.Sprintf("%s:%d, %s, %s CPU units, %s MiB",
		val(t.Family), val(t.Revision), in.RequiresCompatibilities[0], val(t.Cpu), val(t.Memory))))
}

// nextVersion counts revisions, so that pages of two rollouts differ.
func (d *demo) nextVersion(ctx context.Context) (int, error) {
	var out ecswire.DescribeTaskDefinitionResponse
	err := d.api.ecs(ctx, "DescribeTaskDefinition",
		ecswire.DescribeTaskDefinitionRequest{TaskDefinition: ptr(demoFamily)}, &out)
	if refusedWith(err, "ClientException") {
		return 1, nil // no such family yet
	}
	if err != nil {
		return 0, err
	}
	if out.TaskDefinition == nil {
		return 1, nil
	}
	return int(val(out.TaskDefinition.Revision)) + 1, nil
}

// deploy creates the service, or gives it the new revision.
func (d *demo) deploy(ctx context.Context, t *ecswire.TaskDefinition) error {
	var found ecswire.DescribeServicesResponse
	err := d.api.ecs(ctx, "DescribeServices",
		ecswire.DescribeServicesRequest{Cluster: ptr(demoCluster), Services: []string{demoService}}, &found)
	if err != nil {
		return err
	}
	launch, network, where, err := d.placement(ctx)
	if err != nil {
		return err
	}
	for _, s := range found.Services {
		if val(s.Status) != "ACTIVE" {
			continue
		}
		err = d.api.ecs(ctx, "UpdateService", ecswire.UpdateServiceRequest{
			Cluster: ptr(demoCluster), Service: ptr(demoService), TaskDefinition: t.TaskDefinitionArn,
			NetworkConfiguration: network}, nil)
		if err != nil {
			return err
		}
		return d.screen.print(d.ok("service", fmt.Sprintf("%s goes to %s", demoService, last(val(t.TaskDefinitionArn)))))
	}
	err = d.api.ecs(ctx, "CreateService", ecswire.CreateServiceRequest{
		Cluster: ptr(demoCluster), ServiceName: ptr(demoService), TaskDefinition: t.TaskDefinitionArn,
		DesiredCount: ptr(int32(demoTasks)), LaunchType: &launch, NetworkConfiguration: network,
		DeploymentConfiguration: &ecswire.DeploymentConfiguration{
			DeploymentCircuitBreaker: &ecswire.DeploymentCircuitBreaker{
				Enable: ptr(true), Rollback: ptr(true)}},
	}, nil)
	if err != nil {
		return err
	}
	return d.screen.print(d.ok("service", fmt.Sprintf("%s, %d tasks %s", demoService, demoTasks, where)))
}

// placement is where the tasks go: every default subnet, or the host's own ports where awsvpc is off.
func (d *demo) placement(ctx context.Context) (string, *ecswire.NetworkConfiguration, string, error) {
	if !d.vpc {
		return "EC2", nil, "on ports of this machine", nil
	}
	subnets, err := d.api.defaultSubnets(ctx)
	if err != nil {
		return "", nil, "", err
	}
	if len(subnets) == 0 {
		return "", nil, "", errors.New("there is no default subnet in region " + d.api.region +
			": aws ec2 describe-subnets shows what there is")
	}
	where := fmt.Sprintf("over %d availability zones", len(subnets))
	return "FARGATE", &ecswire.NetworkConfiguration{
		AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{Subnets: subnets}}, where, nil
}

// defaultSubnets speaks ec2Query, the one protocol of EC2.
func (c *client) defaultSubnets(ctx context.Context) ([]string, error) {
	form := url.Values{
		"Action": {"DescribeSubnets"}, "Version": {"2016-11-15"},
		"Filter.1.Name": {"default-for-az"}, "Filter.1.Value.1": {"true"},
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	status, answer, err := c.post(ctx, "ec2", header, []byte(form.Encode()))
	if err != nil {
		return nil, err
	}
	var body struct {
		Subnets []string `xml:"subnetSet>item>subnetId"`
		Errors  []struct {
			Code    string `xml:"Code"`
			Message string `xml:"Message"`
		} `xml:"Errors>Error"`
	}
	err = xml.Unmarshal(answer, &body)
	if err == nil && len(body.Errors) > 0 {
		return nil, &apiError{op: "DescribeSubnets", code: body.Errors[0].Code, message: body.Errors[0].Message}
	}
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("DescribeSubnets: the daemon answered with status %d: %s", status, firstLine(answer))
	}
	return body.Subnets, nil
}
