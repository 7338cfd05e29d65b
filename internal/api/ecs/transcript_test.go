package ecs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/aws/sigv4"
	"longshore/internal/gen/ecswire"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// door is the API behind a real front, so that a transcript shows what clients see: JSON in, JSON out.
type door struct {
	api   *API
	front http.Handler
	now   time.Time
	ids   int
}

func newDoor(t testing.TB) *door {
	t.Helper()
	s, err := store.Open(context.Background(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	d := &door{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	d.api = New(Config{Store: s, Now: func() time.Time { return d.now }, NewID: d.id, NewUUID: d.id, Log: log})
	d.front, err = front.New(front.Config{
		Services: []front.Service{{Wire: ecswire.Model(), Ops: d.api.Ops(), Refused: d.refused()}},
		Keys:     sigv4.NewKeyring(nil), Hosts: []string{"ecs.test"}, Now: func() time.Time { return d.now }, NewID: d.id,
		Log: log, InsecureAcceptAny: true, Account: testScope.Account, Region: testScope.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *door) refused() map[string]string {
	out := Refused()
	for _, op := range d.api.Ops() {
		delete(out, op.Name)
	}
	return out
}

func (d *door) id() string {
	d.ids++
	return fmt.Sprintf("%032x", d.ids)
}

// call sends one request and gives the status and the body.
func (d *door) call(op, body string) (int, []byte) {
	r := httptest.NewRequest("POST", "http://ecs.test/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+op)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIATEST/20260102/us-east-1/ecs/aws4_request, "+
		"SignedHeaders=host, Signature=00")
	w := httptest.NewRecorder()
	d.front.ServeHTTP(w, r)
	d.now = d.now.Add(time.Second)
	return w.Code, w.Body.Bytes()
}

// TestTranscripts runs testdata/*.txt: blocks of "Operation {json}" or "records table", a line of dashes and the
// answer. LONGSHORE_REWRITE=1 writes the answers that came instead of comparing them.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(newDoor(t), string(text))
			if os.Getenv("LONGSHORE_REWRITE") != "" {
				err := os.WriteFile(file, []byte(got), 0o644)
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("transcript differs; with LONGSHORE_REWRITE=1 it becomes\n%s", got)
			}
		})
	}
}

func replay(d *door, text string) string {
	out := &strings.Builder{}
	skip := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			skip = false
			fmt.Fprintln(out, line)
		case skip:
		case line == "----":
		default:
			fmt.Fprintf(out, "%s\n----\n%s\n", line, d.answer(line))
			skip = true
		}
	}
	return out.String()
}

func (d *door) answer(line string) string {
	op, body, _ := strings.Cut(line, " ")
	if op == "records" {
		return d.records(body)
	}
	if body == "" {
		body = "{}"
	}
	status, answer := d.call(op, body)
	pretty := &bytes.Buffer{}
	err := json.Indent(pretty, answer, "", "  ")
	if err != nil {
		return fmt.Sprintf("%d %s", status, answer)
	}
	return fmt.Sprintf("%d\n%s", status, pretty)
}

// records prints the records of a table, without what is empty.
func (d *door) records(table string) string {
	all := []any{}
	v := d.api.Store.View()
	switch table {
	case "clusters":
		for r := range v.Clusters().All() {
			all = append(all, r)
		}
	case "taskdefinitions":
		for r := range v.TaskDefinitions().All() {
			all = append(all, r)
		}
	case "families":
		for r := range v.Families().All() {
			all = append(all, r)
		}
	case "providers":
		for r := range v.Providers().All() {
			all = append(all, r)
		}
	case "tasks":
		for r := range v.Tasks().All() {
			all = append(all, r)
		}
	case "services":
		for r := range v.Services().All() {
			all = append(all, r)
		}
	case "deployments":
		for r := range v.Deployments().All() {
			all = append(all, r)
		}
	case "servicedeployments":
		for r := range v.ServiceDeployments().All() {
			all = append(all, r)
		}
	}
	lines := []string{}
	for _, r := range all {
		text, err := json.Marshal(r)
		if err != nil {
			return err.Error()
		}
		lines = append(lines, compact(text))
	}
	return strings.Join(lines, "\n")
}

func compact(text []byte) string {
	m := map[string]json.RawMessage{}
	err := json.Unmarshal(text, &m)
	if err != nil {
		return err.Error()
	}
	parts := []string{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := string(m[k])
		if slices.Contains([]string{`""`, "null", "0", "false", `"0001-01-01T00:00:00Z"`}, v) {
			continue
		}
		parts = append(parts, k+"="+v)
	}
	return strings.Join(parts, " ")
}
