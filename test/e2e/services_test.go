//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// keepServices disturbs services and expects what was promised of them.
func keepServices(t *testing.T) {
	d := startDaemon(t)
	d.cluster(t, "keep")
	tests := []struct {
		name string
		run  func(*testing.T, *daemon)
	}{
		{"ports chosen by the host answer, and an update leaves no gap", updateWithoutGap},
		{"a container that dies is replaced within seconds", replaceDead},
		{"an unhealthy task is replaced", replaceUnhealthy},
		{"a bad image is rolled back", rollBack},
		{"a daemon service runs once on every machine", runEverywhere},
		{"scaling follows desiredCount", scale},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, d) })
	}
}

// serve creates a service and waits until it is stable.
func (d *daemon) serve(t *testing.T, cluster, name, def string, count int32, change ...func(*ecs.CreateServiceInput)) {
	t.Helper()
	in := &ecs.CreateServiceInput{
		Cluster: &cluster, ServiceName: &name, TaskDefinition: &def, DesiredCount: &count,
		LaunchType: types.LaunchTypeEc2,
	}
	for _, c := range change {
		c(in)
	}
	_, err := d.ecs().CreateService(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	d.stable(t, cluster, name, 40*time.Second)
}

// unserve deletes a service and waits until its tasks are gone.
func (d *daemon) unserve(t *testing.T, cluster, name string) {
	t.Helper()
	_, err := d.ecs().DeleteService(t.Context(), &ecs.DeleteServiceInput{
		Cluster: &cluster, Service: &name, Force: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	rig.Eventually(t, 40*time.Second, "service "+name+" INACTIVE", func(ctx context.Context) error {
		s, err := d.service(ctx, cluster, name)
		if err == nil && *s.Status != "INACTIVE" {
			err = errors.New(*s.Status + " " + story(s))
		}
		return err
	})
}

// web is a small web server on a port that the host chooses; it says its version.
func web(version string) types.ContainerDefinition {
	c := rig.Probe("web", "serve", "80")
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80)}}
	c.Environment = []types.KeyValuePair{{Name: aws.String("VERSION"), Value: &version}}
	return c
}

// addressOf is where a bridge task's port answers.
func addressOf(task types.Task) (string, error) {
	for _, c := range task.Containers {
		for _, b := range c.NetworkBindings {
			return fmt.Sprintf("http://127.0.0.1:%d/", *b.HostPort), nil
		}
	}
	return "", fmt.Errorf("task has no network binding: %s", rig.Show(task))
}

func updateWithoutGap(t *testing.T, d *daemon) {
	def := d.register(t, rig.Definition("web", web("one")))
	d.serve(t, "keep", "web", def, 2)
	old := d.tasks(t, "keep", "web", types.DesiredStatusRunning)
	for _, task := range old {
		url, err := addressOf(task)
		if err != nil {
			t.Fatal(err)
		}
		body, err := answers(t.Context(), url)
		if err != nil || !strings.Contains(body, "one") {
			t.Errorf("%s says %q, %v", url, body, err)
		}
	}
	next := d.register(t, rig.Definition("web", web("two")))
	_, err := d.ecs().UpdateService(t.Context(), &ecs.UpdateServiceInput{
		Cluster: aws.String("keep"), Service: aws.String("web"), TaskDefinition: &next,
		DeploymentConfiguration: &types.DeploymentConfiguration{
			MinimumHealthyPercent: aws.Int32(100), MaximumPercent: aws.Int32(150)},
	})
	if err != nil {
		t.Fatal(err)
	}
	gap := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { gap <- d.watchGap(ctx, "web", 2, 3) }()
	d.stable(t, "keep", "web", 40*time.Second)
	cancel()
	err = <-gap
	if err != nil {
		t.Error(err)
	}
	for _, task := range d.tasks(t, "keep", "web", types.DesiredStatusRunning) {
		if !strings.HasSuffix(*task.TaskDefinitionArn, "/"+next) {
			t.Errorf("a task of the old definition runs: %s", *task.TaskArn)
		}
	}
	for _, task := range old {
		stopped := d.until(t, "keep", *task.TaskArn, "STOPPED", 5*time.Second)
		wantStop(t, stopped, types.TaskStopCodeServiceSchedulerInitiated, "Scaling activity initiated by (deployment ecs-svc/")
	}
	d.unserve(t, "keep", "web")
}

// watchGap asks Docker itself how many containers of the family run: never fewer than low, never more than high.
func (d *daemon) watchGap(ctx context.Context, family string, low, high int) error {
	label := "com.amazonaws.ecs.task-definition-family=" + family
	for ctx.Err() == nil {
		found, err := d.Engine.Containers(ctx, label)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		running := 0
		for _, c := range found {
			if c.State == "running" && c.Labels["longshore.installation"] == d.ID {
				running++
			}
		}
		if running < low || running > high {
			return fmt.Errorf("%d containers of %s run, promised were %d to %d", running, family, low, high)
		}
		rig.Pause(ctx, 20*time.Millisecond)
	}
	return nil
}

func replaceDead(t *testing.T, d *daemon) {
	d.serve(t, "keep", "mortal", d.register(t, rig.Definition("mortal", rig.Probe("main"))), 2)
	for _, end := range []func(context.Context, string) error{d.killed, d.Engine.Remove} {
		victim := d.tasks(t, "keep", "mortal", types.DesiredStatusRunning)[0]
		err := end(t.Context(), *victim.Containers[0].RuntimeId)
		if err != nil {
			t.Fatal(err)
		}
		rig.Eventually(t, 10*time.Second, "replacement", func(ctx context.Context) error {
			tasks, err := d.listTasks(ctx, "keep", "mortal", types.DesiredStatusRunning)
			if err != nil {
				return err
			}
			running := 0
			for _, task := range tasks {
				if *task.LastStatus == "RUNNING" && *task.TaskArn != *victim.TaskArn {
					running++
				}
			}
			if running != 2 {
				return fmt.Errorf("%d other tasks run", running)
			}
			return nil
		})
		task := d.until(t, "keep", *victim.TaskArn, "STOPPED", 5*time.Second)
		wantExit(t, task.Containers[0], 137)
	}
	d.unserve(t, "keep", "mortal")
}

func replaceUnhealthy(t *testing.T, d *daemon) {
	c := web("sickly")
	c.HealthCheck = &types.HealthCheck{
		Command:  []string{"CMD", "/probe", "get", "http://127.0.0.1:80/health"},
		Interval: aws.Int32(5), Timeout: aws.Int32(2), Retries: aws.Int32(1),
	}
	d.serve(t, "keep", "sickly", d.register(t, rig.Definition("sickly", c)), 1)
	victim := d.tasks(t, "keep", "sickly", types.DesiredStatusRunning)[0]
	url, err := addressOf(victim)
	if err != nil {
		t.Fatal(err)
	}
	_, err = answers(t.Context(), url+"sick")
	if err != nil {
		t.Fatal(err)
	}
	stopped := d.until(t, "keep", *victim.TaskArn, "STOPPED", 40*time.Second)
	wantStop(t, stopped, types.TaskStopCodeServiceSchedulerInitiated, "Task failed container health checks")
	d.stable(t, "keep", "sickly", 40*time.Second)
	d.unserve(t, "keep", "sickly")
}

func rollBack(t *testing.T, d *daemon) {
	breaker := &types.DeploymentConfiguration{
		DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}}
	good := d.register(t, rig.Definition("fragile", rig.Probe("main")))
	d.serve(t, "keep", "fragile", good, 1, func(in *ecs.CreateServiceInput) { in.DeploymentConfiguration = breaker })
	before := d.tasks(t, "keep", "fragile", types.DesiredStatusRunning)
	c := rig.Probe("main")
	c.Image = aws.String("127.0.0.1:9/longshore-e2e/absent:2")
	bad := d.register(t, rig.Definition("fragile", c))
	_, err := d.ecs().UpdateService(t.Context(), &ecs.UpdateServiceInput{
		Cluster: aws.String("keep"), Service: aws.String("fragile"), TaskDefinition: &bad})
	if err != nil {
		t.Fatal(err)
	}
	rig.Eventually(t, time.Minute, "rollback", func(ctx context.Context) error {
		s, err := d.service(ctx, "keep", "fragile")
		if err != nil {
			return err
		}
		said := ""
		for _, e := range s.Events {
			said += *e.Message + "\n"
		}
		if !strings.HasSuffix(*s.TaskDefinition, "/"+good) || len(s.Deployments) != 1 ||
			!strings.Contains(said, "deployment failed: tasks failed to start.") ||
			!strings.Contains(said, "(service fragile) rolling back to deployment ecs-svc/") {
			return errors.New(story(s))
		}
		return nil
	})
	d.stable(t, "keep", "fragile", 20*time.Second)
	after := d.tasks(t, "keep", "fragile", types.DesiredStatusRunning)
	if len(after) != 1 || *after[0].TaskArn != *before[0].TaskArn {
		t.Errorf("the healthy task did not outlive the failed deployment: %s", rig.Show(after))
	}
	list, err := d.ecs().ListServiceDeployments(t.Context(), &ecs.ListServiceDeploymentsInput{
		Cluster: aws.String("keep"), Service: aws.String("fragile")})
	if err != nil || !slices.ContainsFunc(list.ServiceDeployments, func(b types.ServiceDeploymentBrief) bool {
		return b.Status == types.ServiceDeploymentStatusRollbackSuccessful
	}) {
		t.Errorf("no deployment is ROLLBACK_SUCCESSFUL: %s, %v", rig.Show(list), err)
	}
	d.unserve(t, "keep", "fragile")
}

func runEverywhere(t *testing.T, d *daemon) {
	def := d.register(t, rig.Definition("everywhere", rig.Probe("main")))
	_, err := d.ecs().CreateService(t.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String("keep"), ServiceName: aws.String("everywhere"), TaskDefinition: &def,
		SchedulingStrategy: types.SchedulingStrategyDaemon, LaunchType: types.LaunchTypeEc2,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := d.stable(t, "keep", "everywhere", 20*time.Second)
	if s.DesiredCount != 1 {
		t.Errorf("one machine, desiredCount %d", s.DesiredCount)
	}
	d.unserve(t, "keep", "everywhere")
}

func scale(t *testing.T, d *daemon) {
	d.serve(t, "keep", "scaled", d.register(t, rig.Definition("scaled", rig.Probe("main"))), 1)
	for _, n := range []int32{4, 2, 0} {
		_, err := d.ecs().UpdateService(t.Context(), &ecs.UpdateServiceInput{
			Cluster: aws.String("keep"), Service: aws.String("scaled"), DesiredCount: &n})
		if err != nil {
			t.Fatal(err)
		}
		d.stable(t, "keep", "scaled", 30*time.Second)
		if tasks := d.tasks(t, "keep", "scaled", types.DesiredStatusRunning); len(tasks) != int(n) {
			t.Errorf("desired are %d, there are %d", n, len(tasks))
		}
	}
	d.unserve(t, "keep", "scaled")
}

// killed kills a container behind the back of Longshore.
func (d *daemon) killed(ctx context.Context, id string) error {
	return d.Engine.Act(ctx, id, "kill?signal=KILL")
}
