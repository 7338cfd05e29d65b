package taskrun

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"longshore/internal/node/docker"
)

func TestATaskThatEndsDuringAListingLeavesNoOrphan(t *testing.T) {
	var log bytes.Buffer
	var m *Machine
	removed := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			m.mu.Lock()
			delete(m.runners, "task")
			m.mu.Unlock()
			fmt.Fprintf(w, `[{"Id":"c","State":"exited","Labels":{%q:"task"}}]`, docker.LabelTask)
		case r.Method == http.MethodDelete:
			removed++
		}
	}))
	defer s.Close()
	engine, err := docker.New(docker.Config{Log: slog.New(slog.DiscardHandler),
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.Listener.Addr().String())
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	m = New(Config{Engine: engine, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	m.ctx, m.manifest = t.Context(), map[string]string{}
	close(m.listed)
	m.runners["task"] = &runner{m: m, arn: "task"}
	m.relist(t.Context())
	m.wg.Wait()
	if removed > 0 || strings.Contains(log.String(), "no task claims") {
		t.Errorf("%d removed:\n%s", removed, &log)
	}
	m.relist(t.Context()) // it is still there: nobody's
	m.wg.Wait()
	if removed != 1 {
		t.Errorf("an orphan was removed %d times:\n%s", removed, &log)
	}
}
