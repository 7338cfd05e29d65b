package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

type statusCommand struct {
	installation
	Cluster string   `help:"Only this cluster." placeholder:"NAME"`
	Watch   bool     `short:"w" help:"Keep looking until every service is steady."`
	Tasks   int      `help:"How many tasks of a service to show; 0 is all." default:"12"`
	Service []string `arg:"" optional:"" help:"Only these services."`
}

// Run draws the clusters once, or until they are steady.
func (c *statusCommand) Run(r *run) error {
	api, err := c.connect(r)
	if err != nil {
		return err
	}
	screen := newScreen(r)
	p := &photographer{api: api, cluster: c.Cluster, services: c.Service, known: definitions{}}
	if c.Watch {
		w := watch{photographer: p, screen: screen, now: r.Now, tasks: c.Tasks}
		_, err = w.untilSteady(r)
		return err
	}
	now, err := p.take(r)
	if err != nil {
		return err
	}
	if len(now.clusters) == 0 {
		return screen.print("no clusters yet: aws ecs create-cluster --cluster-name NAME makes one, longshore demo" +
			c.flag() + " shows one at work")
	}
	columns, _ := screen.size()
	lines := view{ink: screen.ink, now: r.Now(), tasks: c.Tasks, width: columns}.lines(now)
	for i := range lines {
		lines[i] = clip(lines[i], columns)
	}
	return screen.print(lines...)
}

// watch shows services coming up: redrawn in place on a terminal, one line a change elsewhere.
type watch struct {
	*photographer
	screen *screen
	now    func() time.Time
	tasks  int
}

// lookEvery is short enough to see tasks start one by one.
const lookEvery = 500 * time.Millisecond

// untilSteady returns the last picture once every service in it is steady, or an error once one has failed.
func (w watch) untilSteady(ctx context.Context) (picture, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	told, calm := story{}, patience{now: w.now}
	for {
		p, err := w.take(ctx)
		if err != nil && !calm.forgives(err) {
			return p, err
		}
		done := false
		if err == nil {
			calm.since = time.Time{}
			done, err = w.look(p, &told)
		}
		if done {
			return p, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return p, ctx.Err()
		}
	}
}

// look shows a picture and says whether it is the last.
func (w watch) look(p picture, told *story) (bool, error) {
	err := w.show(p, told)
	if err != nil {
		return true, err
	}
	return settled(p)
}

func (w watch) show(p picture, told *story) error {
	if w.screen.live {
		columns, _ := w.screen.size()
		return w.screen.draw(view{ink: w.screen.ink, now: w.now(), tasks: w.tasks, width: columns}.lines(p))
	}
	return w.screen.print(told.news(p, w.now())...)
}

// settled says whether there is nothing left to wait for.
func settled(p picture) (bool, error) {
	done := true
	var err error
	for _, c := range p.clusters {
		for _, s := range c.services {
			reason := failed(s.info)
			if reason != "" {
				err = errors.Join(err, fmt.Errorf("the deployment of %s failed: %s; longshore events %s --cluster %s says more",
					val(s.info.ServiceName), strings.TrimSuffix(reason, "."), val(s.info.ServiceName), val(c.info.ClusterName)))
			}
			done = done && (steady(s.info) || reason != "" || val(s.info.Status) == "INACTIVE")
		}
	}
	if !done {
		return false, nil
	}
	return true, err
}
