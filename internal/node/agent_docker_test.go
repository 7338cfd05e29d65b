//go:build docker

package node

import (
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker/dockertest"
)

func TestAPayloadBecomesARunningContainerAndItsEndIsReported(t *testing.T) {
	s := newServer(t)
	cfg := agentConfig(t, s, t.TempDir())
	cfg.Tasks.Engine = dockertest.Engine(t)
	cfg.Tasks.Installation = dockertest.Installation(t, cfg.Tasks.Engine)
	cfg.Metrics = time.Second
	a, _ := run(t, cfg)
	c := acs.Container{
		Name: "web", Image: dockertest.Image, Essential: true, Command: []string{"serve", "80"}, Memory: 64,
		PortMappings: []acs.PortMapping{{ContainerPort: 80, Protocol: "tcp"}},
		DockerConfig: &acs.DockerConfig{HostConfig: `{"NetworkMode":"bridge"}`, Version: "1.25"},
	}
	tk := acs.Task{ARN: testTask, TaskClusterARN: testCluster, Family: "f", Version: "1", DesiredStatus: "RUNNING",
		Containers: []acs.Container{c}}
	s.send(payload(1, tk))
	s.until("RUNNING", func() bool {
		got := s.submitted(testTask)
		return len(got) > 0 && got[0]["status"] == "RUNNING"
	})
	s.mu.Lock()
	first := s.submitted(testTask)[0]["containers"].([]any)[0].(map[string]any)
	s.mu.Unlock()
	binding := first["networkBindings"].([]any)[0].(map[string]any)
	if first["runtimeId"] == "" || binding["hostPort"].(float64) < 1 {
		t.Fatalf("%v", first)
	}
	url := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(int(binding["hostPort"].(float64))))
	eventually(t, "the published port answers", func() bool {
		res, err := http.Get(url)
		return err == nil && res.Body.Close() == nil
	})
	s.until("metrics", func() bool {
		for _, m := range s.telemetry {
			p, ok := m.(*acs.PublishMetricsRequest)
			if ok && len(p.TaskMetrics) > 0 && p.TaskMetrics[0].ContainerMetrics[0].MemoryStatsSet.Max > 0 {
				return true
			}
		}
		return false
	})
	tk.DesiredStatus, tk.Containers = "STOPPED", nil
	s.send(payload(2, tk))
	s.until("STOPPED", func() bool {
		got := s.submitted(testTask)
		return got[len(got)-1]["status"] == "STOPPED"
	})
	eventually(t, "the accepted task is cleaned up", func() bool { return len(a.Snapshots()) == 0 })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal("never: " + what)
		}
	}
}

func TestAHungEngineDoesNotStopHeartbeatsAndALostOneIsFoundAgain(t *testing.T) {
	s := newServer(t)
	cfg := agentConfig(t, s, t.TempDir())
	real := dockertest.Engine(t)
	install := dockertest.Installation(t, real)
	p := newProxy(t, filepath.Join(t.TempDir(), "p.sock"))
	cfg.Tasks.Engine = p.engine(t)
	cfg.Tasks.Installation = install
	_, _ = run(t, cfg)
	tk := acs.Task{ARN: testTask, Family: "f", Version: "1", DesiredStatus: "RUNNING", Containers: []acs.Container{
		{Name: "a", Image: dockertest.Image, Essential: true},
	}}
	s.send(payload(1, tk))
	s.until("RUNNING", func() bool { return len(s.submitted(testTask)) > 0 })
	p.set(hang)
	s.send(payload(2, acs.Task{ARN: testTask, DesiredStatus: "STOPPED"}))
	s.send(&acs.HeartbeatMessage{MessageID: "during"})
	s.until("a heartbeat while the engine hangs", s.frame(func(m acs.Message) bool {
		h, ok := m.(*acs.HeartbeatAckRequest)
		return ok && h.MessageID == "during"
	}))
	s.mu.Lock()
	if n := len(s.submitted(testTask)); n != 1 {
		t.Errorf("STOPPED was claimed while nobody could know: %v", s.submitted(testTask))
	}
	s.mu.Unlock()
	p.set(pass)
	s.until("STOPPED", func() bool {
		got := s.submitted(testTask)
		return got[len(got)-1]["status"] == "STOPPED"
	})
}
