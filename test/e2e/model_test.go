//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

// writer changes records that nobody else touches and remembers what was acknowledged. A call that got no answer may
// have happened or not: both are right, a third thing is not.
type writer struct {
	name      string
	n         int
	revisions map[int32]string // family's revisions and the marker each was registered with
	asked     map[string]bool  // markers sent, acknowledged or not
	clusters  map[string]bool  // acknowledged
	tasks     map[string]bool  // acknowledged by RunTask
	stopped   map[string]bool  // acknowledged by StopTask
	made      bool             // the service is acknowledged
	tried     bool             // its creation was sent
	desired   []int32          // what the service's desiredCount may be; the last is the newest
}

func newWriter(name string) *writer {
	return &writer{
		name: name, revisions: map[int32]string{}, asked: map[string]bool{}, clusters: map[string]bool{},
		tasks: map[string]bool{}, stopped: map[string]bool{},
	}
}

// unanswered says that a call ended without an answer of the API: the daemon died under it.
func unanswered(err error) bool {
	var api smithy.APIError
	return err != nil && !errors.As(err, &api)
}

// load writes until the daemon is gone. A fault of the API is an error: nothing that is sent here deserves one.
func (w *writer) load(ctx context.Context, c *ecs.Client) error {
	steps := []func(context.Context, *ecs.Client) error{w.registers, w.scales, w.creates, w.registers, w.runs, w.stops}
	for ctx.Err() == nil {
		w.n++
		err := steps[w.n%len(steps)](ctx, c)
		if unanswered(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func (w *writer) registers(ctx context.Context, c *ecs.Client) error {
	marker := fmt.Sprintf("%s-%d", w.name, w.n)
	w.asked[marker] = true
	out, err := c.RegisterTaskDefinition(ctx, w.definition(marker))
	if err != nil {
		return err
	}
	rev := out.TaskDefinition.Revision
	if old, ok := w.revisions[rev]; ok {
		return fmt.Errorf("revision %d was given to %s and to %s", rev, old, marker)
	}
	w.revisions[rev] = marker
	return nil
}

func (w *writer) definition(marker string) *ecs.RegisterTaskDefinitionInput {
	main := probe("main")
	main.Environment = []types.KeyValuePair{{Name: aws.String("MARKER"), Value: &marker}}
	return definition("load-"+w.name, main)
}

func (w *writer) creates(ctx context.Context, c *ecs.Client) error {
	name := fmt.Sprintf("%s-%d", w.name, w.n)
	_, err := c.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name})
	if err == nil {
		w.clusters[name] = true
	}
	return err
}

func (w *writer) scales(ctx context.Context, c *ecs.Client) error {
	if len(w.revisions) == 0 {
		return nil
	}
	want := int32(w.n / 6 % 3)
	w.desired = append(w.desired, want)
	var err error
	if w.made {
		_, err = c.UpdateService(ctx, &ecs.UpdateServiceInput{
			Cluster: aws.String("load"), Service: &w.name, DesiredCount: &want})
	} else {
		w.tried = true
		_, err = c.CreateService(ctx, &ecs.CreateServiceInput{
			Cluster: aws.String("load"), ServiceName: &w.name, TaskDefinition: aws.String("load-steady"),
			DesiredCount: &want, LaunchType: types.LaunchTypeEc2})
	}
	if err == nil {
		w.made, w.desired = true, []int32{want}
	}
	return err
}

func (w *writer) runs(ctx context.Context, c *ecs.Client) error {
	if len(w.tasks)-len(w.stopped) > 2 {
		return nil
	}
	out, err := c.RunTask(ctx, &ecs.RunTaskInput{
		Cluster: aws.String("load"), TaskDefinition: aws.String("load-steady"), LaunchType: types.LaunchTypeEc2,
		StartedBy: &w.name})
	if err != nil {
		return err
	}
	for _, task := range out.Tasks {
		w.tasks[*task.TaskArn] = true
	}
	return nil
}

func (w *writer) stops(ctx context.Context, c *ecs.Client) error {
	for arn := range w.tasks {
		if w.stopped[arn] {
			continue
		}
		_, err := c.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String("load"), Task: &arn})
		if err == nil {
			w.stopped[arn] = true
		}
		return err
	}
	return nil
}

// check compares what the daemon has with what was acknowledged, and learns what became of unanswered calls.
func (w *writer) check(ctx context.Context, c *ecs.Client) error {
	for _, f := range []func(context.Context, *ecs.Client) error{w.checkRevisions, w.checkClusters, w.checkService, w.checkTasks} {
		err := f(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func (w *writer) checkRevisions(ctx context.Context, c *ecs.Client) error {
	var arns []string
	pages := ecs.NewListTaskDefinitionsPaginator(c, &ecs.ListTaskDefinitionsInput{FamilyPrefix: aws.String("load-" + w.name)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		arns = append(arns, page.TaskDefinitionArns...)
	}
	for rev := range w.revisions {
		if !slices.ContainsFunc(arns, func(a string) bool { return strings.HasSuffix(a, fmt.Sprintf(":%d", rev)) }) {
			return fmt.Errorf("acknowledged revision %d is gone", rev)
		}
	}
	for _, arn := range arns[max(0, len(arns)-5):] { // the newest are those at risk
		out, err := c.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &arn})
		if err != nil {
			return err
		}
		rev, marker := out.TaskDefinition.Revision, *out.TaskDefinition.ContainerDefinitions[0].Environment[0].Value
		if known, ok := w.revisions[rev]; ok && known != marker || !w.asked[marker] {
			return fmt.Errorf("revision %d holds %s, acknowledged was %q", rev, marker, known)
		}
		w.revisions[rev] = marker
	}
	return nil
}

func (w *writer) checkClusters(ctx context.Context, c *ecs.Client) error {
	var names []string
	for name := range w.clusters {
		names = append(names, name)
	}
	for some := range slices.Chunk(names, 100) {
		out, err := c.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: some})
		if err != nil {
			return err
		}
		if len(out.Failures) > 0 {
			return fmt.Errorf("acknowledged clusters are gone: %s", show(out.Failures))
		}
	}
	return nil
}

func (w *writer) checkService(ctx context.Context, c *ecs.Client) error {
	if !w.tried {
		return nil
	}
	out, err := c.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String("load"), Services: []string{w.name}})
	if err != nil {
		return err
	}
	if len(out.Services) == 0 {
		if w.made {
			return errors.New("the acknowledged service is gone")
		}
		return nil
	}
	got := out.Services[0].DesiredCount
	if !slices.Contains(w.desired, got) {
		return fmt.Errorf("desiredCount is %d, it may be %v", got, w.desired)
	}
	w.made, w.desired = true, []int32{got}
	return nil
}

func (w *writer) checkTasks(ctx context.Context, c *ecs.Client) error {
	var arns []string
	for arn := range w.tasks {
		arns = append(arns, arn)
	}
	for some := range slices.Chunk(arns, 100) {
		out, err := c.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("load"), Tasks: some})
		if err != nil {
			return err
		}
		if len(out.Failures) > 0 {
			return fmt.Errorf("acknowledged tasks are gone: %s", show(out.Failures))
		}
		for _, task := range out.Tasks {
			if w.stopped[*task.TaskArn] && *task.DesiredStatus != "STOPPED" {
				return fmt.Errorf("the stop of %s was acknowledged and is forgotten", *task.TaskArn)
			}
		}
	}
	return nil
}
