// Package docker drives one Docker Engine, and promises that every call ends: each has a deadline of its own, a
// failure tells what to do next through a sentinel, and a call that failed after the engine did the work is recognised
// by looking, so nothing is ever made twice or left behind.
//
// It is the only importer of the Docker client. Engine API 1.40 or later is negotiated.
//
// Concurrency: an Engine is safe for concurrent use.
package docker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/moby/moby/client"
)

// Config configures an Engine.
type Config struct {
	// Host is the engine's address; default unix:///var/run/docker.sock.
	Host string
	// Dial connects to the engine in place of Host; nil connects to Host. Host and the environment are then ignored.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Log receives what cannot be returned; required.
	Log *slog.Logger
	// Timeouts bound the calls; zero fields take their defaults.
	Timeouts Timeouts
}

// Timeouts bound engine calls. They are generous: a slow engine is normal under load, a hung one is not waited for.
type Timeouts struct {
	Quick  time.Duration // ping, info, inspect, list, volumes; default 30 s
	Create time.Duration // default 4 min
	Start  time.Duration // default 3 min
	Stop   time.Duration // beyond the container's own stop timeout; default 30 s
	Remove time.Duration // default 1 min
	Load   time.Duration // default 10 min
	// PullIdle ends a pull without progress (default 1 min), Pull ends it altogether (default 2 h).
	PullIdle time.Duration
	Pull     time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&t.Quick, 30*time.Second)
	set(&t.Create, 4*time.Minute)
	set(&t.Start, 3*time.Minute)
	set(&t.Stop, 30*time.Second)
	set(&t.Remove, time.Minute)
	set(&t.Load, 10*time.Minute)
	set(&t.PullIdle, time.Minute)
	set(&t.Pull, 2*time.Hour)
	return t
}

// Engine is one Docker Engine.
type Engine struct {
	c       *client.Client
	log     *slog.Logger
	timeout Timeouts
}

// New makes an Engine; it does not contact the engine yet.
func New(cfg Config) (*Engine, error) {
	opts := []client.Opt{client.WithUserAgent("longshore")}
	switch {
	case cfg.Dial != nil:
		// Of a socket's address the client makes no proxied and no compressed requests.
		opts = append(opts, client.WithHost("unix://engine"), client.WithDialContext(cfg.Dial))
	case cfg.Host != "":
		opts = append(opts, client.WithHost(cfg.Host))
	default:
		opts = append(opts, client.FromEnv) // DOCKER_HOST and its company, as for every client of Docker
	}
	c, err := client.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("configure docker client: %w", err)
	}
	return &Engine{c: c, log: cfg.Log, timeout: cfg.Timeouts.withDefaults()}, nil
}

// Close releases idle connections.
func (e *Engine) Close() error { return e.c.Close() }

// Ping says whether the engine answers.
func (e *Engine) Ping(ctx context.Context) error {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "ping")
	defer cancel()
	_, err := e.c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return classify(ctx, "ping", err)
}

// Info is what registration and the doctor want to know of an engine.
type Info struct {
	ServerVersion string
	APIVersion    string
	CgroupDriver  string
	CgroupVersion string
	StorageDriver string
	NCPU          int
	MemoryBytes   int64
	LogDrivers    []string
	VolumeDrivers []string
	SecurityOpts  []string
	LiveRestore   bool
	Architecture  string
}

// Info describes the engine.
func (e *Engine) Info(ctx context.Context) (Info, error) {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "info")
	defer cancel()
	res, err := e.c.Info(ctx, client.InfoOptions{})
	if err != nil {
		return Info{}, classify(ctx, "info", err)
	}
	i := res.Info
	return Info{
		ServerVersion: i.ServerVersion,
		APIVersion:    e.c.ClientVersion(),
		CgroupDriver:  i.CgroupDriver,
		CgroupVersion: i.CgroupVersion,
		StorageDriver: i.Driver,
		NCPU:          i.NCPU,
		MemoryBytes:   i.MemTotal,
		LogDrivers:    i.Plugins.Log,
		VolumeDrivers: i.Plugins.Volume,
		SecurityOpts:  i.SecurityOptions,
		LiveRestore:   i.LiveRestoreEnabled,
		Architecture:  i.Architecture,
	}, nil
}

// within bounds one call; the cause names the operation, so that a timeout can be told from a cancelled caller.
func (e *Engine) within(
	ctx context.Context, d time.Duration, op string,
) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, &timeoutError{op: op, after: d})
}
