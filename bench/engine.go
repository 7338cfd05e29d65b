package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"longshore/internal/node/docker"
)

// engine is the raw Engine API: what any program would have to wait for.
type engine struct{ client *http.Client }

func newEngine() engine {
	return engine{&http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 8,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", "/var/run/docker.sock")
		},
	}}}
}

func (e engine) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://docker/v1.40"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// benchLabel marks the containers that the bench makes itself.
const benchLabel = "longshore.bench"

// start creates and starts one container on Docker's bridge and tells how long both calls took.
func (e engine) start(ctx context.Context, image string) (id string, took time.Duration, err error) {
	began := time.Now()
	var made struct{ Id string }
	err = e.do(ctx, http.MethodPost, "/containers/create", m{
		"Image": image, "Cmd": []string{"wait"}, "Labels": m{benchLabel: "1"},
		// The same container as ours: a definition without cpu gets 2 shares, with which the kernel starts it later.
		"HostConfig": m{"NetworkMode": "bridge", "Memory": 64 << 20, "CpuShares": 2},
	}, &made)
	if err != nil {
		return "", 0, err
	}
	err = e.do(ctx, http.MethodPost, "/containers/"+made.Id+"/start", nil, nil)
	return made.Id, time.Since(began), err
}

func (e engine) remove(ctx context.Context, id string) error {
	return e.do(ctx, http.MethodDelete, "/containers/"+id+"?force=1", nil, nil)
}

// loadImage builds the probe of the end-to-end tests and loads it into the engine.
func (b *bench) loadImage() error {
	program := filepath.Join(b.dir, "probe")
	build := exec.CommandContext(b, "go", "build", "-ldflags", "-s -w", "-o", program, "./test/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	bytes_, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	b.image = "longshore-bench/probe:1"
	archive, err := docker.ImageArchive(b.image, runtime.GOARCH, "probe", bytes_)
	if err != nil {
		return err
	}
	e, err := docker.New(docker.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer e.Close()
	return e.LoadImage(b, bytes.NewReader(archive))
}
