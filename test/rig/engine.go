//go:build e2e

package rig

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

// EngineSocket is where the machine's Docker Engine listens.
const EngineSocket = "/var/run/docker.sock"

// Engine asks Docker itself: the tests' oracle shares no code with the product.
type Engine struct{ http *http.Client }

func NewEngine(socket string) Engine {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return Engine{&http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: time.Minute}}
}

// Container as Docker lists it.
type Container struct {
	ID, Image, State string
	Names            []string
	Labels           map[string]string
}

func (c Container) Task() string { return c.Labels["longshore.task"] }
func (c Container) Name() string { return c.Labels["longshore.container"] }

// Truth is what Docker knows about one container.
type Truth struct {
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

func (e Engine) Do(ctx context.Context, method, path string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://docker/v1.40"+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-tar")
	}
	if _, ok := body.(*strings.Reader); ok {
		req.Header.Set("Content-Type", "application/json")
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

func (e Engine) Ping(ctx context.Context) error { return e.Do(ctx, http.MethodGet, "/_ping", nil, nil) }

func (e Engine) Load(ctx context.Context, archive io.Reader) error {
	return e.Do(ctx, http.MethodPost, "/images/load?quiet=1", archive, nil)
}

func filter(label string) string {
	f, _ := json.Marshal(map[string][]string{"label": {label}})
	return url.QueryEscape(string(f))
}

// Containers carrying the label, dead ones too.
func (e Engine) Containers(ctx context.Context, label string) ([]Container, error) {
	var out []Container
	err := e.Do(ctx, http.MethodGet, "/containers/json?all=1&filters="+filter(label), nil, &out)
	return out, err
}

func (e Engine) Inspect(ctx context.Context, id string) (Truth, error) {
	var out Truth
	err := e.Do(ctx, http.MethodGet, "/containers/"+id+"/json", nil, &out)
	return out, err
}

// Act does something to a container behind the back of Longshore: kill, stop?t=1, pause, rename?name=x.
func (e Engine) Act(ctx context.Context, id, what string) error {
	return e.Do(ctx, http.MethodPost, "/containers/"+id+"/"+what, nil, nil)
}

func (e Engine) Remove(ctx context.Context, id string) error {
	return e.Do(ctx, http.MethodDelete, "/containers/"+id+"?force=1&v=1", nil, nil)
}

func (e Engine) Volumes(ctx context.Context, label string) ([]string, error) {
	var out struct{ Volumes []struct{ Name string } }
	err := e.Do(ctx, http.MethodGet, "/volumes?filters="+filter(label), nil, &out)
	var names []string
	for _, v := range out.Volumes {
		names = append(names, v.Name)
	}
	return names, err
}

// Say sends JSON, or nothing where it is "", behind the back of Longshore.
func (e Engine) Say(ctx context.Context, method, path, text string) error {
	if text == "" {
		return e.Do(ctx, method, path, nil, nil)
	}
	return e.Do(ctx, method, path, strings.NewReader(text), nil)
}

// Prune removes the containers with a label that have ended, as `docker container prune` does.
func (e Engine) Prune(ctx context.Context, label string) error {
	return e.Do(ctx, http.MethodPost, "/containers/prune?filters="+filter(label), nil, nil)
}

// Printed says whether a container has written something to stdout.
func (e Engine) Printed(ctx context.Context, id, text string) error {
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
