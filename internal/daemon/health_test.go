package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// brittle is an engine whose disk can break.
type brittle struct {
	memory.Engine
	broken error
}

func (e *brittle) Commit(ctx context.Context, b store.Batch) error {
	if e.broken != nil {
		return e.broken
	}
	return e.Engine.Commit(ctx, b)
}

// health is what the daemon says of itself.
func (r *rig) health() (int, healthReport) {
	w := httptest.NewRecorder()
	r.d.plane.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://"+r.host+"/_longshore/health", nil))
	report := healthReport{}
	err := json.Unmarshal(w.Body.Bytes(), &report)
	if err != nil {
		r.Fatalf("%v: %s", err, w.Body)
	}
	return w.Code, report
}

func TestHealthIsReadOnlyAfterAWriteThatFailedForGood(t *testing.T) {
	disk := &brittle{}
	r := newRigOn(t, "memory", disk)
	r.must("CreateCluster", map[string]any{"clusterName": "kept"})
	status, before := r.health()
	if status != http.StatusOK || before.Status != "ok" {
		t.Fatalf("as long as writes pass: %d %+v", status, before)
	}

	disk.broken = errors.New("input/output error")
	for range 2 { // a store that has stopped stays so
		w := httptest.NewRecorder()
		r.d.plane.Handler().ServeHTTP(w, r.request("CreateCluster", []byte(`{"clusterName":"lost"}`)))
		if w.Code != http.StatusInternalServerError {
			t.Errorf("a write on a broken disk: %d %s", w.Code, w.Body)
		}
		status, after := r.health()
		if status != http.StatusServiceUnavailable || after.Status != "read-only" {
			t.Errorf("after a write that failed: %d %+v", status, after)
		}
		if after.Revision != before.Revision {
			t.Errorf("revision %d became %d by a write that failed", before.Revision, after.Revision)
		}
		disk.broken = nil
	}

	var shown struct {
		Clusters []struct{ ClusterName string }
		Failures []struct{ Reason string }
	}
	err := json.Unmarshal(r.must("DescribeClusters", map[string]any{"clusters": []string{"kept", "lost"}}), &shown)
	if err != nil || len(shown.Clusters) != 1 || shown.Clusters[0].ClusterName != "kept" || len(shown.Failures) != 1 {
		t.Errorf("reads go on with what is durable: %+v %v", shown, err)
	}
}
