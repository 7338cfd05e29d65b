package docker

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Two sweeps may meet at one container: the engine refuses the second removal while the first is at work.
func TestARemovalThatIsUnderWayIsWaitedFor(t *testing.T) {
	waited := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"message":"removal of container abc is already in progress"}`)
		case strings.HasSuffix(r.URL.Path, "/containers/abc/wait") && r.URL.Query().Get("condition") == "removed":
			waited = true
			_, _ = io.WriteString(w, `{"StatusCode":0}`)
		}
	}))
	defer s.Close()
	e, err := New(Config{Log: slog.New(slog.DiscardHandler), Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.Listener.Addr().String())
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	err = e.Remove(t.Context(), "abc")
	if err != nil || !waited {
		t.Errorf("got %v; waited: %v", err, waited)
	}
}
