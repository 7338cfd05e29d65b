package engine_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"longshore/internal/sim/engine"
)

func BenchmarkTheEnginesShareOfAnInspectionAndAList(b *testing.B) {
	ids := 0
	sim := engine.New(engine.Config{
		Now: time.Now, NewID: func() string { ids++; return fmt.Sprintf("%064x", ids) }, Log: slog.New(slog.DiscardHandler),
	})
	sim.AddImage("sim/web")
	h := sim.Handler()
	call := func(method, path, body string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		if w.Code >= http.StatusBadRequest {
			b.Fatal(w.Body)
		}
	}
	for range 20 {
		call("POST", "/v1.41/containers/create", `{"Image":"sim/web","Labels":{"a":"b"},"HostConfig":{}}`)
		call("POST", fmt.Sprintf("/v1.41/containers/%064x/start", ids), "")
	}
	for b.Loop() {
		call("GET", "/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D", "")
		call("GET", fmt.Sprintf("/v1.41/containers/%064x/json", ids), "")
	}
}
