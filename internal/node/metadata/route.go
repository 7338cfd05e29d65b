package metadata

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
)

// request is one request after its path was taken apart.
type request struct {
	w       http.ResponseWriter
	r       *http.Request
	from    netip.Addr
	version int
	id      string // endpoint id, credentials id or Docker id
	path    string // what follows the id, without a slash in front
	view    *view  // nil when nobody is known by the id
}

// route finds out who asks, counts the request and answers it.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		http.Error(w, "no source address", http.StatusBadRequest)
		return
	}
	q := &request{w: w, r: r, from: from.Addr().Unmap()}
	answer := s.resolve(q)
	if !s.allow(q.view) {
		http.Error(w, "You have reached maximum request limit.", http.StatusTooManyRequests)
		return
	}
	switch {
	case answer == nil:
		http.NotFound(w, r)
	case r.Method == http.MethodGet, r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/api/"):
		answer(q)
	default:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	}
}

// resolve returns what answers the path, nil for none.
func (s *Server) resolve(q *request) func(*request) {
	path := strings.TrimPrefix(q.r.URL.Path, "/")
	head, rest, _ := strings.Cut(path, "/")
	q.id, q.path, _ = strings.Cut(rest, "/")
	switch head {
	case "v1", "v2":
		return s.resolveOld(q, head, rest)
	case "v3", "v4":
		q.version = int(head[1] - '0')
		// A trailing slash is another path, and so is no path at all (/v3).
		if path == head || strings.HasSuffix(path, "/") && q.id != "" {
			return nil
		}
		q.view = s.byEndpoint(q.id, q.from)
		return s.resolveEndpoint(q)
	case "api":
		if q.path != "task-protection/v1/state" {
			return nil
		}
		q.view = s.byEndpoint(q.id, q.from)
		return s.protect
	}
	return nil
}

// resolveOld: v1 and v2 credentials go by id, v2 metadata by source address.
func (s *Server) resolveOld(q *request, head, rest string) func(*request) {
	q.version = v2
	switch {
	case head == "v1" && rest == "credentials":
		q.version, q.id = 1, q.r.URL.Query().Get("id")
		q.view = s.byCredentials(q.id, q.from)
		return s.credentials
	case head == "v2" && q.id == "credentials" && !strings.Contains(q.path, "/"):
		q.id = q.path
		q.view = s.byCredentials(q.id, q.from)
		return s.credentials
	case head == "v2" && (q.id == "metadata" || q.id == "metadataWithTags" || q.id == "stats"):
		kind := q.id
		q.id, q.path = q.path, kind
		q.view = s.byAddress(q.from)
		return s.byAddressAnswer
	}
	return nil
}

func (s *Server) resolveEndpoint(q *request) func(*request) {
	switch q.path {
	case "":
		return s.container
	case "task", "taskWithTags":
		return s.task
	case "stats":
		return s.containerStats
	case "task/stats":
		return s.taskStats
	}
	if q.version == v4 && q.path == "tasks" {
		return s.task
	}
	if q.version == v4 && q.path == "tasks/stats" {
		return s.taskStats
	}
	parts := strings.Split(q.path, "/")
	if parts[0] == "associations" && (len(parts) == 2 || len(parts) == 3) {
		return s.associations
	}
	return nil
}

// reply writes JSON; a string is how the metadata formats write their errors.
func (q *request) reply(status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(q.w, "cannot render the answer", http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", "application/json")
	q.w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = q.w.Write(data)
}
