//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// tour is what the steps of the SDK's round share.
type tour struct {
	*testing.T
	d *daemon
	c *ecs.Client
}

// driveSDK calls every operation that is served through the Go SDK, whose decoder is stricter than the other clients'.
func driveSDK(t *testing.T) {
	d := startDaemon(t)
	d.cluster(t, "tour")
	steps := []struct {
		name string
		run  func(*tour)
	}{
		{"clusters", (*tour).clusters},
		{"capacity providers", (*tour).providers},
		{"task definitions", (*tour).definitions},
		{"container instances and attributes", (*tour).instances},
		{"tasks", (*tour).tasks},
		{"services and deployments", (*tour).services},
		{"tags", (*tour).tags},
		{"account settings", (*tour).settings},
		{"what is not served says so", (*tour).unserved},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) { s.run(&tour{t, d, d.ecs()}) })
	}
}

// ok fails the step for an error, and shows what was wrong with an answer.
func (t *tour) ok(err error, right bool, answer any) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !right {
		t.Errorf("wrong: %s", rig.Show(answer))
	}
}

func (t *tour) clusters() {
	ctx := t.Context()
	made, err := t.c.CreateCluster(ctx, &ecs.CreateClusterInput{
		ClusterName: aws.String("round"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	t.ok(err, aws.ToString(made.Cluster.Status) == "ACTIVE" && len(made.Cluster.Tags) == 1, made)
	settings, err := t.c.UpdateClusterSettings(ctx, &ecs.UpdateClusterSettingsInput{
		Cluster: aws.String("round"), Settings: []types.ClusterSetting{{
			Name: types.ClusterSettingNameContainerInsights, Value: aws.String("enhanced")}}})
	t.ok(err, aws.ToString(settings.Cluster.Settings[0].Value) == "enhanced", settings)
	updated, err := t.c.UpdateCluster(ctx, &ecs.UpdateClusterInput{
		Cluster: aws.String("round"), Configuration: &types.ClusterConfiguration{
			ExecuteCommandConfiguration: &types.ExecuteCommandConfiguration{Logging: types.ExecuteCommandLoggingNone}}})
	t.ok(err, updated.Cluster.Configuration != nil, updated)
	list, err := t.c.ListClusters(ctx, &ecs.ListClustersInput{MaxResults: aws.Int32(1)})
	t.ok(err, len(list.ClusterArns) == 1 && list.NextToken != nil, list)
	gone, err := t.c.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: aws.String("round")})
	t.ok(err, aws.ToString(gone.Cluster.Status) == "INACTIVE", gone)
	_, err = t.c.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("round")})
	var missing *types.ClusterNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("want ClusterNotFoundException, got %v", err)
	}
}

func (t *tour) providers() {
	ctx := t.Context()
	list, err := t.c.DescribeCapacityProviders(ctx, &ecs.DescribeCapacityProvidersInput{})
	t.ok(err, len(list.CapacityProviders) >= 2, list)
	put, err := t.c.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{
		Cluster: aws.String("tour"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{
			{CapacityProvider: aws.String("FARGATE"), Base: 1, Weight: 1}}})
	t.ok(err, len(put.Cluster.CapacityProviders) == 2, put)
	put, err = t.c.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{
		Cluster: aws.String("tour"), CapacityProviders: []string{},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{}})
	t.ok(err, len(put.Cluster.CapacityProviders) == 0, put)
}

func (t *tour) definitions() {
	ctx := t.Context()
	for range 2 {
		t.d.register(t.T, rig.Definition("tour", rig.Probe("main")))
	}
	t.d.register(t.T, rig.Definition("tourist", rig.Probe("main")))
	found, err := t.c.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{
		TaskDefinition: aws.String("tour"), Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}})
	t.ok(err, found.TaskDefinition.Revision == 2, found)
	families, err := t.c.ListTaskDefinitionFamilies(ctx, &ecs.ListTaskDefinitionFamiliesInput{FamilyPrefix: aws.String("tour")})
	t.ok(err, slices.Equal(families.Families, []string{"tour", "tourist"}), families)
	gone, err := t.c.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("tour:1")})
	t.ok(err, gone.TaskDefinition.Status == types.TaskDefinitionStatusInactive, gone)
	inactive, err := t.c.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{
		FamilyPrefix: aws.String("tour"), Status: types.TaskDefinitionStatusInactive})
	t.ok(err, len(inactive.TaskDefinitionArns) == 1, inactive)
	deleted, err := t.c.DeleteTaskDefinitions(ctx, &ecs.DeleteTaskDefinitionsInput{TaskDefinitions: []string{"tour:1"}})
	t.ok(err, len(deleted.TaskDefinitions) == 1 && len(deleted.Failures) == 0, deleted)
}

func (t *tour) instances() {
	ctx, cluster := t.Context(), aws.String("tour")
	list, err := t.c.ListContainerInstances(ctx, &ecs.ListContainerInstancesInput{Cluster: cluster})
	t.ok(err, len(list.ContainerInstanceArns) == 1, list)
	found, err := t.c.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{
		Cluster: cluster, ContainerInstances: list.ContainerInstanceArns})
	t.ok(err, len(found.ContainerInstances) == 1 && found.ContainerInstances[0].AgentConnected &&
		len(found.ContainerInstances[0].RemainingResources) > 0, found)
	arn := list.ContainerInstanceArns[0]
	rack := []types.Attribute{{Name: aws.String("rack"), Value: aws.String("r1"), TargetId: &arn}}
	put, err := t.c.PutAttributes(ctx, &ecs.PutAttributesInput{Cluster: cluster, Attributes: rack})
	t.ok(err, len(put.Attributes) == 1, put)
	listed, err := t.c.ListAttributes(ctx, &ecs.ListAttributesInput{
		Cluster: cluster, TargetType: types.TargetTypeContainerInstance, AttributeName: aws.String("rack")})
	t.ok(err, len(listed.Attributes) == 1 && aws.ToString(listed.Attributes[0].Value) == "r1", listed)
	deleted, err := t.c.DeleteAttributes(ctx, &ecs.DeleteAttributesInput{Cluster: cluster, Attributes: rack})
	t.ok(err, len(deleted.Attributes) == 1, deleted)
	for _, status := range []types.ContainerInstanceStatus{
		types.ContainerInstanceStatusDraining, types.ContainerInstanceStatusActive,
	} {
		out, err := t.c.UpdateContainerInstancesState(ctx, &ecs.UpdateContainerInstancesStateInput{
			Cluster: cluster, ContainerInstances: []string{arn}, Status: status})
		t.ok(err, len(out.ContainerInstances) == 1 && *out.ContainerInstances[0].Status == string(status), out)
	}
}

func (t *tour) tasks() {
	ctx, cluster := t.Context(), aws.String("tour")
	in := &ecs.RunTaskInput{Cluster: cluster, TaskDefinition: aws.String("tourist"), LaunchType: types.LaunchTypeEc2,
		ClientToken: aws.String("once")}
	first, err := t.c.RunTask(ctx, in)
	t.ok(err, len(first.Tasks) == 1, first)
	again, err := t.c.RunTask(ctx, in)
	t.ok(err, len(again.Tasks) == 1 && *again.Tasks[0].TaskArn == *first.Tasks[0].TaskArn, again)
	in.Count = aws.Int32(2)
	_, err = t.c.RunTask(ctx, in)
	var conflict *types.ConflictException
	if !errors.As(err, &conflict) || len(conflict.ResourceIds) != 1 {
		t.Errorf("the token again, for another call: %v", err)
	}
	list, err := t.c.ListContainerInstances(ctx, &ecs.ListContainerInstancesInput{Cluster: cluster})
	t.ok(err, len(list.ContainerInstanceArns) == 1, list)
	started, err := t.c.StartTask(ctx, &ecs.StartTaskInput{
		Cluster: cluster, TaskDefinition: aws.String("tourist"), ContainerInstances: list.ContainerInstanceArns})
	t.ok(err, len(started.Tasks) == 1, started)
	for _, arn := range []string{*first.Tasks[0].TaskArn, *started.Tasks[0].TaskArn} {
		t.d.until(t.T, "tour", arn, "RUNNING", 15*time.Second)
		stopped, err := t.c.StopTask(ctx, &ecs.StopTaskInput{Cluster: cluster, Task: &arn})
		t.ok(err, aws.ToString(stopped.Task.DesiredStatus) == "STOPPED", stopped)
		t.d.until(t.T, "tour", arn, "STOPPED", 15*time.Second)
	}
	out, err := t.c.UpdateTaskProtection(ctx, &ecs.UpdateTaskProtectionInput{
		Cluster: cluster, Tasks: []string{*first.Tasks[0].TaskArn}, ProtectionEnabled: true})
	t.ok(err, len(out.Failures) == 1 && len(out.ProtectedTasks) == 0, out)
}

func (t *tour) services() {
	ctx, cluster := t.Context(), aws.String("tour")
	t.d.serve(t.T, "tour", "round", "tourist", 1)
	list, err := t.c.ListServices(ctx, &ecs.ListServicesInput{Cluster: cluster})
	t.ok(err, len(list.ServiceArns) == 1, list)
	task := t.d.tasks(t.T, "tour", "round", types.DesiredStatusRunning)[0]
	protected, err := t.c.UpdateTaskProtection(ctx, &ecs.UpdateTaskProtectionInput{
		Cluster: cluster, Tasks: []string{*task.TaskArn}, ProtectionEnabled: true})
	t.ok(err, len(protected.ProtectedTasks) == 1, protected)
	protection, err := t.c.GetTaskProtection(ctx, &ecs.GetTaskProtectionInput{Cluster: cluster, Tasks: []string{*task.TaskArn}})
	t.ok(err, len(protection.ProtectedTasks) == 1 && protection.ProtectedTasks[0].ProtectionEnabled, protection)
	_, err = t.c.UpdateTaskProtection(ctx, &ecs.UpdateTaskProtectionInput{
		Cluster: cluster, Tasks: []string{*task.TaskArn}, ProtectionEnabled: false})
	t.ok(err, true, nil)
	t.deployments(list.ServiceArns[0])
	t.d.unserve(t.T, "tour", "round")
}

// deployments looks at the story of the service, and stops one that cannot end.
func (t *tour) deployments(service string) {
	ctx, cluster := t.Context(), aws.String("tour")
	list, err := t.c.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: cluster, Service: &service})
	t.ok(err, len(list.ServiceDeployments) == 1 && list.ServiceDeployments[0].Status == types.ServiceDeploymentStatusSuccessful, list)
	brief := list.ServiceDeployments[0]
	story, err := t.c.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{
		ServiceDeploymentArns: []string{*brief.ServiceDeploymentArn}})
	t.ok(err, len(story.ServiceDeployments) == 1, story)
	revisions, err := t.c.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{
		ServiceRevisionArns: []string{*brief.TargetServiceRevisionArn}})
	t.ok(err, len(revisions.ServiceRevisions) == 1 && revisions.ServiceRevisions[0].TaskDefinition != nil, revisions)
	_, err = t.c.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: brief.ServiceDeploymentArn})
	var over *types.ConflictException
	if !errors.As(err, &over) {
		t.Errorf("a deployment that is over was stopped: %v", err)
	}
	_, err = t.c.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: cluster, Service: &service, ForceNewDeployment: true,
		DeploymentConfiguration: &types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(100), MaximumPercent: aws.Int32(101)}})
	t.ok(err, true, nil)
	list, err = t.c.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: cluster, Service: &service,
		Status: []types.ServiceDeploymentStatus{types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress}})
	t.ok(err, len(list.ServiceDeployments) == 1, list)
	stopped, err := t.c.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{
		ServiceDeploymentArn: list.ServiceDeployments[0].ServiceDeploymentArn, StopType: types.StopServiceDeploymentStopTypeRollback})
	t.ok(err, stopped.ServiceDeploymentArn != nil, stopped)
	rig.Eventually(t, 20*time.Second, "rollback", func(ctx context.Context) error {
		out, err := t.c.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{
			ServiceDeploymentArns: []string{*stopped.ServiceDeploymentArn}})
		if err == nil && out.ServiceDeployments[0].Status != types.ServiceDeploymentStatusRollbackSuccessful {
			err = fmt.Errorf("is %s", out.ServiceDeployments[0].Status)
		}
		return err
	})
}

func (t *tour) tags() {
	ctx := t.Context()
	found, err := t.c.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"tour"}})
	t.ok(err, len(found.Clusters) == 1, found)
	arn := found.Clusters[0].ClusterArn
	_, err = t.c.TagResource(ctx, &ecs.TagResourceInput{
		ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}})
	t.ok(err, true, nil)
	_, err = t.c.UntagResource(ctx, &ecs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
	t.ok(err, true, nil)
	list, err := t.c.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: arn})
	t.ok(err, len(list.Tags) == 1 && *list.Tags[0].Key == "b", list)
}

func (t *tour) settings() {
	ctx, name := t.Context(), types.SettingNameContainerInsights
	put, err := t.c.PutAccountSetting(ctx, &ecs.PutAccountSettingInput{Name: name, Value: aws.String("enabled")})
	t.ok(err, put.Setting.Name == name, put)
	_, err = t.c.PutAccountSettingDefault(ctx, &ecs.PutAccountSettingDefaultInput{Name: name, Value: aws.String("disabled")})
	t.ok(err, true, nil)
	list, err := t.c.ListAccountSettings(ctx, &ecs.ListAccountSettingsInput{Name: name, EffectiveSettings: true})
	t.ok(err, len(list.Settings) == 1, list)
	gone, err := t.c.DeleteAccountSetting(ctx, &ecs.DeleteAccountSettingInput{Name: name})
	t.ok(err, gone.Setting != nil, gone)
}

func (t *tour) unserved() {
	ctx, cluster := t.Context(), aws.String("tour")
	_, err := t.c.ExecuteCommand(ctx, &ecs.ExecuteCommandInput{
		Cluster: cluster, Command: aws.String("sh"), Interactive: true, Task: aws.String("0123456789abcdef0123456789abcdef")})
	if err == nil {
		t.Error("ExecuteCommand was accepted")
	}
	_, err = t.c.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: cluster, ServiceName: aws.String("lb"), TaskDefinition: aws.String("tourist"), DesiredCount: aws.Int32(1),
		LoadBalancers: []types.LoadBalancer{{ContainerName: aws.String("main"), ContainerPort: aws.Int32(80),
			TargetGroupArn: aws.String("arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/0123456789abcdef")}}})
	if err == nil {
		t.Error("a service with a load balancer was accepted")
	}
}
