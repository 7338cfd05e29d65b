package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// demoWebCommand is what the demo's image runs.
type demoWebCommand struct {
	Port  int  `help:"Port to answer on." default:"8080"`
	Check bool `help:"Ask the server of this container whether it is well; the health check."`
}

// Run serves until SIGTERM, and lets requests at hand end.
func (c *demoWebCommand) Run(r *run) error {
	if c.Check {
		return c.check(r)
	}
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", c.Port))
	if err != nil {
		return fmt.Errorf("listen on port %d: %w", c.Port, err)
	}
	page := newDemoPage(r)
	server := &http.Server{Handler: page, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	fmt.Fprintf(r.Out, "version %s listens on port %d\n", page.version, c.Port)
	select {
	case err = <-ended:
		return err
	case <-r.Done():
	}
	fmt.Fprintln(r.Out, "told to stop, finishing what is at hand")
	drain, cancel := context.WithTimeout(context.WithoutCancel(r), 5*time.Second)
	defer cancel()
	return server.Shutdown(drain)
}

func (c *demoWebCommand) check(r *run) error {
	ctx, cancel := context.WithTimeout(r, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/health", c.Port), nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", res.Status)
	}
	return nil
}

// demoPage answers every path with what the container knows of itself.
type demoPage struct {
	r        *run
	host     string
	version  string
	metadata string
}

func newDemoPage(r *run) *demoPage {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	p := &demoPage{r: r, host: host, version: r.env("VERSION"), metadata: r.env("ECS_CONTAINER_METADATA_URI_V4")}
	if p.version == "" {
		p.version = "unknown"
	}
	return p
}

func (p *demoPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		fmt.Fprintln(w, "ok")
		return
	}
	fmt.Fprintf(p.r.Out, "%s %q from %s\n", r.Method, r.URL.Path, r.RemoteAddr)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "hello from %s, version %s\n", p.host, p.version)
	t, err := p.task(r.Context())
	switch {
	case err == nil:
		fmt.Fprintf(w, "task %s of %s:%s in %s\n", last(t.TaskARN), t.Family, t.Revision, last(t.Cluster))
	case !errors.Is(err, errNoMetadata):
		fmt.Fprintf(w, "task metadata does not answer here: %v\n", err)
	}
}

var errNoMetadata = errors.New("no metadata endpoint")

type taskMetadata struct {
	Cluster, TaskARN, Family, Revision string
}

// task asks the metadata endpoint what this container is part of.
func (p *demoPage) task(ctx context.Context) (taskMetadata, error) {
	var t taskMetadata
	if p.metadata == "" {
		return t, errNoMetadata
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.metadata+"/task", nil)
	if err != nil {
		return t, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return t, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return t, fmt.Errorf("status %s", res.Status)
	}
	return t, json.NewDecoder(res.Body).Decode(&t)
}
