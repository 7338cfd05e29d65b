//go:build e2e

package params

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func none(volumes string) error {
	if strings.Contains(volumes, `"Name"`) {
		return fmt.Errorf("there are %s", volumes)
	}
	return nil
}

type moments struct {
	State struct {
		StartedAt, FinishedAt time.Time
		ExitCode              int
		Health                *struct{ Status string }
	}
	RestartCount int
}

func (k task) moments(t *testing.T, name string) moments {
	t.Helper()
	var m moments
	engine(t, "GET", "/containers/"+k.container(t, name)+"/json", nil, &m)
	return m
}

func seeOrder(t *testing.T, r *rig) {
	k := r.run(t, `"volumes":[{"name":"v"}],"containerDefinitions":[
		{"name":"last","image":"IMAGE","memory":32,"dependsOn":[{"containerName":"done","condition":"SUCCESS"},
			{"containerName":"failed","condition":"COMPLETE"},{"containerName":"well","condition":"HEALTHY"},
			{"containerName":"up","condition":"START"}]},
		{"name":"up","image":"IMAGE","memory":32},
		{"name":"done","image":"IMAGE","memory":32,"essential":false,"command":["exit","0","300ms"]},
		{"name":"failed","image":"IMAGE","memory":32,"essential":false,"command":["exit","9","500ms"]},
		{"name":"well","image":"IMAGE","memory":32,"mountPoints":[{"sourceVolume":"v","containerPath":"/v"}],
			"command":["see","write /v/ok"],
			"healthCheck":{"command":["CMD","/look","check","/v/ok"],"interval":5,"timeout":2,"retries":2,"startPeriod":1}}]`, "")
	k = r.until(t, k, "RUNNING")
	last := k.moments(t, "last").State.StartedAt
	for name, at := range map[string]time.Time{"up": k.moments(t, "up").State.StartedAt,
		"done": k.moments(t, "done").State.FinishedAt, "failed": k.moments(t, "failed").State.FinishedAt} {
		if !last.After(at) {
			t.Errorf("last started at %s, before %s at %s", last, name, at)
		}
	}
	well := k.inspect(t, "well")
	hold(t, well, "Config.Healthcheck", `{"Test":["CMD","/look","check","/v/ok"],"Interval":5000000000,
		"Timeout":2000000000,"Retries":2,"StartPeriod":1000000000}`)
	if d := last.Sub(k.moments(t, "well").State.StartedAt); d < 4*time.Second {
		t.Errorf("last did not wait for the first check of well: %s", d)
	}
	for _, c := range k.Containers {
		if c.Name == "failed" && (c.ExitCode == nil || *c.ExitCode != 9) {
			t.Errorf("exit code of failed: %v", c.ExitCode)
		}
		if c.Name == "well" {
			same(t, "health of well", c.HealthStatus, "HEALTHY")
		}
	}
	r.when(t, k, "HEALTHY", func(k task) bool { return k.HealthStatus == "HEALTHY" }, func(task) bool { return true })
}

func seeStartTimeout(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[
		{"name":"slow","image":"IMAGE","memory":32,"essential":false,"startTimeout":2},
		{"name":"main","image":"IMAGE","memory":32,"dependsOn":[{"containerName":"slow","condition":"SUCCESS"}]}]`, "")
	k = r.until(t, k, "STOPPED")
	same(t, "stop code", k.StopCode, "TaskFailedToStart")
	contains(t, "reason", k.StoppedReason+k.Containers[0].Reason+k.Containers[1].Reason, "startTimeout of 2 s")
}

func seeStopTimeout(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[{"name":"main","image":"IMAGE","memory":32,"command":["deaf"],"stopTimeout":2}]`, "")
	k = r.until(t, k, "RUNNING")
	began := time.Now()
	r.ecs(t, "StopTask", `{"cluster":"params","task":"`+k.TaskARN+`","reason":"enough"}`, nil)
	k = r.until(t, k, "STOPPED")
	if d := time.Since(began); d < 2*time.Second || d > 10*time.Second {
		t.Errorf("the stop took %s", d)
	}
	same(t, "exit code", *k.Containers[0].ExitCode, 137)
	same(t, "reason", k.StopCode+" "+k.StoppedReason, "UserInitiated enough")
}

func seeChecks(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[
		{"name":"none","image":"IMAGE","memory":32,"healthCheck":{"command":["NONE"]}},
		{"name":"absent","image":"IMAGE","memory":32},
		{"name":"sick","image":"IMAGE","memory":32,"healthCheck":{"command":["CMD-SHELL","exit 1"],"interval":5,"retries":1}}]`, "")
	k = r.until(t, k, "RUNNING")
	hold(t, k.inspect(t, "none"), "Config.Healthcheck.Test", `["NONE"]`)
	hold(t, k.inspect(t, "absent"), "Config.Healthcheck.Test", `["NONE"]`)
	hold(t, k.inspect(t, "sick"), "Config.Healthcheck.Test", `["CMD-SHELL","exit 1"]`)
	r.when(t, k, "UNHEALTHY", func(k task) bool { return k.HealthStatus == "UNHEALTHY" || k.LastStatus == "STOPPED" },
		func(k task) bool { return k.LastStatus == "RUNNING" })
}

func seeEnds(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[
		{"name":"main","image":"IMAGE","memory":32,"command":["exit","42"]},
		{"name":"side","image":"IMAGE","memory":32,"essential":false}]`, "")
	k = r.until(t, k, "STOPPED")
	same(t, "end", k.StopCode+" "+k.StoppedReason, "EssentialContainerExited Essential container in task exited")
	for _, c := range k.Containers {
		if c.Name == "main" && (c.ExitCode == nil || *c.ExitCode != 42) {
			t.Errorf("exit code of main: %v", c.ExitCode)
		}
	}
}

func seeMemory(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[{"name":"main","image":"IMAGE","memory":16,"command":["eat","64"],
		"linuxParameters":{"maxSwap":0}}]`, "")
	k = r.until(t, k, "STOPPED")
	same(t, "exit code", *k.Containers[0].ExitCode, 137)
	contains(t, "reason", k.Containers[0].Reason, "OutOfMemoryError: Container killed due to memory usage")
}
