package docker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestRawConfigWinsOverPlainFieldsAndTheLastWordWinsOverBoth(t *testing.T) {
	s := Spec{
		Image: "img", Command: []string{"plain"}, MemoryBytes: 5, Env: []string{"A=1"}, ExtraEnv: []string{"B=2"},
		RawConfig:     `{"Cmd":["raw"],"Labels":{"x":"y","longshore.task":"forged"},"User":"7"}`,
		RawHostConfig: `{"Memory":9,"NetworkMode":"bridge","RestartPolicy":{"Name":"always"},"AutoRemove":true}`,
		Labels:        map[string]string{LabelTask: "real"},
		CgroupParent:  "/ecs/t",
	}
	cfg, host, err := s.build()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Cmd[0] != "raw" || cfg.User != "7" || host.Memory != 9 || host.NetworkMode != "bridge" {
		t.Fatalf("raw lost: %+v %+v", cfg, host)
	}
	if cfg.Labels["x"] != "y" || cfg.Labels[LabelTask] != "real" || host.CgroupParent != "/ecs/t" {
		t.Fatalf("last word lost: %+v", cfg.Labels)
	}
	if host.AutoRemove || host.RestartPolicy.Name != "no" {
		t.Fatal("the engine may restart or remove the container by itself")
	}
	if cfg.Env[0] != "A=1" || cfg.Env[1] != "B=2" {
		t.Fatalf("env %v", cfg.Env)
	}
}

func TestATaskCannotTakeOurLabelsOrVariables(t *testing.T) {
	cfg, host, err := Spec{
		Image: "i", Env: []string{"A=1", "URI=theirs", "B=2"}, ExtraEnv: []string{"URI=ours"}, OpenFiles: 9,
		Labels: map[string]string{LabelTask: "t"}, RawConfig: `{"Labels":{"longshore.role":"pause","longshore.x":"y","a":"b"}}`,
	}.build()
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Labels) != 2 || cfg.Labels["a"] != "b" || cfg.Labels[LabelTask] != "t" {
		t.Errorf("labels %v", cfg.Labels)
	}
	if !slices.Equal(cfg.Env, []string{"A=1", "B=2", "URI=ours"}) {
		t.Errorf("environment %v", cfg.Env)
	}
	if len(host.Ulimits) != 1 || host.Ulimits[0].Hard != 9 {
		t.Errorf("ulimits %v", host.Ulimits)
	}
	raw := `{"Ulimits":[{"Name":"nofile","Soft":1,"Hard":2}]}`
	_, host, err = Spec{Image: "i", OpenFiles: 9, RawHostConfig: raw}.build()
	if err != nil || len(host.Ulimits) != 1 || host.Ulimits[0].Hard != 2 || !NamesLimit(raw, "nofile") {
		t.Errorf("ulimits %v, %v", host.Ulimits, err)
	}
}

func TestAnImageHealthCheckIsDisabledUnlessTheTaskDefinitionHasOne(t *testing.T) {
	cfg, _, err := Spec{Image: "i"}.build()
	if err != nil || cfg.Healthcheck.Test[0] != "NONE" {
		t.Fatalf("%+v %v", cfg, err)
	}
	raw := `{"Healthcheck":{"Test":["CMD","x"],"Interval":5000000000}}`
	cfg, _, err = Spec{Image: "i", RawConfig: raw}.build()
	if err != nil || cfg.Healthcheck.Test[0] != "CMD" || cfg.Healthcheck.Interval != 5*time.Second {
		t.Fatalf("%+v %v", cfg, err)
	}
	if !HasHealthCheck(raw) || HasHealthCheck(`{}`) || HasHealthCheck("") {
		t.Fatal("HasHealthCheck is wrong")
	}
}

func TestADigestIsThatOfTheRepositoryAskedFor(t *testing.T) {
	have := []string{"other/x@sha256:1", "reg:5000/app@sha256:2"}
	cases := map[string]string{"reg:5000/app:v1": "sha256:2", "app": "sha256:2", "zzz": "sha256:1"}
	for ref, want := range cases {
		if got := digestFor(ref, have); got != want {
			t.Errorf("%s: got %s want %s", ref, got, want)
		}
	}
}

// stub serves Engine API calls over a unix socket.
func stub(t *testing.T, h http.HandlerFunc) *Engine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	e, err := New(Config{
		Host: "unix://" + path, Log: slog.New(slog.DiscardHandler),
		Timeouts: Timeouts{Quick: 200 * time.Millisecond, Create: 200 * time.Millisecond, PullIdle: 100 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAHungEngineCallEndsAtItsDeadline(t *testing.T) {
	e := stub(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := e.Inspect(t.Context(), "x")
	if !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %v", err)
	}
}

func TestAPullWithoutProgressIsGivenUp(t *testing.T) {
	e := stub(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"status":"Pulling"}`+"\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	err := e.Pull(t.Context(), "reg.example/x:1", Auth{})
	if !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %v", err)
	}
}

func TestACreateThatAnswers500AfterDoingItIsFound(t *testing.T) {
	e := stub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"message":"lost my mind"}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"Id":"abc","Config":{"Labels":{"longshore.installation":"n","longshore.task":"t"}}}`)
	})
	got, err := e.Create(t.Context(), Spec{Name: "a", Image: "i", Labels: map[string]string{LabelInstallation: "n", LabelTask: "t"}})
	if err != nil || got.ID != "abc" || !got.Adopted {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestAnEngineThatIsDownIsUnavailable(t *testing.T) {
	e, err := New(Config{Host: "unix:///nonexistent/d.sock", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.List(t.Context(), nil)
	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestATimeoutNamesItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &Engine{}
		ctx, cancel := e.within(t.Context(), time.Second, "start")
		defer cancel()
		<-ctx.Done()
		err := classify(ctx, "start", context.DeadlineExceeded)
		if !errors.Is(err, ErrTimeout) || err.Error() != "docker start did not end within 1s" {
			t.Fatal(err)
		}
	})
}
