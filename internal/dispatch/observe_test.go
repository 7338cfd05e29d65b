package dispatch

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/acs"
	"longshore/internal/state"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func placed() *state.Task {
	cluster := state.NewClusterKey(state.Scope{Account: "000000000000", Region: "us-east-1"}, "prod")
	return &state.Task{
		Key: state.NewTaskKey(cluster, "0123456789abcdef0123456789abcdef"), Last: state.Pending,
		Desired: state.Running, Instance: state.NewInstanceKey(cluster, "11112222333344445555666677778888"),
		Containers: []state.TaskContainer{{Name: "web", ID: "c1", Last: state.Pending}, {Name: "side", ID: "c2"}},
	}
}

func code(n int) *int { return &n }

func TestWhyATaskStopped(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*state.Task)
		report report
		code   string
		reason string
	}{
		"an essential container of a running task exits": {
			before: func(t *state.Task) { t.Last, t.StartedAt = state.Running, noon },
			report: report{Status: state.Stopped, Containers: []containerReport{{Name: "web", Status: state.Stopped, ExitCode: code(3)}}},
			code:   state.StopEssentialExited, reason: "Essential container in task exited",
		},
		"a container that exits before RUNNING was reported has run all the same": {
			report: report{Status: state.Stopped, Containers: []containerReport{{Name: "web", Status: state.Stopped, ExitCode: code(0)}}},
			code:   state.StopEssentialExited, reason: "Essential container in task exited",
		},
		"an image that cannot be pulled": {
			report: report{Status: state.Stopped, Containers: []containerReport{
				{Name: "web", Status: state.Stopped, Reason: "CannotPullContainerError: no such image"}}},
			code: state.StopFailedToStart, reason: "CannotPullContainerError: no such image",
		},
		"a dependency fails, so that the essential container never starts": {
			report: report{Status: state.Stopped, Containers: []containerReport{
				{Name: "side", Status: state.Stopped, ExitCode: code(3)},
				{Name: "web", Status: state.Stopped, Reason: "TaskDependencyError: side exited with 3"}}},
			code: state.StopFailedToStart, reason: "TaskDependencyError: side exited with 3",
		},
		"a task that the agent cannot use": {
			report: report{Status: state.Stopped, Reason: "UnrecognizedTaskError: unknown volume type"},
			code:   state.StopFailedToStart, reason: "UnrecognizedTaskError: unknown volume type",
		},
		"a task that ends without a word": {
			report: report{Status: state.Stopped}, code: state.StopFailedToStart, reason: "Task failed to start",
		},
		"a task that was told to stop keeps the first reason": {
			before: func(t *state.Task) { t.Stop(state.StopUserInitiated, "by hand", noon) },
			report: report{Status: state.Stopped, Containers: []containerReport{{Name: "web", ExitCode: code(137)}}},
			code:   state.StopUserInitiated, reason: "by hand",
		},
	} {
		t.Run(name, func(t *testing.T) {
			task := placed()
			if c.before != nil {
				c.before(task)
			}
			if !observe(task, c.report, noon) {
				t.Fatal("the report changed nothing")
			}
			if task.StopCode != c.code || task.StoppedReason != c.reason {
				t.Errorf("stopped with %s %q, want %s %q", task.StopCode, task.StoppedReason, c.code, c.reason)
			}
			if task.Last != state.Stopped || task.Released.IsZero() || task.StoppedAt.IsZero() || task.Desired != state.Stopped {
				t.Errorf("the end is not complete: %+v", task)
			}
		})
	}
}

func TestWhatAContainerWaitsForPasses(t *testing.T) {
	task := placed()
	const waits = "Docker Engine has not answered yet (create)"
	for _, c := range []struct {
		status     state.Status
		says, want string
	}{
		{state.Pending, waits, waits}, {state.Running, "", ""}, {state.Pending, waits, ""}, // a report that comes late
		{state.Stopped, "OutOfMemoryError", "OutOfMemoryError"}, {state.Stopped, "", "OutOfMemoryError"},
	} {
		observe(task, report{Containers: []containerReport{{Name: "web", Status: c.status, Reason: c.says}}}, noon)
		if task.Containers[0].Reason != c.want {
			t.Fatalf("after %s %q it says %q, want %q", c.status, c.says, task.Containers[0].Reason, c.want)
		}
	}
}

// A late, doubled or reordered report never moves a task or container backwards.
func TestStatusesOnlyMoveForward(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		task := placed()
		statuses := []state.Status{"", state.Pending, state.Running, state.Stopped}
		for range rapid.IntRange(1, 12).Draw(rt, "reports") {
			last, container, version := task.Last, task.Containers[0].Last, task.Version
			changed := observe(task, report{
				Status: rapid.SampledFrom(statuses).Draw(rt, "task"),
				Containers: []containerReport{{
					Name: "web", Status: rapid.SampledFrom(statuses).Draw(rt, "container"), RuntimeID: "abc"}},
			}, noon)
			if task.Last.Rank() < last.Rank() || task.Containers[0].Last.Rank() < container.Rank() {
				rt.Fatalf("moved back: task %s → %s, container %s → %s", last, task.Last, container, task.Containers[0].Last)
			}
			if changed != (task.Version > version) {
				rt.Fatalf("changed=%v but version went from %d to %d", changed, version, task.Version)
			}
			if last == state.Stopped && changed {
				rt.Fatal("a stopped task was changed")
			}
		}
	})
}

func TestOnlyEssentialContainersWithAHealthCheckCount(t *testing.T) {
	check := &state.HealthCheck{Command: []string{"CMD", "true"}}
	td := &state.TaskDefinition{Containers: []state.Container{
		{Name: "a", Essential: true, HealthCheck: check}, {Name: "b", Essential: true, HealthCheck: check},
		{Name: "plain", Essential: true}, {Name: "side", HealthCheck: check}}}
	for _, c := range []struct{ a, b, side, want string }{
		{"", "", "", "UNKNOWN"},
		{"HEALTHY", "", "UNHEALTHY", "UNKNOWN"},
		{"HEALTHY", "HEALTHY", "UNHEALTHY", "HEALTHY"},
		{"HEALTHY", "UNHEALTHY", "HEALTHY", "UNHEALTHY"},
		{"UNKNOWN", "UNHEALTHY", "HEALTHY", "UNHEALTHY"},
	} {
		task := &state.Task{Containers: []state.TaskContainer{
			{Name: "a", Health: c.a}, {Name: "b", Health: c.b}, {Name: "plain"}, {Name: "side", Health: c.side}}}
		if got := taskHealth(task, td); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestOverridesAreMergedIntoThePayload(t *testing.T) {
	task := placed()
	task.LaunchType = state.LaunchFargate
	task.Overrides.Containers = []state.ContainerOverride{{
		Name: "web", Command: []string{"serve"}, Memory: code(64),
		Environment: []state.KeyValue{{Name: "B", Value: "2"}, {Name: "A", Value: "over"}},
	}}
	td := &state.TaskDefinition{
		Key:         state.NewFamilyKey(state.Scope{Account: "000000000000", Region: "us-east-1"}, "web").Revision(7),
		NetworkMode: "awsvpc",
		Containers: []state.Container{{Name: "web", Image: "web:1", Command: []string{"old"}, Memory: 32,
			Environment: []state.KeyValue{{Name: "A", Value: "base"}}, Essential: true,
			LogConfiguration: &state.LogConfiguration{Driver: "awslogs", Options: map[string]string{"awslogs-group": "g"}}}},
	}
	p := renderTask(task, td)
	c := p.Containers[0]
	if p.Family != "web" || p.Version != "7" || p.DesiredStatus != acs.StatusRunning || p.NetworkMode != "awsvpc" {
		t.Errorf("task: %+v", p)
	}
	if len(c.Command) != 1 || c.Command[0] != "serve" || c.Memory != 64 {
		t.Errorf("command and memory: %+v", c)
	}
	if c.Environment["A"] != "over" || c.Environment["B"] != "2" || c.Environment["AWS_EXECUTION_ENV"] != "AWS_ECS_FARGATE" {
		t.Errorf("environment: %v", c.Environment)
	}
	if c.Longshore == nil || c.Longshore.LogOptions["awslogs-group"] != "g" {
		t.Errorf("logs: %+v", c.Longshore)
	}
	if td.Containers[0].Environment[0].Value != "base" || td.Containers[0].Command[0] != "old" {
		t.Error("the task definition's record was changed")
	}
}
