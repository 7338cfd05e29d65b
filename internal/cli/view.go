package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
)

// view turns pictures into lines.
type view struct {
	ink   palette
	now   time.Time
	tasks int // of one service that are shown
	width int // columns; 0 is no bound
}

// How much of what may be long is shown.
const (
	barWidth      = 24
	shownFailures = 3
	shownEvents   = 2
)

// longID is a task or instance id in a sentence; status shows the short form everywhere.
var longID = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

// lines draws a picture, cluster by cluster.
func (v view) lines(p picture) []string {
	var out []string
	for i, c := range p.clusters {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, v.cluster(c))
		for _, s := range c.services {
			out = append(out, "")
			out = append(out, v.service(s, p.of)...)
		}
		if len(c.loose) > 0 {
			out = append(out, "", "  "+v.ink.paint(strong, "tasks of no service"))
			out = append(out, v.table(c.loose, p.of)...)
		}
	}
	return out
}

func (v view) cluster(c clusterPicture) string {
	parts := []string{
		count(val(c.info.ActiveServicesCount), "service"),
		fmt.Sprintf("%s running", count(val(c.info.RunningTasksCount), "task")),
	}
	if n := val(c.info.PendingTasksCount); n > 0 {
		parts = append(parts, fmt.Sprintf("%d pending", n))
	}
	parts = append(parts, count(val(c.info.RegisteredContainerInstancesCount), "instance"))
	away := ""
	if c.away > 0 {
		away = v.ink.paint(red, fmt.Sprintf(", %d not connected", c.away))
	}
	return v.ink.paint(strong+";"+cyan, val(c.info.ClusterName)) + "  " + v.ink.paint(faint, strings.Join(parts, " · ")) + away
}

func (v view) service(s servicePicture, of definitions) []string {
	out := []string{"  " + v.ink.paint(strong, val(s.info.ServiceName)) + "  " + v.state(s.info)}
	out = append(out, v.deployments(s.info)...)
	out = append(out, v.table(s.tasks, of)...)
	if steady(s.info) {
		return out
	}
	out = append(out, v.failures(s.failed)...)
	for _, e := range recent(s.info) {
		said := strings.TrimPrefix(clean(val(e.Message)), "(service "+val(s.info.ServiceName)+") ")
		out = append(out, v.note(faint, fmt.Sprintf("    %s ago: ", v.since(e.CreatedAt)), brief(said))...)
	}
	return out
}

// recent are the newest events of the newest deployment; older ones would only confuse.
func recent(s ecswire.Service) []ecswire.ServiceEvent {
	var out []ecswire.ServiceEvent
	for _, e := range s.Events {
		old := len(s.Deployments) > 0 && s.Deployments[0].CreatedAt != nil && e.CreatedAt != nil &&
			e.CreatedAt.Before(s.Deployments[0].CreatedAt.Time)
		if old || len(out) == shownEvents {
			break
		}
		out = append(out, e)
	}
	return out
}

// state is one word on a service, and what it is made of.
func (v view) state(s ecswire.Service) string {
	word, code := "catching up", yellow
	switch {
	case val(s.Status) != "" && val(s.Status) != "ACTIVE":
		word = strings.ToLower(val(s.Status))
	case failed(s) != "":
		word, code = "failed", red
	case steady(s):
		word, code = "steady", green
	case len(s.Deployments) > 1 || len(s.Deployments) == 1 && val(s.Deployments[0].RolloutState) == "IN_PROGRESS":
		word = "deploying"
	}
	kind := val(s.LaunchType)
	if kind == "" && len(s.CapacityProviderStrategy) > 0 {
		kind = val(s.CapacityProviderStrategy[0].CapacityProvider)
	}
	amount := fmt.Sprintf("%d of %d running", val(s.RunningCount), val(s.DesiredCount))
	if val(s.RunningCount) > val(s.DesiredCount) {
		amount = fmt.Sprintf("%d running, %d wanted", val(s.RunningCount), val(s.DesiredCount))
	}
	return v.ink.paint(code, word) + v.ink.paint(faint, " · "+cmp.Or(kind, "EC2")+" · "+amount)
}

// deployments draws one bar for each; the old ones shrink against what the service wants.
func (v view) deployments(s ecswire.Service) []string {
	var rows [][]cell
	for _, d := range s.Deployments {
		whole := max(val(d.DesiredCount), val(s.DesiredCount), val(d.RunningCount)+val(d.PendingCount))
		amount := fmt.Sprintf("%d/%d", val(d.RunningCount), val(d.DesiredCount))
		code, state := green, strings.ToLower(strings.ReplaceAll(cmp.Or(val(d.RolloutState), val(d.Status)), "_", " "))
		if val(d.Status) != "PRIMARY" {
			amount = fmt.Sprintf("%d left", val(d.RunningCount)+val(d.PendingCount))
			code, state = faint, "being replaced"
		}
		if n := val(d.FailedTasks); n > 0 {
			state += fmt.Sprintf(" · %d failed", n)
		}
		if val(d.RolloutState) == "FAILED" {
			code = red
		}
		rows = append(rows, []cell{
			{text: last(val(d.TaskDefinition)), code: strong},
			{text: bar(val(d.RunningCount), val(d.PendingCount), whole), code: code},
			{text: amount},
			{text: state, code: faint},
			{text: v.since(d.CreatedAt), code: faint},
		})
	}
	return v.rows(rows)
}

// bar shows what runs, what starts, and what is missing of a whole.
func bar(running, pending, whole int32) string {
	if whole <= 0 {
		return strings.Repeat("░", barWidth)
	}
	full := int(running) * barWidth / int(whole)
	half := min(int(running+pending)*barWidth/int(whole), barWidth) - full
	full = min(full, barWidth)
	return strings.Repeat("█", full) + strings.Repeat("▒", max(half, 0)) + strings.Repeat("░", barWidth-full-max(half, 0))
}

// table lists tasks, the newest last, and says how many are left out.
func (v view) table(tasks []ecswire.Task, of definitions) []string {
	var rows [][]cell
	shown, hidden := v.choose(tasks)
	for _, t := range shown {
		rows = append(rows, v.task(t, of))
	}
	out := v.rows(rows)
	for _, reason := range waits(shown) {
		out = append(out, v.note(yellow, "      waits: ", reason)...)
	}
	if hidden > 0 {
		out = append(out, v.ink.paint(faint, fmt.Sprintf("    … and %d more; --tasks %d shows all", hidden, len(tasks))))
	}
	return out
}

// choose prefers tasks that do not just run: they are what one looks for.
func (v view) choose(tasks []ecswire.Task) ([]ecswire.Task, int) {
	if v.tasks <= 0 || len(tasks) <= v.tasks {
		return tasks, 0
	}
	room := v.tasks
	keep := make([]bool, len(tasks))
	for pass := range 2 {
		for i, t := range tasks {
			plain := val(t.LastStatus) == "RUNNING" && val(t.DesiredStatus) == "RUNNING"
			if room > 0 && !keep[i] && plain == (pass == 1) {
				keep[i] = true
				room--
			}
		}
	}
	var out []ecswire.Task
	for i, t := range tasks {
		if keep[i] {
			out = append(out, t)
		}
	}
	return out, len(tasks) - len(out)
}

// since is the time that has passed, in the one unit that matters.
func (v view) since(t *wire.Timestamp) string {
	if t == nil {
		return ""
	}
	return span(v.now.Sub(t.Time))
}

func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " d"
}

func count(n int32, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
