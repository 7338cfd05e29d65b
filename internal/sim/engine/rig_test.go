package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/node/docker"
	"longshore/internal/sim/engine"
)

// wire is a listener whose connections live in memory.
type wire struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.done) })
	return nil
}

func (w *wire) Addr() net.Addr { return &net.UnixAddr{Name: "engine", Net: "unix"} }

// simulated runs a test in a bubble, the real client before the simulated engine.
func simulated(t *testing.T, cfg engine.Config, test func(*testing.T, *engine.Engine, *docker.Engine)) {
	synctest.Test(t, func(t *testing.T) {
		ids := 0
		cfg.Now, cfg.Log = time.Now, slog.New(slog.NewTextHandler(t.Output(), nil))
		cfg.NewID = func() string { ids++; return fmt.Sprintf("%064x", ids) }
		sim := engine.New(cfg)
		w := &wire{conns: make(chan net.Conn), done: make(chan struct{})}
		srv := &http.Server{Handler: sim.Handler(), ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelError)}
		go func() { _ = srv.Serve(w) }()
		e, err := docker.New(docker.Config{
			Log: cfg.Log,
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				if !sim.Up() {
					return nil, &net.OpError{Op: "dial", Net: "unix", Err: syscall.ECONNREFUSED}
				}
				ours, theirs := net.Pipe()
				select {
				case w.conns <- theirs:
					return ours, nil
				case <-w.done:
					return nil, net.ErrClosed
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		test(t, sim, e)
		_ = e.Close()
		_ = srv.Close()
	})
}

var mine = map[string]string{
	docker.LabelInstallation: "x", docker.LabelInstance: "i", docker.LabelTask: "t", docker.LabelContainer: "c",
}

// run creates and starts a container of an image that is made known first.
func run(t *testing.T, sim *engine.Engine, e *docker.Engine, s docker.Spec) string {
	t.Helper()
	sim.AddImage(s.Image)
	s.Labels = mine
	made, err := e.Create(t.Context(), s)
	if err == nil {
		err = e.Start(t.Context(), made.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func state(t *testing.T, e *docker.Engine, id string) docker.State {
	t.Helper()
	st, err := e.Inspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// errAny expects some error, whatever it is.
var errAny = errors.New("any error")

// is reports an error that is not the one expected; nil expects none.
func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if want == errAny && err != nil {
		return
	}
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// pass lets simulated time go by.
func pass(d time.Duration) { time.Sleep(d) }
