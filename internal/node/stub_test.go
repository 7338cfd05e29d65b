package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coder/websocket"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
	"longshore/internal/node/taskrun"
)

const (
	testCluster  = "arn:aws:ecs:us-east-1:000000000000:cluster/default"
	testInstance = "arn:aws:ecs:us-east-1:000000000000:container-instance/default/0123456789abcdef0123456789abcdef"
)

// server is a control plane of a few lines: it records every call and frame, and sends what a test tells it to.
type server struct {
	t   *testing.T
	url string

	mu        sync.Mutex
	changed   chan struct{}
	calls     []call
	frames    []acs.Message // from ACS
	telemetry []acs.Message // from TCS
	conn      *websocket.Conn
	dials     int
	queries   []string
	fail      func(op string, body map[string]any) (int, string) // 0 = answer normally
	upgrade   func() (int, string)
}

type call struct {
	op   string
	auth string
	body map[string]any
}

func newServer(t *testing.T) *server {
	s := &server{t: t, changed: make(chan struct{})}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *server) note(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/jobs/ws", "/tele/ws":
		s.socket(w, r)
		return
	}
	op := r.Header.Get("X-Amz-Target")[len("AmazonEC2ContainerServiceV20141113."):]
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.note(func() { s.calls = append(s.calls, call{op: op, auth: r.Header.Get("Authorization"), body: body}) })
	if s.fail != nil {
		status, kind := s.fail(op, body)
		if status != 0 {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"__type":"%s","message":"as told"}`, kind)
			return
		}
	}
	switch op {
	case "RegisterContainerInstance":
		_ = json.NewEncoder(w).Encode(map[string]any{"containerInstance": map[string]any{
			"containerInstanceArn": testInstance, "attributes": body["attributes"],
		}})
	case "DiscoverPollEndpoint":
		_ = json.NewEncoder(w).Encode(map[string]any{"endpoint": s.url + "/jobs", "telemetryEndpoint": s.url + "/tele"})
	default:
		_, _ = w.Write([]byte(`{"acknowledgment":"ACCEPT"}`))
	}
}

func (s *server) socket(w http.ResponseWriter, r *http.Request) {
	work := r.URL.Path == "/jobs/ws"
	if work && s.upgrade != nil {
		status, body := s.upgrade()
		if status != 0 {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return
		}
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	conn.SetReadLimit(1 << 20)
	if work {
		s.note(func() { s.conn, s.dials, s.queries = conn, s.dials+1, append(s.queries, r.URL.RawQuery) })
	}
	for {
		_, data, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		frame, err := acs.ParseSigned(data, acs.Limits{})
		if err != nil {
			s.t.Errorf("frame: %v", err)
			return
		}
		m, err := acs.Decode(frame.Body, acs.Limits{})
		if err != nil {
			s.t.Errorf("frame: %v", err)
			return
		}
		if !work && frame.Header.Get("Authorization") == "" {
			s.t.Error("a telemetry frame is not signed")
		}
		s.note(func() {
			if work {
				s.frames = append(s.frames, m)
			} else {
				s.telemetry = append(s.telemetry, m)
			}
		})
	}
}

// until waits for a condition over what was recorded; ok runs with the lock held.
func (s *server) until(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		done, changed := ok(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("never happened: %s\ncalls %v\nframes %#v", what, s.calls, s.frames)
		}
	}
}

func (s *server) send(m acs.Message) {
	s.t.Helper()
	s.until("connected", func() bool { return s.conn != nil })
	data, err := acs.Encode(m)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	err = conn.Write(s.t.Context(), websocket.MessageText, data)
	if err != nil {
		s.t.Fatal(err)
	}
}

// submitted returns the bodies of SubmitTaskStateChange for a task; the lock must be held.
func (s *server) submitted(task string) []map[string]any {
	var out []map[string]any
	for _, c := range s.calls {
		if c.op == "SubmitTaskStateChange" && c.body["task"] == task {
			out = append(out, c.body)
		}
	}
	return out
}

func (s *server) frame(ok func(acs.Message) bool) func() bool {
	return func() bool {
		for _, m := range s.frames {
			if ok(m) {
				return true
			}
		}
		return false
	}
}

type fixedKeys struct{ id string }

func (k fixedKeys) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: k.id, SecretAccessKey: "secret"}, nil
}

// agentConfig is an agent of the server whose engine does not exist, unless the test brings one.
func agentConfig(t *testing.T, s *server, dir string) Config {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	engine, err := docker.New(docker.Config{Host: "unix:///nonexistent/docker.sock", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	n := 0
	newID := func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("id-%d", n)
	}
	return Config{
		Server: s.url, Region: "us-east-1", Credentials: fixedKeys{"JOIN"}, DataDir: root, DockerVersion: "20.10.24",
		Attributes: map[string]string{"rack": "a1"}, Resources: Resources{CPU: 2048, MemoryMiB: 4096},
		Metrics: 200 * time.Millisecond,
		Now:     time.Now, NewID: newID, Rand: rand.Float64, Log: log,
		Tasks: taskrun.Config{
			Engine: engine, Installation: "test", Ports: taskrun.NewPorts(0, 0, taskrun.ProbeHost),
			Slots: taskrun.NewSlots(0, 0), Now: time.Now, NewID: newID, Log: log, Retain: 50 * time.Millisecond,
		},
	}
}

// run runs an agent until the test ends or stop is called; stop returns what Run returned.
func run(t *testing.T, cfg Config) (a *Agent, stop func() error) {
	t.Helper()
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return a, stop
}
