//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// home is the cluster that the writers run their tasks in.
const home = "load"

// writer changes records that nobody else touches and remembers what was acknowledged. A call that got no answer may
// have happened or not: both are right, a third thing is not.
type writer struct {
	name     string
	network  *types.NetworkConfiguration // not nil: its tasks are FARGATE's
	rand     *rand.Rand
	n        int
	acks     int
	markers  map[int32]string  // acknowledged revisions, and what each was registered with
	asked    map[string]bool   // markers sent, acknowledged or not
	clusters map[string]string // acknowledged status; "" while a call about it is unanswered
	runs     map[string]bool   // startedBy of RunTask calls: acknowledged or not
	tasks    map[string]bool   // tasks told of by an answer: true once StopTask was acknowledged
	made     bool              // the service is acknowledged
	desired  []int32           // what the service's desiredCount may be; the last is the newest
}

func newWriter(name string, n *types.NetworkConfiguration, seed uint64, i int) *writer {
	return &writer{
		name: name, network: n, rand: rand.New(rand.NewPCG(seed, uint64(i))), markers: map[int32]string{},
		asked: map[string]bool{}, clusters: map[string]string{}, runs: map[string]bool{}, tasks: map[string]bool{},
	}
}

// load writes until the daemon is gone. A fault of the API is an error: nothing that is sent here deserves one.
func (w *writer) load(ctx context.Context, c *ecs.Client, killed *atomic.Bool) error {
	steps := []func(context.Context, *ecs.Client) error{
		w.register, w.register, w.register, w.scale, w.scale, w.startTasks, w.stopTask, w.stopTask, w.changeCluster,
	}
	for ctx.Err() == nil {
		w.n++
		err := steps[w.rand.IntN(len(steps))](ctx, c)
		if rig.Refusal(err) != "" || errors.Is(err, errReused) || err != nil && !killed.Load() {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		if err != nil {
			return nil // the daemon died under the call
		}
		w.acks++
	}
	return nil
}

func (w *writer) marker() string { return fmt.Sprintf("%s-%d", w.name, w.n) }

func (w *writer) register(ctx context.Context, c *ecs.Client) error {
	marker := w.marker()
	w.asked[marker] = true
	env := []types.KeyValuePair{{Name: aws.String("MARKER"), Value: &marker}}
	first, second := rig.Probe("first"), rig.Probe("second")
	first.Environment, second.Environment = env, env
	out, err := c.RegisterTaskDefinition(ctx, rig.Definition("family-"+w.name, first, second))
	if err != nil {
		return err
	}
	rev := out.TaskDefinition.Revision
	if old, ok := w.markers[rev]; ok {
		return fmt.Errorf("revision %d was given to %s and to %s: %w", rev, old, marker, errReused)
	}
	w.markers[rev] = marker
	return nil
}

func (w *writer) changeCluster(ctx context.Context, c *ecs.Client) error {
	var active []string
	for name, status := range w.clusters {
		if status == "ACTIVE" {
			active = append(active, name)
		}
	}
	if len(active) > 1 {
		w.clusters[active[0]] = ""
		_, err := c.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: &active[0]})
		if err == nil {
			w.clusters[active[0]] = "INACTIVE"
		}
		return err
	}
	name := w.marker()
	w.clusters[name] = ""
	_, err := c.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name})
	if err == nil {
		w.clusters[name] = "ACTIVE"
	}
	return err
}

func (w *writer) launch() types.LaunchType {
	if w.network != nil {
		return types.LaunchTypeFargate
	}
	return types.LaunchTypeEc2
}

func (w *writer) scale(ctx context.Context, c *ecs.Client) error {
	want := int32(w.rand.IntN(3))
	w.desired = append(w.desired, want)
	var err error
	if w.made {
		_, err = c.UpdateService(ctx, &ecs.UpdateServiceInput{
			Cluster: aws.String(home), Service: &w.name, DesiredCount: &want})
	} else {
		_, err = c.CreateService(ctx, &ecs.CreateServiceInput{
			Cluster: aws.String(home), ServiceName: &w.name, TaskDefinition: aws.String("run-" + w.name),
			DesiredCount: &want, LaunchType: w.launch(), NetworkConfiguration: w.network})
	}
	if err == nil {
		w.made, w.desired = true, []int32{want}
	}
	return err
}

// startTasks asks for two tasks in one call: there are two or none.
func (w *writer) startTasks(ctx context.Context, c *ecs.Client) error {
	if w.wanted() > 2 {
		return nil
	}
	by := w.marker()
	w.runs[by] = false
	out, err := c.RunTask(ctx, w.runTask(by))
	if err != nil {
		return err
	}
	if refusedByAgent(out) {
		delete(w.runs, by)
		return nil
	}
	return w.learnRun(by, out)
}

// refusedByAgent says that the machine's agent has not reconnected since the last kill: ECS starts no task there.
func refusedByAgent(out *ecs.RunTaskOutput) bool {
	for _, f := range out.Failures {
		if aws.ToString(f.Reason) != "AGENT" {
			return false
		}
	}
	return len(out.Tasks) == 0 && len(out.Failures) > 0
}

func (w *writer) runTask(by string) *ecs.RunTaskInput {
	return &ecs.RunTaskInput{
		Cluster: aws.String(home), TaskDefinition: aws.String("run-" + w.name), LaunchType: w.launch(),
		NetworkConfiguration: w.network, Count: aws.Int32(2), StartedBy: &by, ClientToken: &by,
	}
}

func (w *writer) learnRun(by string, out *ecs.RunTaskOutput) error {
	if len(out.Tasks) != 2 {
		return fmt.Errorf("run-task %s: %d tasks, %s", by, len(out.Tasks), rig.Show(out.Failures))
	}
	w.runs[by] = true
	for _, task := range out.Tasks {
		_, known := w.tasks[*task.TaskArn]
		if !known {
			w.tasks[*task.TaskArn] = false
		}
	}
	return nil
}

// wanted is how many tasks nobody has stopped yet.
func (w *writer) wanted() int {
	n := 0
	for _, stopped := range w.tasks {
		if !stopped {
			n++
		}
	}
	return n
}

func (w *writer) stopTask(ctx context.Context, c *ecs.Client) error {
	for arn, stopped := range w.tasks {
		if stopped {
			continue
		}
		_, err := c.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(home), Task: &arn})
		if err == nil {
			w.tasks[arn] = true
		}
		return err
	}
	return nil
}

// errReused ends a load that got a revision number twice.
var errReused = errors.New("revision numbers are never reused")

// check compares what the daemon has with what was acknowledged, and learns what became of unanswered calls.
func (w *writer) check(ctx context.Context, c *ecs.Client) error {
	for _, look := range []func(context.Context, *ecs.Client) error{
		w.checkRevisions, w.checkClusters, w.checkService, w.checkRuns, w.checkTasks,
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
		FamilyPrefix: aws.String("family-" + w.name)})
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
			return fmt.Errorf("acknowledged revision %d is gone", rev)
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
		return fmt.Errorf("%s is half written: %s", arn, rig.Show(td))
	}
	for _, d := range td.ContainerDefinitions {
		marker := aws.ToString(d.Environment[0].Value)
		known, ok := w.markers[td.Revision]
		if ok && known != marker || !w.asked[marker] {
			return fmt.Errorf("revision %d holds %s, acknowledged was %q", td.Revision, marker, known)
		}
		w.markers[td.Revision] = marker
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
		found := map[string]string{}
		for _, cluster := range out.Clusters {
			found[*cluster.ClusterName] = *cluster.Status
		}
		for _, name := range some {
			if want := w.clusters[name]; want != "" && found[name] != want {
				return fmt.Errorf("cluster %s is %q, acknowledged was %s", name, found[name], want)
			}
			w.clusters[name] = found[name]
			if found[name] == "" {
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
			return errors.New("the acknowledged service is gone")
		}
		return nil
	}
	s := out.Services[0]
	if !slices.Contains(w.desired, s.DesiredCount) || len(s.Deployments) != 1 {
		return fmt.Errorf("desiredCount may be %v: %s", w.desired, rig.Show(s))
	}
	w.made, w.desired = true, []int32{s.DesiredCount}
	return nil
}

// checkRuns sends unanswered calls again with the same token: however often a call is sent, it starts two tasks.
func (w *writer) checkRuns(ctx context.Context, c *ecs.Client) error {
	for by, known := range w.runs {
		if known {
			continue
		}
		err := w.runAgain(ctx, c, by)
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
		if n != 2 {
			return fmt.Errorf("run-task %s was sent twice with one token and started %d tasks, not 2", by, n)
		}
	}
	return nil
}

func (w *writer) runAgain(ctx context.Context, c *ecs.Client, by string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return rig.Poll(ctx, func(ctx context.Context) error {
		out, err := c.RunTask(ctx, w.runTask(by))
		if err != nil {
			return fmt.Errorf("run-task sent again: %w", err)
		}
		return w.learnRun(by, out)
	})
}

func (w *writer) checkTasks(ctx context.Context, c *ecs.Client) error {
	var arns []string
	for arn := range w.tasks {
		arns = append(arns, arn)
	}
	for some := range slices.Chunk(arns, 100) {
		out, err := c.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(home), Tasks: some})
		if err != nil {
			return err
		}
		if len(out.Failures) > 0 {
			return fmt.Errorf("acknowledged tasks are gone: %s", rig.Show(out.Failures))
		}
		for _, task := range out.Tasks {
			stopped := w.tasks[*task.TaskArn]
			if stopped && *task.DesiredStatus != "STOPPED" {
				return fmt.Errorf("the stop of %s was acknowledged and is forgotten", *task.TaskArn)
			}
			if !stopped && *task.LastStatus == "STOPPED" && task.StopCode != types.TaskStopCodeUserInitiated {
				return fmt.Errorf("a task that nobody stopped has stopped: %s", rig.Show(task))
			}
			w.tasks[*task.TaskArn] = *task.DesiredStatus == "STOPPED"
		}
	}
	return nil
}
