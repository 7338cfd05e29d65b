//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// kills is how often the daemon dies; KILLS changes it.
func kills(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("KILLS"))
	if os.Getenv("KILLS") == "" {
		return 30
	}
	if err != nil {
		t.Fatalf("KILLS: %v", err)
	}
	return n
}

// surviveKills kills the daemon at random moments of a mixed load. What was acknowledged is there, containers are
// neither doubled nor orphaned nor restarted.
func surviveKills(t *testing.T) {
	d := startDaemon(t)
	d.cluster(t, "load")
	d.serve(t, "load", "steady", d.register(t, definition("load-steady", probe("main"))), 2)
	steady := d.live(t)
	if len(steady) != 2 {
		t.Fatalf("2 containers are to be left alone, there are %v", steady)
	}
	writers := []*writer{newWriter("w1"), newWriter("w2"), newWriter("w3"), newWriter("w4")}
	for i := range kills(t) {
		err := d.loadUntilKilled(t, writers, time.Duration(rand.IntN(600))*time.Millisecond)
		if err != nil {
			t.Fatalf("before kill %d: %v", i+1, err)
		}
		d.start()
		for _, w := range writers {
			err = w.check(t.Context(), d.ecs())
			if err != nil {
				t.Fatalf("after kill %d: %v", i+1, err)
			}
		}
		d.unharmed(t, steady)
		d.single(t)
		if t.Failed() {
			t.Fatalf("after kill %d", i+1)
		}
	}
	d.settles(t, writers)
	d.unharmed(t, steady)
}

// loadUntilKilled runs the writers and kills the daemon under them.
func (d *daemon) loadUntilKilled(t *testing.T, writers []*writer, after time.Duration) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	errs := make([]error, len(writers))
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() { errs[i] = w.load(ctx, d.ecs()) })
	}
	pause(ctx, after)
	d.kill()
	cancel()
	wg.Wait()
	return errors.Join(errs...)
}

// unharmed expects the containers that nobody asked to stop to be the same, and running.
func (d *daemon) unharmed(t *testing.T, steady map[string]string) {
	t.Helper()
	live := d.live(t)
	for id, what := range steady {
		if live[id] != what {
			t.Errorf("container %s (%s) does not run any more", id[:12], what)
		}
	}
}

// single expects one live container at most for every container of every task.
func (d *daemon) single(t *testing.T) {
	t.Helper()
	seen := map[string]string{}
	for id, what := range d.live(t) {
		if other, ok := seen[what]; ok {
			t.Errorf("%s runs twice: %s and %s", what, id[:12], other[:12])
		}
		seen[what] = id
	}
}

// settles expects, 30 s after the last fault, what runs and what should run to be the same.
func (d *daemon) settles(t *testing.T, writers []*writer) {
	t.Helper()
	want := map[string]int{"steady": 2}
	for _, w := range writers {
		if w.made {
			want[w.name] = int(w.desired[0])
		}
	}
	eventually(t, 30*time.Second, "the truth after the last kill", func(ctx context.Context) error {
		running, err := d.runningTasks(ctx, "load")
		if err != nil {
			return err
		}
		live := map[string]bool{}
		for _, what := range d.live(t) {
			live[what] = true
		}
		if !maps.Equal(live, running) {
			return fmt.Errorf("ECS runs %d tasks, Docker %d containers:\n%v\n%v", len(running), len(live), running, live)
		}
		for name, n := range want {
			s, err := d.service(ctx, "load", name)
			if err != nil {
				return err
			}
			if int(s.RunningCount) != n || int(s.DesiredCount) != n {
				return errors.New(story(s))
			}
		}
		return nil
	})
}

// runningTasks of a cluster, each with its containers, as live writes them. A task under way is an error: look again.
func (d *daemon) runningTasks(ctx context.Context, cluster string) (map[string]bool, error) {
	out := map[string]bool{}
	pages := ecs.NewListTasksPaginator(d.ecs(), &ecs.ListTasksInput{Cluster: &cluster})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil || len(page.TaskArns) == 0 {
			return out, err
		}
		tasks, err := d.ecs().DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: page.TaskArns})
		if err != nil {
			return nil, err
		}
		for _, task := range tasks.Tasks {
			if *task.LastStatus != "RUNNING" {
				return nil, fmt.Errorf("task %s is %s", *task.TaskArn, *task.LastStatus)
			}
			for _, c := range task.Containers {
				out[*task.TaskArn+" "+*c.Name] = true
			}
		}
	}
	return out, nil
}

// outliveDaemon stops and starts the daemon: containers run on, those that ended meanwhile have their true exit code.
func outliveDaemon(t *testing.T) {
	d := startDaemon(t)
	d.cluster(t, "truth")
	n := d.network()
	d.serve(t, "truth", "bridge", d.register(t, definition("bridge", web("kept"))), 2)
	d.serve(t, "truth", "vpc", d.register(t, fargate(definition("vpc", web("kept")))), 1,
		func(in *ecs.CreateServiceInput) { in.LaunchType, in.NetworkConfiguration = types.LaunchTypeFargate, n })
	mortal := d.run(t, "truth", d.register(t, definition("mortal", probe("main", "later", "4", "6"))))
	killed := d.run(t, "truth", d.register(t, definition("killed", probe("main"))))
	d.until(t, "truth", mortal, "RUNNING", 15*time.Second)
	victim := d.until(t, "truth", killed, "RUNNING", 15*time.Second)
	before := d.snapshot(t)
	kept := d.live(t)
	address := ip(d.tasks(t, "truth", "vpc", types.DesiredStatusRunning)[0])
	for i, end := range []func(){d.stop, d.kill, d.stop} {
		end()
		if i == 0 {
			err := d.engine.kill(t.Context(), *victim.Containers[0].RuntimeId)
			if err != nil {
				t.Fatal(err)
			}
			pause(t.Context(), 4*time.Second) // the mortal one ends while nobody looks
		}
		body, err := answers(t.Context(), "http://"+address+"/")
		if err != nil || body == "" {
			t.Errorf("without the daemon the task does not answer: %v", err)
		}
		d.start()
	}
	_, c := d.ended(t, mortal, "main", 10*time.Second)
	wantExit(t, c, 6)
	_, c = d.ended(t, killed, "main", 10*time.Second)
	wantExit(t, c, 137)
	after := d.snapshot(t)
	for arn, was := range before {
		if arn != mortal && arn != killed && after[arn] != was {
			t.Errorf("task %s was %s, is %s", arn, was, after[arn])
		}
	}
	for id, what := range kept {
		if d.live(t)[id] != what && d.engineTask(t, id) != mortal && d.engineTask(t, id) != killed {
			t.Errorf("container %s of %s was restarted", id[:12], what)
		}
	}
	for _, name := range []string{"bridge", "vpc"} {
		s := d.stable(t, "truth", name, 10*time.Second)
		d.noChurn(t, s)
	}
}

// engineTask is the task of a container that may have ended.
func (d *daemon) engineTask(t *testing.T, id string) string {
	t.Helper()
	seen, err := d.engine.inspect(t.Context(), id)
	if err != nil {
		return ""
	}
	return seen.Config.Labels["longshore.task"]
}

// noChurn expects a service to have started no more tasks than it wants.
func (d *daemon) noChurn(t *testing.T, s types.Service) {
	t.Helper()
	if stopped := d.tasks(t, "truth", *s.ServiceName, types.DesiredStatusStopped); len(stopped) > 0 {
		t.Errorf("service %s lost %d tasks: %s", *s.ServiceName, len(stopped), show(stopped))
	}
}

// snapshot says of every running task which containers it has and since when.
func (d *daemon) snapshot(t *testing.T) map[string]string {
	t.Helper()
	tasks, err := d.listTasks(t.Context(), "truth", "", types.DesiredStatusRunning)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, task := range tasks {
		said := aws.ToTime(task.StartedAt).String() + " " + ip(task)
		for _, c := range task.Containers {
			said += " " + *c.Name + " " + aws.ToString(c.RuntimeId)
		}
		out[*task.TaskArn] = said
	}
	return out
}
