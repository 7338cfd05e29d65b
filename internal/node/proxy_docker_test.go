//go:build docker

package node

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"longshore/internal/node/docker"
)

type mode int

const (
	pass mode = iota
	hang      // existing connections break, new ones are never answered
)

// proxy stands between the agent and the engine and misbehaves when told to.
type proxy struct {
	path string

	mu    sync.Mutex
	mode  mode
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, path string) *proxy {
	p := &proxy{path: path, conns: map[net.Conn]bool{}}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); p.set(hang) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	p.mu.Lock()
	p.conns[c] = true
	m := p.mode
	p.mu.Unlock()
	if m == hang {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	up, err := net.Dial("unix", "/var/run/docker.sock")
	if err != nil {
		return
	}
	defer up.Close()
	go func() { _, _ = io.Copy(up, c) }()
	_, _ = io.Copy(c, up)
}

// set changes the mode and breaks every connection.
func (p *proxy) set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	for c := range p.conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}

func (p *proxy) engine(t *testing.T) *docker.Engine {
	e, err := docker.New(docker.Config{
		Host: "unix://" + p.path, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Timeouts: docker.Timeouts{Quick: 2 * time.Second, Stop: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
