//go:build e2e

package survival

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// order of lastStatus: it moves only forward.
var order = []string{"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING",
	"STOPPED"}

// check compares what the daemon has with what was acknowledged, and learns what became of unanswered calls.
func (w *writer) check(ctx context.Context, c *ecs.Client) error {
	for _, look := range []func(context.Context, *ecs.Client) error{
		w.checkRevisions, w.checkClusters, w.checkService, w.checkRuns, w.checkTasks, w.checkEnded,
	} {
		err := look(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func (w *writer) checkRevisions(ctx context.Context, c *ecs.Client) error {
	have := map[int32]string{}
	var newest []string
	pages := ecs.NewListTaskDefinitionsPaginator(c, &ecs.ListTaskDefinitionsInput{
		FamilyPrefix: aws.String(w.familyName())})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		newest = append(newest, page.TaskDefinitionArns...)
	}
	for _, arn := range newest {
		var rev int32
		_, err := fmt.Sscan(arn[strings.LastIndexByte(arn, ':')+1:], &rev)
		if err != nil {
			return err
		}
		have[rev] = arn
	}
	for rev := range w.markers {
		if have[rev] == "" {
			return lost("acknowledged revision %d of %s is gone", rev, w.familyName())
		}
	}
	for _, arn := range newest[max(0, len(newest)-3):] { // the newest are those at risk
		err := w.checkRevision(ctx, c, arn)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) checkRevision(ctx context.Context, c *ecs.Client, arn string) error {
	out, err := c.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &arn})
	if err != nil {
		return err
	}
	td := out.TaskDefinition
	if len(td.ContainerDefinitions) != 2 {
		return lost("%s is half written: %s", arn, rig.Show(td))
	}
	for _, d := range td.ContainerDefinitions {
		marker := aws.ToString(d.Environment[0].Value)
		known, ok := w.markers[td.Revision]
		if ok && known != marker || !w.asked[marker] {
			return lost("revision %d holds %s, acknowledged was %q", td.Revision, marker, known)
		}
		w.markers[td.Revision] = marker
	}
	return nil
}

func (w *writer) checkClusters(ctx context.Context, c *ecs.Client) error {
	names := slices.Collect(maps.Keys(w.clusters))
	for some := range slices.Chunk(names, 100) {
		out, err := c.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: some})
		if err != nil {
			return err
		}
		found := map[string]string{}
		for _, cluster := range out.Clusters {
			found[*cluster.ClusterName] = *cluster.Status
		}
		for _, name := range some {
			if want := w.clusters[name]; want != "" && found[name] != want {
				return lost("cluster %s is %q, acknowledged was %s", name, found[name], want)
			}
			w.clusters[name] = found[name]
			forget := found[name] == "INACTIVE" && len(w.clusters) > clustersKept
			if found[name] == "" || forget {
				delete(w.clusters, name)
			}
		}
	}
	return nil
}

func (w *writer) checkService(ctx context.Context, c *ecs.Client) error {
	if len(w.desired) == 0 {
		return nil
	}
	out, err := c.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(home), Services: []string{w.name}})
	if err != nil {
		return err
	}
	if len(out.Services) == 0 {
		if w.made {
			return lost("the acknowledged service is gone")
		}
		return nil
	}
	s := out.Services[0]
	if !slices.Contains(w.desired, s.DesiredCount) || len(s.Deployments) != 1 {
		return lost("desiredCount may be %v: %s", w.desired, rig.Show(s))
	}
	w.made, w.desired = true, []int32{s.DesiredCount}
	return nil
}

// checkRuns sends unanswered calls again with the same token: however often a call is sent, its tasks start once.
func (w *writer) checkRuns(ctx context.Context, c *ecs.Client) error {
	for by, r := range w.runs {
		err := w.runAgain(ctx, c, by, r)
		if err != nil {
			return err
		}
		n := 0
		for _, status := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
			list, err := c.ListTasks(ctx, &ecs.ListTasksInput{
				Cluster: aws.String(home), StartedBy: &by, DesiredStatus: status})
			if err != nil {
				return err
			}
			n += len(list.TaskArns)
		}
		if n != int(r.count) {
			return doubled("run-task %s was sent twice with one token and started %d tasks, not %d", by, n, r.count)
		}
	}
	return nil
}

func (w *writer) runAgain(ctx context.Context, c *ecs.Client, by string, r run) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return rig.Poll(ctx, func(ctx context.Context) error {
		out, err := c.RunTask(ctx, w.runTask(by, r))
		if err != nil {
			return fmt.Errorf("run-task sent again: %w", err)
		}
		return w.learnRun(by, out)
	})
}

func (w *writer) checkTasks(ctx context.Context, c *ecs.Client) error {
	for some := range slices.Chunk(slices.Collect(maps.Keys(w.tasks)), 100) {
		out, err := c.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(home), Tasks: some})
		if err != nil {
			return err
		}
		if len(out.Failures) > 0 {
			return lost("acknowledged tasks are gone: %s", rig.Show(out.Failures))
		}
		for _, task := range out.Tasks {
			err := w.checkTask(task, w.tasks[*task.TaskArn])
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) checkTask(task types.Task, known *ran) error {
	rank := slices.Index(order, *task.LastStatus)
	if rank < known.rank {
		return untrue("%s went from %s to %s", *task.TaskArn, order[known.rank], *task.LastStatus)
	}
	known.rank = rank
	if known.stopped && *task.DesiredStatus != "STOPPED" {
		return lost("the stop of %s was acknowledged and is forgotten", *task.TaskArn)
	}
	known.asked = *task.DesiredStatus == "STOPPED" && known.asked // an unanswered call that did not happen is sent again
	if id := aws.ToString(task.Containers[0].RuntimeId); id != "" {
		if known.container != "" && known.container != id {
			return restarted("%s ran as %s and runs as %s", *task.TaskArn, known.container, id)
		}
		known.container = id
	}
	if *task.LastStatus != "STOPPED" {
		return nil
	}
	err := w.checkEnd(task, known)
	if err != nil {
		return err
	}
	delete(w.tasks, *task.TaskArn)
	w.ended = append(w.ended, *task.TaskArn)
	w.ended = w.ended[max(0, len(w.ended)-50):]
	return nil
}

// checkEnd expects a task to have ended as it was asked to, or with the exit code of its process.
func (w *writer) checkEnd(task types.Task, known *ran) error {
	if known.code == 0 {
		if task.StopCode != types.TaskStopCodeUserInitiated || !known.asked {
			return restarted("a task that nobody stopped has stopped: %s", rig.Show(task))
		}
		return nil
	}
	c := task.Containers[0]
	if task.StopCode != types.TaskStopCodeEssentialContainerExited || c.ExitCode == nil || *c.ExitCode != known.code {
		return untrue("its process ended with %d: %s", known.code, rig.Show(task))
	}
	w.codes++
	return nil
}

// checkEnded expects what was STOPPED to stay so.
func (w *writer) checkEnded(ctx context.Context, c *ecs.Client) error {
	if len(w.ended) == 0 {
		return nil
	}
	out, err := c.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(home), Tasks: w.ended})
	if err != nil {
		return err
	}
	if len(out.Failures) > 0 {
		return lost("stopped tasks are gone: %s", rig.Show(out.Failures))
	}
	for _, task := range out.Tasks {
		if *task.LastStatus != "STOPPED" {
			return untrue("%s was STOPPED and is %s", *task.TaskArn, *task.LastStatus)
		}
	}
	return nil
}
