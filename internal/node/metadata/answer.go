package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"longshore/internal/acs"
)

// unknown is the answer to an endpoint id that nobody has. The statuses are those of the ECS agent: v4 says
// 404; v3 says 500 for metadata and 400 for the rest.
func (q *request) unknown(handler, what string) {
	status := http.StatusNotFound
	if q.version == v3 {
		status = http.StatusBadRequest
		if strings.HasSuffix(handler, "metadata handler") {
			status = http.StatusInternalServerError
		}
	}
	q.reply(status, fmt.Sprintf("V%d %s: unable to get %s from v3 endpoint ID: %s", q.version, handler, what, q.id))
}

const (
	noContainer = "container ID from request: unable to get docker ID"
	noTask      = "task arn from request: unable to get task Arn"
)

func (s *Server) container(q *request) {
	if q.view == nil {
		q.unknown("container metadata handler", noContainer)
		return
	}
	c, ok := q.view.find("")
	if !ok {
		// Registered, and Docker has not made it yet.
		q.reply(http.StatusInternalServerError,
			fmt.Sprintf("unable to generate metadata for container '%s'", q.view.container))
		return
	}
	q.reply(http.StatusOK, containerDoc(q.view.spec, c, q.version))
}

func (s *Server) task(q *request) {
	if q.view == nil {
		q.unknown("task metadata handler", noTask)
		return
	}
	d := s.taskDoc(q.view, q.version)
	if q.path == "taskWithTags" || q.path == "metadataWithTags" {
		s.addTags(q, &d)
	}
	q.reply(http.StatusOK, d)
}

// addTags never fails the answer: what went wrong is in Errors.
func (s *Server) addTags(q *request, d *taskDocument) {
	get := func(field, arn string) map[string]string {
		err := errors.New("tags are not available on this node")
		if s.cfg.Tags != nil && arn != "" {
			var tags map[string]string
			tags, err = s.cfg.Tags.Tags(q.r.Context(), arn)
			if err == nil {
				return tags
			}
		}
		d.Errors = append(d.Errors, tagError{
			ErrorField: field, ErrorCode: "ServerException", ErrorMessage: err.Error(),
			StatusCode: http.StatusInternalServerError, ResourceARN: arn,
		})
		return nil
	}
	d.TaskTags = get("TaskTags", d.TaskARN)
	d.ContainerInstanceTags = get("ContainerInstanceTags", s.cfg.InstanceARN)
}

// byAddressAnswer serves v2, where the path may name a container of the task by its Docker id.
func (s *Server) byAddressAnswer(q *request) {
	if q.view == nil {
		q.reply(http.StatusBadRequest,
			fmt.Sprintf("Unable to get task arn from request: unable to associate '%s' with task", q.from))
		return
	}
	if q.id == "" {
		if q.path == "stats" {
			s.taskStats(q)
			return
		}
		s.task(q)
		return
	}
	c, ok := q.view.find(q.id)
	switch {
	case !ok && q.path == "stats":
		q.reply(http.StatusBadRequest, fmt.Sprintf("Unable to get container stats for: %s", q.id))
	case !ok:
		q.reply(http.StatusBadRequest, fmt.Sprintf("Unable to generate metadata for container '%s'", q.id))
	case q.path == "stats":
		q.view.container = c.Name
		s.containerStats(q)
	default:
		q.reply(http.StatusOK, containerDoc(q.view.spec, c, v2))
	}
}

func (s *Server) containerStats(q *request) {
	if q.view == nil {
		q.unknown("container handler", noTask)
		return
	}
	c, ok := q.view.find("")
	if !ok {
		q.reply(http.StatusInternalServerError,
			fmt.Sprintf("Unable to get container stats for: %s", q.view.container))
		return
	}
	stats, err := s.stats(q, c)
	if err != nil {
		q.reply(http.StatusInternalServerError, fmt.Sprintf("Unable to get container stats for: %s", c.DockerID))
		return
	}
	q.reply(http.StatusOK, stats)
}

// taskStats maps Docker ids to statistics; a container that does not run has null.
func (s *Server) taskStats(q *request) {
	if q.view == nil {
		q.unknown("task stats handler", noTask)
		return
	}
	if s.cfg.Stats == nil {
		q.reply(http.StatusInternalServerError, fmt.Sprintf("Unable to get task stats for: %s", q.view.spec.ARN))
		return
	}
	all := map[string]json.RawMessage{}
	for _, c := range q.view.state.Containers {
		if c.DockerID == "" {
			continue
		}
		all[c.DockerID] = nil
		if c.KnownStatus != acs.StatusRunning {
			continue
		}
		one, err := s.stats(q, c)
		if err == nil {
			all[c.DockerID] = one
		}
	}
	q.reply(http.StatusOK, all)
}

func (s *Server) stats(q *request, c ContainerState) (json.RawMessage, error) {
	if s.cfg.Stats == nil {
		return nil, errors.New("no statistics on this node")
	}
	raw, rates, err := s.cfg.Stats.ContainerStats(q.r.Context(), c.DockerID)
	if err != nil || q.version < v4 || rates == nil {
		return raw, err
	}
	return withRates(raw, rates)
}

// withRates adds the rates as the last member of the engine's object, whatever else is in it.
func withRates(raw json.RawMessage, rates *NetworkRates) (json.RawMessage, error) {
	more, err := json.Marshal(map[string]*NetworkRates{"network_rate_stats": rates})
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(raw))
	body, ok := strings.CutSuffix(text, "}")
	if !ok || !strings.HasPrefix(text, "{") {
		return nil, errors.New("statistics are not an object")
	}
	if strings.TrimSpace(body) == "{" {
		return more, nil
	}
	return json.RawMessage(body + "," + string(more[1:])), nil
}

// associations lists names of a type, or gives one association's content.
func (s *Server) associations(q *request) {
	parts := strings.Split(q.path, "/")
	if q.view == nil {
		q.unknown("container associations handler", "container id from request: unable to get docker ID")
		return
	}
	names := map[string]acs.Association{}
	for _, a := range q.view.spec.Associations {
		if a.Type == parts[1] && slices.Contains(a.Containers, q.view.container) {
			names[a.Name] = a
		}
	}
	if len(parts) == 2 {
		q.reply(http.StatusOK, map[string][]string{"Associations": slices.Sorted(maps.Keys(names))})
		return
	}
	a, ok := names[parts[2]]
	if !ok || a.Content == nil {
		q.reply(http.StatusNotFound, fmt.Sprintf("V%d association handler: no association %s", q.version, parts[2]))
		return
	}
	q.w.Header().Set("Content-Type", "application/json")
	_, _ = q.w.Write([]byte(a.Content.Value))
}
