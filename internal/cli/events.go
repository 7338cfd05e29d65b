package cli

import (
	"slices"
	"strings"
	"time"

	"longshore/internal/gen/ecswire"
)

type eventsCommand struct {
	installation
	Cluster string   `help:"Only this cluster." placeholder:"NAME"`
	Follow  bool     `short:"f" help:"Wait for further events."`
	Service []string `arg:"" optional:"" help:"Only these services."`
}

// serviceEvent is an event and whose it is.
type serviceEvent struct {
	ecswire.ServiceEvent
	cluster, service string
}

// Run prints events, oldest first.
func (c *eventsCommand) Run(r *run) error {
	api, err := c.connect(r)
	if err != nil {
		return err
	}
	p := &photographer{api: api, cluster: c.Cluster, services: c.Service}
	screen := newScreen(r)
	seen, calm := map[string]bool{}, patience{now: r.Now}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		all, err := p.events(r)
		if err != nil && (!c.Follow || !calm.forgives(err)) {
			return err
		}
		if err == nil {
			calm.since = time.Time{}
			err = screen.print(newLines(screen.ink, all, seen)...)
			if err != nil || !c.Follow {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-r.Done():
			return r.Context.Err()
		}
	}
}

// newLines are the events that have not been told yet.
func newLines(ink palette, all []serviceEvent, seen map[string]bool) []string {
	var lines []string
	for _, e := range all {
		if !seen[val(e.Id)] {
			lines = append(lines, eventLine(ink, e))
		}
		seen[val(e.Id)] = true
	}
	return lines
}

// events are those of every service that was asked for, oldest first.
func (p *photographer) events(r *run) ([]serviceEvent, error) {
	clusters, err := p.describeClusters(r)
	if err != nil {
		return nil, err
	}
	out := picture{}
	var all []serviceEvent
	for _, c := range clusters {
		services, err := p.describeServices(r, val(c.ClusterArn))
		if err != nil {
			return nil, err
		}
		one := clusterPicture{info: c}
		for _, s := range services {
			one.services = append(one.services, servicePicture{info: s})
			for _, e := range s.Events {
				all = append(all, serviceEvent{e, val(c.ClusterName), val(s.ServiceName)})
			}
		}
		out.clusters = append(out.clusters, one)
	}
	slices.Reverse(all) // the API answers the newest first
	slices.SortStableFunc(all, func(a, b serviceEvent) int {
		if a.CreatedAt == nil || b.CreatedAt == nil {
			return 0
		}
		return a.CreatedAt.Compare(b.CreatedAt.Time)
	})
	return all, p.missing(out)
}

func eventLine(ink palette, e serviceEvent) string {
	at := ""
	if e.CreatedAt != nil {
		at = e.CreatedAt.Local().Format("2006-01-02 15:04:05")
	}
	code := ""
	switch m := val(e.Message); {
	case strings.Contains(m, "steady state"):
		code = green
		if strings.Contains(m, "unable") {
			code = red
		}
	case strings.Contains(m, "unable"), strings.Contains(m, "failed"), strings.Contains(m, "unhealthy"):
		code = red
	}
	return ink.paint(faint, at) + "  " + ink.paint(cyan, e.cluster+"/"+e.service) + "  " + ink.paint(code, clean(val(e.Message)))
}
