package node

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"longshore/internal/acs"
	"longshore/internal/node/taskrun"
)

const testTask = "arn:aws:ecs:us-east-1:000000000000:task/default/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func payload(seq int64, tasks ...acs.Task) *acs.PayloadMessage {
	return &acs.PayloadMessage{
		MessageID: "p" + string(rune('0'+seq)), ClusterARN: testCluster, ContainerInstanceARN: testInstance, SeqNum: seq,
		Tasks: tasks,
	}
}

func TestAnAgentRegistersConnectsAndAnswersHeartbeats(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	_, _ = run(t, agentConfig(t, s, dir))
	s.send(&acs.HeartbeatMessage{MessageID: "h1", Healthy: true})
	s.until("heartbeat ack", s.frame(func(m acs.Message) bool {
		h, ok := m.(*acs.HeartbeatAckRequest)
		return ok && h.MessageID == "h1"
	}))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[0].op != "RegisterContainerInstance" || !strings.Contains(s.calls[0].auth, "/us-east-1/ecs/aws4_request") {
		t.Fatalf("first call %+v", s.calls[0])
	}
	q, err := url.ParseQuery(s.queries[0])
	if err != nil || q.Get("containerInstanceArn") != testInstance || q.Get("sendCredentials") != "true" ||
		q.Get("protocolVersion") != "2" || q.Get("dockerVersion") != "DockerVersion: 20.10.24" {
		t.Fatalf("query %s", s.queries[0])
	}
	info, err := os.Stat(filepath.Join(dir, identityFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("identity file: %v %v", info, err)
	}
}

func TestARestartedAgentKeepsItsNameAndItsBoundKeys(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	_, stop := run(t, agentConfig(t, s, dir))
	s.send(&acs.LongshoreInstanceCredentialsMessage{
		AccessKeyID: "BOUND", SecretAccessKey: "x", Expiration: time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	})
	s.send(&acs.HeartbeatMessage{MessageID: "after"})
	s.until("heartbeat ack", s.frame(func(m acs.Message) bool { return m.MessageType() == "HeartbeatAckRequest" }))
	_ = stop()
	s.note(func() { s.calls = nil })
	_, _ = run(t, agentConfig(t, s, dir))
	s.until("registered again", func() bool { return len(s.calls) > 0 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[0].body["containerInstanceArn"] != testInstance || !strings.Contains(s.calls[0].auth, "Credential=BOUND/") {
		t.Fatalf("%+v", s.calls[0])
	}
}

func TestAServerThatForgotTheInstanceGetsANewOne(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	_, stop := run(t, agentConfig(t, s, dir))
	s.until("connected", func() bool { return s.conn != nil })
	_ = stop()
	s.note(func() { s.conn, s.calls = nil, nil })
	s.fail = func(op string, body map[string]any) (int, string) {
		if op == "RegisterContainerInstance" && body["containerInstanceArn"] != nil {
			return http.StatusBadRequest, "ClientException"
		}
		return 0, ""
	}
	_, _ = run(t, agentConfig(t, s, dir))
	s.until("connected as a new instance", func() bool { return s.conn != nil })
}

func TestADeregisteredInstanceEndsTheAgent(t *testing.T) {
	s := newServer(t)
	s.upgrade = func() (int, string) { return http.StatusBadRequest, `{"InactiveInstanceException":"gone"}` }
	dir := t.TempDir()
	a, err := New(agentConfig(t, s, dir))
	if err != nil {
		t.Fatal(err)
	}
	err = a.Run(t.Context())
	if !errors.Is(err, ErrDeregistered) {
		t.Fatalf("got %v", err)
	}
	_, err = os.Stat(filepath.Join(dir, identityFile))
	if !os.IsNotExist(err) {
		t.Fatal("the identity of a deregistered instance was kept")
	}
}

func TestAStopForAnUnknownTaskIsAnsweredOnceTheEngineWasAsked(t *testing.T) {
	s := newServer(t)
	cfg := agentConfig(t, s, t.TempDir())
	cfg.Tasks.Engine = emptyEngine(t)
	_, _ = run(t, cfg)
	s.send(payload(1, acs.Task{ARN: testTask, DesiredStatus: acs.StatusStopped}))
	s.until("ack", s.frame(func(m acs.Message) bool {
		ack, ok := m.(*acs.AckRequest)
		return ok && ack.MessageID == "p1" && ack.Cluster == testCluster && ack.ContainerInstance == testInstance
	}))
	s.until("STOPPED", func() bool {
		for _, b := range s.submitted(testTask) {
			if b["status"] == "STOPPED" && strings.HasPrefix(b["reason"].(string), "TaskStateError") {
				return true
			}
		}
		return false
	})
}

func TestAPayloadWithoutIdentifiersIsIgnored(t *testing.T) {
	s := newServer(t)
	_, _ = run(t, agentConfig(t, s, t.TempDir()))
	s.send(&acs.PayloadMessage{MessageID: "bad", Tasks: []acs.Task{{ARN: testTask, DesiredStatus: "RUNNING"}}})
	s.send(&acs.HeartbeatMessage{MessageID: "h"})
	s.until("heartbeat ack", s.frame(func(m acs.Message) bool { return m.MessageType() == "HeartbeatAckRequest" }))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.frames {
		if m.MessageType() == "AckRequest" {
			t.Fatal("it was acked")
		}
	}
}

func TestAManifestAsksBeforeItStopsAndAnOldOneIsDiscarded(t *testing.T) {
	s := newServer(t)
	_, _ = run(t, agentConfig(t, s, t.TempDir())) // its engine is away: the task waits
	s.send(payload(5, acs.Task{ARN: testTask, DesiredStatus: "RUNNING", Containers: []acs.Container{{Name: "a", Image: "x"}}}))
	manifest := func(id string, timeline int64) *acs.TaskManifestMessage {
		return &acs.TaskManifestMessage{
			MessageID: id, ClusterARN: testCluster, ContainerInstanceARN: testInstance, Timeline: timeline,
		}
	}
	s.send(manifest("old", 5))
	s.send(manifest("new", 6))
	s.until("verification", s.frame(func(m acs.Message) bool {
		v, ok := m.(*acs.TaskStopVerificationMessage)
		return ok && v.MessageID == "new" && len(v.StopCandidates) == 1 && v.StopCandidates[0].TaskARN == testTask
	}))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.frames {
		ack, ok := m.(*acs.AckRequest)
		if ok && ack.MessageID == "old" {
			t.Fatal("an old manifest was acked")
		}
	}
}

func TestUpdatesAreRefused(t *testing.T) {
	s := newServer(t)
	_, _ = run(t, agentConfig(t, s, t.TempDir()))
	s.send(&acs.StageUpdateMessage{MessageID: "u", ClusterARN: testCluster, ContainerInstanceARN: testInstance})
	s.until("nack", s.frame(func(m acs.Message) bool {
		n, ok := m.(*acs.NackRequest)
		return ok && n.MessageID == "u" && n.Reason == "Updates are disabled"
	}))
}

func TestAClosedSessionIsReopenedWithoutAskingForCredentialsAgain(t *testing.T) {
	s := newServer(t)
	_, _ = run(t, agentConfig(t, s, t.TempDir()))
	s.until("connected", func() bool { return s.conn != nil })
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	_ = conn.Close(websocket.StatusNormalClosure, "")
	s.until("reconnected", func() bool { return s.dials == 2 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.Contains(s.queries[1], "sendCredentials=false") {
		t.Fatalf("query %s", s.queries[1])
	}
}

func TestAStateChangeIsRepeatedUntilAcceptedAndNeverSentTwice(t *testing.T) {
	s := newServer(t)
	tries := 0
	s.fail = func(op string, _ map[string]any) (int, string) {
		if op != "SubmitTaskStateChange" {
			return 0, ""
		}
		tries++
		if tries <= 3 {
			return http.StatusBadRequest, "ThrottlingException"
		}
		return 0, ""
	}
	a, _ := run(t, agentConfig(t, s, t.TempDir()))
	s.until("connected", func() bool { return s.conn != nil })
	snap := taskrun.Snapshot{TaskARN: testTask, ClusterARN: testCluster, Status: acs.StatusRunning, Containers: []taskrun.ContainerSnapshot{
		{Name: "a", RuntimeID: "abc", Status: acs.StatusRunning, Bindings: []taskrun.Binding{
			{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 50000, Protocol: "tcp"},
		}},
	}}
	a.submit.add(snap)
	a.submit.add(snap)
	end := snap
	code := 3
	end.Status = acs.StatusStopped
	end.Containers = []taskrun.ContainerSnapshot{{Name: "a", RuntimeID: "abc", Status: acs.StatusStopped, ExitCode: &code}}
	a.submit.add(end)
	s.until("both", func() bool { return len(s.submitted(testTask)) == 5 })
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.submitted(testTask)
	if got[3]["status"] != "RUNNING" || got[4]["status"] != "STOPPED" {
		t.Fatalf("order: %v", got)
	}
	last := got[4]["containers"].([]any)[0].(map[string]any)
	if last["exitCode"] != 3.0 || last["status"] != "STOPPED" {
		t.Fatalf("%v", last)
	}
}

func TestHealthIsPublishedAsItChangesAndMetricsPeriodically(t *testing.T) {
	s := newServer(t)
	a, _ := run(t, agentConfig(t, s, t.TempDir()))
	s.until("idle metrics", func() bool {
		for _, m := range s.telemetry {
			p, ok := m.(*acs.PublishMetricsRequest)
			if ok && p.Metadata.Idle && p.Metadata.Fin && p.Metadata.ContainerInstance == testInstance {
				return true
			}
		}
		return false
	})
	a.health.put(taskrun.Snapshot{TaskARN: testTask, Containers: []taskrun.ContainerSnapshot{
		{Name: "a", HealthCheck: true, Status: acs.StatusRunning, Health: acs.HealthHealthy, HealthSince: time.Now()},
	}})
	s.until("health", func() bool {
		for _, m := range s.telemetry {
			p, ok := m.(*acs.PublishHealthRequest)
			if ok && p.Tasks[0].Containers[0].HealthStatus == acs.HealthHealthy {
				return true
			}
		}
		return false
	})
}

func TestAnAttributeTheServerLosesEndsTheRegistration(t *testing.T) {
	err := echoed([]attribute{{"ecs.os-type", "linux"}, {Name: "flag"}}, []attribute{{Name: "flag"}})
	if err == nil || !strings.Contains(err.Error(), "ecs.os-type") {
		t.Fatalf("got %v", err)
	}
	err = echoed([]attribute{{Name: "flag"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnUnreadableIdentityIsSetAside(t *testing.T) {
	dir := t.TempDir()
	err := os.WriteFile(filepath.Join(dir, identityFile), []byte("{half"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	_, err = loadIdentity(root)
	if err == nil {
		t.Fatal("no error")
	}
	_, err = os.Stat(filepath.Join(dir, identityFile+".unreadable"))
	if err != nil {
		t.Fatal(err)
	}
}
