package cli

import (
	"fmt"
	"strings"
	"time"

	"longshore/internal/gen/ecswire"
)

// story tells a rollout to a file: only what has changed since it was last told.
type story struct {
	said map[string]string
	seen map[string]bool
}

// news are the lines that a new picture adds.
func (s *story) news(p picture, now time.Time) []string {
	if s.said == nil {
		s.said, s.seen = map[string]string{}, map[string]bool{}
		s.forget(p)
	}
	var out []string
	stamp := now.Format(time.TimeOnly)
	for _, c := range p.clusters {
		for _, one := range c.services {
			who := val(c.info.ClusterName) + "/" + val(one.info.ServiceName)
			for _, e := range s.fresh(one.info.Events) {
				out = append(out, fmt.Sprintf("%s  %s  %s", stamp, who, clean(val(e.Message))))
			}
			line := progress(one.info)
			if s.said[who] != line {
				out = append(out, fmt.Sprintf("%s  %s  %s", stamp, who, line))
			}
			s.said[who] = line
		}
	}
	return out
}

// forget takes the events before the newest deployments for told.
func (s *story) forget(p picture) {
	for _, c := range p.clusters {
		for _, one := range c.services {
			for _, e := range one.info.Events {
				d := one.info.Deployments
				if len(d) == 0 || d[0].CreatedAt == nil || e.CreatedAt == nil || e.CreatedAt.Before(d[0].CreatedAt.Time) {
					s.seen[val(e.Id)] = true
				}
			}
		}
	}
}

// fresh are the events not told yet, oldest first; the API gives the newest first.
func (s *story) fresh(events []ecswire.ServiceEvent) []ecswire.ServiceEvent {
	var out []ecswire.ServiceEvent
	for i := len(events) - 1; i >= 0; i-- {
		id := val(events[i].Id)
		if !s.seen[id] {
			out = append(out, events[i])
		}
		s.seen[id] = true
	}
	return out
}

// progress is a service's rollout in one line.
func progress(s ecswire.Service) string {
	var parts []string
	for _, d := range s.Deployments {
		of := val(d.DesiredCount)
		part := fmt.Sprintf("%s %d/%d running", last(val(d.TaskDefinition)), val(d.RunningCount), of)
		if val(d.Status) != "PRIMARY" {
			part = fmt.Sprintf("%s %d left", last(val(d.TaskDefinition)), val(d.RunningCount)+val(d.PendingCount))
		}
		if n := val(d.PendingCount); n > 0 && val(d.Status) == "PRIMARY" {
			part += fmt.Sprintf(", %d starting", n)
		}
		if n := val(d.FailedTasks); n > 0 {
			part += fmt.Sprintf(", %d failed", n)
		}
		parts = append(parts, part)
	}
	line := strings.Join(parts, "; ")
	switch {
	case failed(s) != "":
		return line + ": failed"
	case steady(s):
		return line + ": steady"
	}
	return line
}
