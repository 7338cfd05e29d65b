//go:build e2e

package rig

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// PoolSize is how many pause containers wait for tasks at most; a burst makes the pool larger for a while.
const PoolSize = 16

// Live is what runs, by Docker's word: container id → "task name". Agents' containers count where their labels are
// given.
func (d *Daemon) Live(ctx context.Context, agents ...string) (map[string]string, error) {
	found, err := d.Engine.Containers(ctx, "longshore.task") // one question for all: it is the engine that is slow
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, c := range found {
		owner := "longshore.installation=" + c.Labels["longshore.installation"]
		running := c.State == "running" || c.State == "paused" || c.State == "restarting"
		if running && (owner == d.Ours() || slices.Contains(agents, owner)) {
			out[c.ID] = c.Task() + " " + c.Name()
		}
	}
	return out, nil
}

// Births of running containers of some services: container id → when Docker started it.
func (d *Daemon) Births(cluster string, services ...string) map[string]string {
	d.T.Helper()
	out := map[string]string{}
	for _, name := range services {
		tasks, err := d.Tasks(d.T.Context(), cluster, name, types.DesiredStatusRunning)
		if err != nil {
			d.T.Fatal(err)
		}
		for _, task := range tasks {
			for _, c := range task.Containers {
				seen, err := d.Engine.Inspect(d.T.Context(), *c.RuntimeId)
				if err != nil || !seen.State.Running {
					d.T.Fatalf("%s of %s does not run: %v %s", *c.Name, *task.TaskArn, err, Show(seen.State))
				}
				out[seen.ID] = seen.State.StartedAt
			}
		}
	}
	return out
}

// Unharmed expects the containers that nobody touched to be the same, and running since the same moment.
func (d *Daemon) Unharmed(before map[string]string) error {
	for id, since := range before {
		seen, err := d.Engine.Inspect(d.T.Context(), id)
		if err != nil {
			return fmt.Errorf("container %s that nobody touched: %w", id[:12], err)
		}
		if !seen.State.Running || seen.State.StartedAt != since {
			return fmt.Errorf("container %s that nobody touched ran since %s, now: %s", id[:12], since, Show(seen.State))
		}
	}
	return nil
}

// Single expects one live container at most for every container of every task.
func Single(live map[string]string) error {
	seen := map[string]string{}
	for id, what := range live {
		if other, ok := seen[what]; ok {
			return fmt.Errorf("%s runs twice: %s and %s", what, id[:12], other[:12])
		}
		seen[what] = id
	}
	return nil
}

// orphanGrace is how long a container may run that no task wants.
const orphanGrace = 30 * time.Second

// Orphans remembers since when containers run that no task wants.
type Orphans map[string]time.Time

// Look fails for a container that has run for longer than the grace although its task is unknown or STOPPED. Time
// without a daemon counts too: restarts are short.
func (o Orphans) Look(ctx context.Context, d *Daemon, cluster string, live map[string]string) error {
	wanted, err := d.wanted(ctx, cluster, live)
	if err != nil {
		return err
	}
	for id := range o {
		if live[id] == "" {
			delete(o, id)
		}
	}
	for id, what := range live {
		task, _, _ := strings.Cut(what, " ")
		since, ok := o[id]
		switch {
		case wanted[task]:
			delete(o, id)
		case !ok:
			o[id] = time.Now()
		case time.Since(since) > orphanGrace:
			return fmt.Errorf("container %s of %s has no task for %s", id[:12], what, time.Since(since))
		}
	}
	return nil
}

// wanted says which of the tasks whose containers live are there and not STOPPED.
func (d *Daemon) wanted(ctx context.Context, cluster string, live map[string]string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, what := range live {
		task, _, _ := strings.Cut(what, " ")
		out[task] = false
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(out)), 100) {
		said, err := d.Client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: some})
		if err != nil {
			return nil, err
		}
		for _, task := range said.Tasks {
			out[*task.TaskArn] = *task.LastStatus != "STOPPED"
		}
	}
	return out, nil
}

// Agree expects Docker, the links of this host and the API to tell the same story of a cluster that nothing changes.
func (d *Daemon) Agree(ctx context.Context, cluster string, agents ...string) error {
	running, err := d.Tasks(ctx, cluster, "", types.DesiredStatusRunning)
	if err != nil {
		return err
	}
	var want, have []string
	own := 0
	for _, task := range running {
		if *task.LastStatus != "RUNNING" {
			return fmt.Errorf("task %s is %s: %s", *task.TaskArn, *task.LastStatus, Show(task))
		}
		if IP(task) != "" {
			own++
		}
		for _, c := range task.Containers {
			want = append(want, *task.TaskArn+" "+*c.Name)
		}
	}
	live, err := d.Live(ctx, agents...)
	if err != nil {
		return err
	}
	for _, what := range live {
		have = append(have, what)
	}
	sort.Strings(want)
	sort.Strings(have)
	if strings.Join(want, "\n") != strings.Join(have, "\n") {
		return fmt.Errorf("the API runs %s, Docker %s", Show(want), Show(have))
	}
	return d.furniture(ctx, own)
}

// furniture expects as many links as tasks with addresses, and no more pause containers than those and the pool.
func (d *Daemon) furniture(ctx context.Context, own int) error {
	links := d.Links()
	if len(links) != own {
		return fmt.Errorf("%d tasks have addresses, %d links are there: %v", own, len(links), links)
	}
	found, err := d.Engine.Containers(ctx, d.Ours())
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
	if pauses < own || pauses > own+PoolSize {
		return fmt.Errorf("%d tasks have addresses, %d pause containers run", own, pauses)
	}
	return nil
}
