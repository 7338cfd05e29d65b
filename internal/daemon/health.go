package daemon

import (
	"encoding/json"
	"net/http"
)

// healthReport is what GET /_longshore/health answers. Status is "ok" as long as the daemon serves; Off names
// what this machine cannot do, and why.
type healthReport struct {
	Status   string   `json:"status"`
	Revision uint64   `json:"revision"`
	Off      []string `json:"off,omitempty"`
}

func (d *Daemon) health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	report := healthReport{Status: "ok", Revision: d.store.View().Revision(), Off: d.off()}
	_ = json.NewEncoder(w).Encode(report) // the client may be gone; there is nobody left to tell
}
