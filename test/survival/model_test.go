//go:build e2e

package survival

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"longshore/test/rig"
)

// home is the cluster that the writers run their tasks in.
const home = "load"

// What a writer has at most before it starts afresh or waits: checks must stay short in long runs.
const (
	revisionsOfFamily = 80
	clustersKept      = 40
	tasksAtOnce       = 3
)

// writer changes records that nobody else touches and remembers what was acknowledged. A call that got no answer may
// have happened or not: both are right, a third thing is not.
type writer struct {
	name     string
	launch   types.LaunchType
	network  *types.NetworkConfiguration // not nil: its tasks are FARGATE's
	rand     *rand.Rand
	n        int
	acks     atomic.Int64
	starts   atomic.Int64      // tasks of acknowledged RunTask calls
	codes    int               // exit codes that were compared with what the process ended with
	family   int               // families are left behind once they have many revisions
	markers  map[int32]string  // acknowledged revisions, and what each was registered with
	asked    map[string]bool   // markers sent, acknowledged or not
	clusters map[string]string // acknowledged status; "" while a call about it is unanswered
	runs     map[string]run    // calls of RunTask that were not answered, by startedBy
	tasks    map[string]*ran   // tasks told of by an answer
	ended    []string          // the last tasks that were seen STOPPED
	made     bool              // the service is acknowledged
	desired  []int32           // what the service's desiredCount may be; the last is the newest
}

// run is what RunTask was asked for: tasks that stay until they are stopped, or that end with a code of their own.
type run struct {
	count int32
	code  int32 // 0 stays
}

// ran is what is known of one task.
type ran struct {
	run
	asked     bool   // StopTask was sent
	stopped   bool   // and acknowledged
	rank      int    // of the last lastStatus that was read
	container string // the runtime id, once one was read
}

func newWriter(name string, l types.LaunchType, n *types.NetworkConfiguration, seed uint64) *writer {
	sum := uint64(0)
	for _, c := range name {
		sum = sum*31 + uint64(c)
	}
	return &writer{
		name: name, launch: l, network: n, rand: rand.New(rand.NewPCG(seed, sum)), markers: map[int32]string{},
		asked: map[string]bool{}, clusters: map[string]string{}, runs: map[string]run{}, tasks: map[string]*ran{},
	}
}

// load writes until the daemon is gone. A fault of the API is an error: nothing that is sent here deserves one.
func (w *writer) load(ctx context.Context, c *ecs.Client, killed *atomic.Bool) error {
	steps := []func(context.Context, *ecs.Client) error{
		w.register, w.register, w.register, w.scale, w.scale, w.startTasks, w.startMortal, w.stopTask, w.stopTask,
		w.changeCluster,
	}
	for ctx.Err() == nil {
		w.n++
		err := steps[w.rand.IntN(len(steps))](ctx, c)
		var v violation
		switch {
		case errors.As(err, &v):
			return fmt.Errorf("%s: %w", w.name, err)
		case rig.Refusal(err) != "" || err != nil && !killed.Load():
			return fmt.Errorf("%s: %w", w.name, err)
		case err != nil:
			return nil // the daemon died under the call
		}
	}
	return nil
}

func (w *writer) marker() string     { return fmt.Sprintf("%s-%d", w.name, w.n) }
func (w *writer) familyName() string { return fmt.Sprintf("family-%s-%d", w.name, w.family) }

func (w *writer) register(ctx context.Context, c *ecs.Client) error {
	if len(w.markers) >= revisionsOfFamily {
		w.family++
		clear(w.markers)
		clear(w.asked)
	}
	marker := w.marker()
	w.asked[marker] = true
	env := []types.KeyValuePair{{Name: aws.String("MARKER"), Value: &marker}}
	first, second := rig.Probe("first"), rig.Probe("second")
	first.Environment, second.Environment = env, env
	out, err := c.RegisterTaskDefinition(ctx, rig.Definition(w.familyName(), first, second))
	if err != nil {
		return err
	}
	w.acks.Add(1)
	rev := out.TaskDefinition.Revision
	if old, ok := w.markers[rev]; ok {
		return doubled("revision %d was given to %s and to %s", rev, old, marker)
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
			w.acks.Add(1)
			w.clusters[active[0]] = "INACTIVE"
		}
		return err
	}
	name := w.marker()
	w.clusters[name] = ""
	_, err := c.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name})
	if err == nil {
		w.acks.Add(1)
		w.clusters[name] = "ACTIVE"
	}
	return err
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
			DesiredCount: &want, LaunchType: w.launch, NetworkConfiguration: w.network})
	}
	if err == nil {
		w.acks.Add(1)
		w.made, w.desired = true, []int32{want}
	}
	return err
}

// startTasks asks for two tasks in one call: there are two or none.
func (w *writer) startTasks(ctx context.Context, c *ecs.Client) error {
	return w.start(ctx, c, run{count: 2})
}

// startMortal starts a task that ends by itself with a code that Docker and the API must agree about, whoever was
// there to see it.
func (w *writer) startMortal(ctx context.Context, c *ecs.Client) error {
	return w.start(ctx, c, run{count: 1, code: 1 + int32(w.rand.IntN(99))})
}

func (w *writer) start(ctx context.Context, c *ecs.Client, r run) error {
	if len(w.tasks) >= tasksAtOnce {
		return nil
	}
	by := w.marker()
	w.runs[by] = r
	out, err := c.RunTask(ctx, w.runTask(by, r))
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

func (w *writer) runTask(by string, r run) *ecs.RunTaskInput {
	in := &ecs.RunTaskInput{
		Cluster: aws.String(home), TaskDefinition: aws.String("run-" + w.name), LaunchType: w.launch,
		NetworkConfiguration: w.network, Count: &r.count, StartedBy: &by, ClientToken: &by,
	}
	if r.code != 0 {
		in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{
			Name: aws.String("main"), Command: []string{"exit", strconv.Itoa(int(r.code))}}}}
	}
	return in
}

func (w *writer) learnRun(by string, out *ecs.RunTaskOutput) error {
	r := w.runs[by]
	if len(out.Tasks) != int(r.count) {
		return fmt.Errorf("run-task %s: %d tasks, %s", by, len(out.Tasks), rig.Show(out.Failures))
	}
	delete(w.runs, by)
	w.acks.Add(1)
	w.starts.Add(int64(len(out.Tasks)))
	for _, task := range out.Tasks {
		w.tasks[*task.TaskArn] = &ran{run: r}
	}
	return nil
}

func (w *writer) stopTask(ctx context.Context, c *ecs.Client) error {
	for arn, task := range w.tasks {
		if task.asked || task.code != 0 {
			continue
		}
		task.asked = true
		_, err := c.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(home), Task: &arn})
		if err == nil {
			w.acks.Add(1)
			task.stopped = true
		}
		return err
	}
	return nil
}
