//go:build e2e

package survival

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// poolSize is how many pause containers wait for tasks at most; a burst makes the pool larger for a while.
const poolSize = 16

// live is what runs, by Docker's word: container id → "task name".
func (d *daemon) live(ctx context.Context) (map[string]string, error) {
	found, err := d.engine.containers(ctx, d.ours())
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, c := range found {
		if c.task() != "" && (c.State == "running" || c.State == "paused" || c.State == "restarting") {
			out[c.ID] = c.task() + " " + c.name()
		}
	}
	return out, nil
}

// births of running containers of some services: container id → when Docker started it.
func (d *daemon) births(cluster string, services ...string) map[string]string {
	d.t.Helper()
	out := map[string]string{}
	for _, name := range services {
		tasks, err := d.tasks(d.t.Context(), cluster, name, types.DesiredStatusRunning)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, task := range tasks {
			for _, c := range task.Containers {
				seen, err := d.engine.inspect(d.t.Context(), *c.RuntimeId)
				if err != nil || !seen.State.Running {
					d.t.Fatalf("%s of %s does not run: %v %s", *c.Name, *task.TaskArn, err, show(seen.State))
				}
				out[seen.ID] = seen.State.StartedAt
			}
		}
	}
	return out
}

// unharmed expects the containers that nobody touched to be the same, and running since the same moment.
func (d *daemon) unharmed(before map[string]string) error {
	for id, since := range before {
		seen, err := d.engine.inspect(d.t.Context(), id)
		if err != nil {
			return fmt.Errorf("container %s that nobody touched: %w", id[:12], err)
		}
		if !seen.State.Running || seen.State.StartedAt != since {
			return fmt.Errorf("container %s that nobody touched ran since %s, now: %s", id[:12], since, show(seen.State))
		}
	}
	return nil
}

// single expects one live container at most for every container of every task.
func single(live map[string]string) error {
	seen := map[string]string{}
	for id, what := range live {
		if other, ok := seen[what]; ok {
			return fmt.Errorf("%s runs twice: %s and %s", what, id[:12], other[:12])
		}
		seen[what] = id
	}
	return nil
}

// orphans remembers since when containers run that no task wants.
type orphans map[string]time.Time

// look fails for a container that has run for more than 30 s although its task is unknown or STOPPED. Time without
// a daemon counts too: restarts are short.
func (o orphans) look(ctx context.Context, d *daemon, clusters ...string) error {
	live, err := d.live(ctx)
	if err != nil {
		return err
	}
	err = single(live)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, cluster := range clusters {
		for _, status := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
			tasks, err := d.tasks(ctx, cluster, "", status)
			if err != nil {
				return err
			}
			for _, task := range tasks {
				known[*task.TaskArn] = *task.LastStatus != "STOPPED"
			}
		}
	}
	for id, what := range live {
		task, _, _ := strings.Cut(what, " ")
		since, ok := o[id]
		switch {
		case known[task]:
			delete(o, id)
		case !ok:
			o[id] = time.Now()
		case time.Since(since) > 30*time.Second:
			return fmt.Errorf("container %s of %s has no task for %s", id[:12], what, time.Since(since))
		}
	}
	return nil
}

// agree expects Docker, the links of this host and the API to tell the same story of a cluster that nothing changes.
func (d *daemon) agree(ctx context.Context, cluster string) error {
	running, err := d.tasks(ctx, cluster, "", types.DesiredStatusRunning)
	if err != nil {
		return err
	}
	var want, have []string
	own := 0
	for _, task := range running {
		if *task.LastStatus != "RUNNING" {
			return fmt.Errorf("task %s is %s: %s", *task.TaskArn, *task.LastStatus, show(task))
		}
		if ip(task) != "" {
			own++
		}
		for _, c := range task.Containers {
			want = append(want, *task.TaskArn+" "+*c.Name)
		}
	}
	live, err := d.live(ctx)
	if err != nil {
		return err
	}
	for _, what := range live {
		have = append(have, what)
	}
	sort.Strings(want)
	sort.Strings(have)
	if strings.Join(want, "\n") != strings.Join(have, "\n") {
		return fmt.Errorf("the API runs %s, Docker %s", show(want), show(have))
	}
	return d.furniture(ctx, own)
}

// furniture expects as many links as tasks with addresses, and no more pause containers than those and the pool.
func (d *daemon) furniture(ctx context.Context, own int) error {
	links := d.links()
	if len(links) != own {
		return fmt.Errorf("%d tasks have addresses, %d links are there: %v", own, len(links), links)
	}
	found, err := d.engine.containers(ctx, d.ours())
	if err != nil {
		return err
	}
	pauses := 0
	for _, c := range found {
		if c.Labels["longshore.pause"] == "" {
			continue
		}
		pauses++
		if c.State != "running" {
			return fmt.Errorf("pause container %s is %s", c.ID[:12], c.State)
		}
	}
	if pauses < own || pauses > own+poolSize {
		return fmt.Errorf("%d tasks have addresses, %d pause containers run", own, pauses)
	}
	return nil
}
