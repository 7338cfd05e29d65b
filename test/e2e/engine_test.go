//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// engineSocket is where the machine's Docker Engine listens.
const engineSocket = "/var/run/docker.sock"

// engine asks Docker itself: the tests' oracle shares no code with the product.
type engine struct{ http *http.Client }

func newEngine(socket string) engine {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return engine{&http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: time.Minute}}
}

// container as Docker lists it.
type container struct {
	ID, Image, State string
	Names            []string
	Labels           map[string]string
}

func (c container) task() string { return c.Labels["longshore.task"] }
func (c container) name() string { return c.Labels["longshore.container"] }

// truth is what Docker knows about one container.
type truth struct {
	ID    string
	State struct {
		Status     string
		Running    bool
		OOMKilled  bool
		ExitCode   int
		Pid        int
		StartedAt  string
		FinishedAt string
	}
	HostConfig struct{ CgroupParent string }
	Config     struct {
		Labels map[string]string
		Env    []string
	}
}

func (e engine) do(ctx context.Context, method, path string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://docker/v1.40"+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-tar")
	}
	res, err := e.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask Docker Engine: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("docker %s %s: %d %s", method, path, res.StatusCode, strings.TrimSpace(string(b)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

func (e engine) load(ctx context.Context, archive io.Reader) error {
	return e.do(ctx, http.MethodPost, "/images/load?quiet=1", archive, nil)
}

func filter(label string) string {
	f, _ := json.Marshal(map[string][]string{"label": {label}})
	return url.QueryEscape(string(f))
}

// containers carrying the label, dead ones too.
func (e engine) containers(ctx context.Context, label string) ([]container, error) {
	var out []container
	err := e.do(ctx, http.MethodGet, "/containers/json?all=1&filters="+filter(label), nil, &out)
	return out, err
}

func (e engine) inspect(ctx context.Context, id string) (truth, error) {
	var out truth
	err := e.do(ctx, http.MethodGet, "/containers/"+id+"/json", nil, &out)
	return out, err
}

// printed says whether a container has written something to stdout.
func (e engine) printed(ctx context.Context, id, text string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/v1.40/containers/"+id+"/logs?stdout=1", nil)
	if err != nil {
		return err
	}
	res, err := e.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask Docker Engine: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && !strings.Contains(string(b), text) {
		err = fmt.Errorf("it has printed %q", b)
	}
	return err
}

func (e engine) kill(ctx context.Context, id string) error {
	return e.do(ctx, http.MethodPost, "/containers/"+id+"/kill?signal=KILL", nil, nil)
}

func (e engine) remove(ctx context.Context, id string) error {
	return e.do(ctx, http.MethodDelete, "/containers/"+id+"?force=1&v=1", nil, nil)
}

func (e engine) volumes(ctx context.Context, label string) ([]string, error) {
	var out struct{ Volumes []struct{ Name string } }
	err := e.do(ctx, http.MethodGet, "/volumes?filters="+filter(label), nil, &out)
	var names []string
	for _, v := range out.Volumes {
		names = append(names, v.Name)
	}
	return names, err
}
