package dispatch

import (
	"cmp"
	"time"

	"longshore/internal/state"
)

// report is what an agent says of a task, in our own terms.
type report struct {
	Status             state.Status // PENDING, RUNNING, STOPPED; empty says nothing of the task itself
	Reason             string
	Containers         []containerReport
	Attached           []string // attachment ARNs
	PullStartedAt      time.Time
	PullStoppedAt      time.Time
	ExecutionStoppedAt time.Time
}

type containerReport struct {
	Name, RuntimeID, ImageDigest, Reason string
	Status                               state.Status
	ExitCode                             *int
	Bindings                             []state.NetworkBinding
}

// Reasons in ECS's own words.
const (
	reasonEssentialExited = "Essential container in task exited"
	reasonFailedToStart   = "Task failed to start"
)

// observe writes a report into a task and says whether anything changed. The task is the caller's own copy.
// A status only moves forward: a late or doubled report changes nothing.
func observe(t *state.Task, r report, now time.Time) bool {
	if t.Last == state.Stopped {
		return false
	}
	changed := observeContainers(t, r)
	changed = set(&t.PullStartedAt, r.PullStartedAt) || changed
	changed = set(&t.PullStoppedAt, r.PullStoppedAt) || changed
	if t.Connectivity != "CONNECTED" {
		t.Connectivity, t.ConnectivityAt, changed = "CONNECTED", now, true
	}
	if len(r.Attached) > 0 && t.Interface != nil && t.Interface.Status != "ATTACHED" {
		t.Interface.Status, changed = "ATTACHED", true
	}
	switch {
	case r.Status == state.Stopped:
		stopped(t, r, now)
		changed = true
	case r.Status == state.Running && t.Last.Rank() < state.Running.Rank():
		t.Last, t.StartedAt, changed = state.Running, now, true
		if t.Interface != nil {
			t.Interface.Status = "ATTACHED"
		}
	case r.Status == state.Pending && t.Last.Rank() < state.Pending.Rank():
		t.Last, changed = state.Pending, true
	}
	if changed {
		t.Version++
	}
	return changed
}

func observeContainers(t *state.Task, r report) bool {
	changed := false
	for _, c := range r.Containers {
		for i := range t.Containers {
			if t.Containers[i].Name == c.Name {
				changed = observeContainer(&t.Containers[i], c) || changed
			}
		}
	}
	return changed
}

func observeContainer(c *state.TaskContainer, r containerReport) bool {
	changed := false
	if r.RuntimeID != "" && c.RuntimeID != r.RuntimeID {
		c.RuntimeID, changed = r.RuntimeID, true
	}
	if r.ImageDigest != "" && c.ImageDigest != r.ImageDigest {
		c.ImageDigest, changed = r.ImageDigest, true
	}
	// What keeps a container from coming up passes; why it stopped stays.
	current := r.Status.Rank() >= c.Last.Rank() || r.Status == "" && r.Reason != ""
	if current && c.Reason != cut(r.Reason) && (r.Reason != "" || c.Last != state.Stopped) {
		c.Reason, changed = cut(r.Reason), true
	}
	if r.ExitCode != nil && c.ExitCode == nil {
		c.ExitCode, changed = r.ExitCode, true
	}
	if len(r.Bindings) > 0 {
		c.NetworkBindings, changed = r.Bindings, true
	}
	if r.Status.Rank() > c.Last.Rank() {
		c.Last, changed = r.Status, true
	}
	return changed
}

// stopped ends the task: the agent says so only when the last process is gone, so its resources are free.
func stopped(t *state.Task, r report, now time.Time) {
	for i := range t.Containers {
		t.Containers[i].Last = state.Stopped
	}
	if t.Desired != state.Stopped {
		code, reason := whyStopped(t, r)
		t.Stop(code, reason, now)
	}
	if !set(&t.ExecutionStoppedAt, r.ExecutionStoppedAt) {
		set(&t.ExecutionStoppedAt, now)
	}
	t.Last, t.StoppedAt, t.Released, t.Waiting = state.Stopped, now, now, nil
	if t.Interface != nil {
		t.Interface.Status = "DELETED"
	}
}

// whyStopped finds the code and the sentence for a task that ended without being asked to (API_Task,
// stopCode): a container that ran and exited is one story, one that never ran another.
func whyStopped(t *state.Task, r report) (code, reason string) {
	if !t.StartedAt.IsZero() || allRan(t) {
		return state.StopEssentialExited, cmp.Or(cut(r.Reason), reasonEssentialExited)
	}
	if r.Reason != "" {
		return state.StopFailedToStart, cut(r.Reason)
	}
	for _, c := range t.Containers {
		if c.Reason != "" {
			return state.StopFailedToStart, c.Reason
		}
	}
	return state.StopFailedToStart, reasonFailedToStart
}

// allRan says whether a task that was never reported RUNNING ran all the same, too short to be seen: some
// container has an exit code, and none was kept from starting.
func allRan(t *state.Task) bool {
	ran := false
	for _, c := range t.Containers {
		if c.ExitCode == nil && c.Reason != "" {
			return false
		}
		ran = ran || c.ExitCode != nil
	}
	return ran
}

// taskHealth sums up the containers' health: only essential containers with a health check count, and the
// worst of them decides (API_Task, healthStatus).
func taskHealth(t *state.Task, td *state.TaskDefinition) string {
	checked, healthy := 0, 0
	for i := range td.Containers {
		c := &td.Containers[i]
		if !c.Essential || !hasHealthCheck(c) {
			continue
		}
		checked++
		switch containerHealth(t, c.Name) {
		case state.HealthUnhealthy:
			return state.HealthUnhealthy
		case state.HealthHealthy:
			healthy++
		}
	}
	if checked == 0 || healthy < checked {
		return state.HealthUnknown
	}
	return state.HealthHealthy
}

func containerHealth(t *state.Task, name string) string {
	for _, c := range t.Containers {
		if c.Name == name {
			return c.Health
		}
	}
	return ""
}

// maxReason is the length that the API gives a reason (API_Container, reason).
const maxReason = 1024

func cut(s string) string {
	r := []rune(s)
	if len(r) > maxReason {
		return string(r[:maxReason])
	}
	return s
}

func set(field *time.Time, v time.Time) bool {
	if v.IsZero() || !field.IsZero() {
		return false
	}
	*field = v
	return true
}
