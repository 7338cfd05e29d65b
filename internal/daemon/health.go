package daemon

import (
	"encoding/json"
	"net/http"
	"runtime"
	"runtime/metrics"
)

// healthReport is what GET /_longshore/health answers. Status is "ok" as long as the daemon serves; after a write that
// failed for good it is "read-only", with status 503: reads go on, and a new start takes writes again. Off names what
// this machine cannot do, and why. Goroutines and HeapLive are what a leak shows in first.
type healthReport struct {
	Status   string   `json:"status"`
	Revision uint64   `json:"revision"`
	Off      []string `json:"off,omitempty"`
	// Leads and Unreachable are told where several servers share the records: whether this one runs the loops, and
	// whether it cannot reach them now.
	Leads       *bool `json:"leads,omitempty"`
	Unreachable bool  `json:"unreachable,omitempty"`

	Goroutines int    `json:"goroutines"`
	HeapLive   uint64 `json:"heapLive"` // bytes that the last garbage collection found in use
}

func (d *Daemon) health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	report := healthReport{Status: "ok", Revision: d.store.View().Revision(), Off: d.off(),
		Goroutines: runtime.NumGoroutine(), HeapLive: heapLive()}
	if d.store.Stopped() != nil {
		report.Status = "read-only"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if d.etcd != nil {
		leads := d.leads.Load()
		report.Leads, report.Unreachable = &leads, d.store.Away()
	}
	_ = json.NewEncoder(w).Encode(report) // the client may be gone; there is nobody left to tell
}

func heapLive() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0 // a Go release without this figure
	}
	return s[0].Value.Uint64()
}
