package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"longshore/internal/store"
	"longshore/internal/store/engine/etcd"
	"longshore/internal/store/engine/memory"
	"longshore/internal/store/engine/pebble"
	"longshore/internal/telemetry/logstore"
)

// Daemon is one running installation.
type Daemon struct {
	Config
	Installation
	now   func() time.Time
	url   string
	store *store.Store
	logs  *logstore.Store
	plane *Plane
	node  nodeState

	etcd    *etcd.Engine // nil: this server is the only one
	lock    io.Closer    // of the data directory, where the store has none there
	entropy io.Reader
	leads   atomic.Bool
}

// Run is `longshore up`: it answers until ctx ends, and leaves every container running.
func Run(ctx context.Context, c Config) (err error) {
	err = c.complete()
	if err != nil {
		return err
	}
	d, err := open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	first, second, err := listen(c)
	if err != nil {
		return err
	}
	d.url = baseURL(c, first)
	err = d.compose(first)
	if err != nil {
		_ = first.Close() // the start fails anyway
		return err
	}
	return d.serve(ctx, first, second)
}

// open prepares the data directory and reads what it holds.
func open(ctx context.Context, c Config) (*Daemon, error) {
	err := os.MkdirAll(c.DataDir, 0o700)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w; choose one that you may write with --data-dir DIR", err)
	}
	probe, err := os.CreateTemp(c.DataDir, ".probe.*")
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w; make it writable for this user, or choose another with --data-dir DIR", err)
	}
	err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	d := &Daemon{Config: c, now: time.Now, entropy: rand.Reader}
	d.node.looked = make(chan struct{})
	engine, err := d.openEngine(ctx)
	if err != nil {
		return nil, errors.Join(err, d.unlock())
	}
	spareLoad(filepath.Join(c.DataDir, "records"))
	d.store, err = store.Open(ctx, engine)
	if err != nil {
		return nil, errors.Join(err, engine.Close(), d.unlock())
	}
	// Only the holder of the data directory's lock may make keys.
	d.Installation, err = d.installation(ctx)
	if err != nil {
		return nil, errors.Join(err, d.store.Close(), d.unlock())
	}
	d.logs = logstore.New(logstore.Config{Dir: filepath.Join(c.DataDir, "logs"), Now: d.now, Log: c.Log})
	return d, nil
}

func (d *Daemon) openEngine(ctx context.Context) (store.Engine, error) {
	if d.Store == "memory" {
		return memory.Engine{}, nil
	}
	if !isShared(d.Config) {
		return pebble.Open(pebble.Config{Dir: filepath.Join(d.DataDir, "records"), Log: d.Log})
	}
	lock, err := lockDir(d.DataDir)
	if err != nil {
		return nil, err
	}
	d.lock = lock // ends with the process at the latest
	d.etcd, err = openEtcd(ctx, d.Config)
	return d.etcd, err
}

func (d *Daemon) close() error {
	return errors.Join(d.logs.Close(), d.store.Close(), d.unlock())
}

func (d *Daemon) unlock() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}

// compose builds the control plane on top of the store.
func (d *Daemon) compose(l net.Listener) error {
	d.claimKnownNetworks()
	var err error
	var lead func(context.Context, func(context.Context) error) error
	if d.etcd != nil {
		lead = d.lead
	}
	d.plane, err = NewPlane(PlaneConfig{
		Installation: d.Installation, Store: d.store, Events: d.logs, Now: d.now, Lead: lead,
		NewID: newID, NewUUID: newUUID, Chance: mathrand.IntN, Entropy: rand.Reader,
		Hosts: hosts(d.Config, l), AcceptAny: d.AcceptAny,
		Mounts:       map[string]http.Handler{"/_longshore/health": http.HandlerFunc(d.health)},
		ClaimNetwork: d.claimNetwork, Joined: d.joined, ForgetAfter: d.ForgetAfter,
		Throttle: d.Throttle == "aws", Log: d.Log,
	})
	return err
}

// serve answers requests and keeps promises until ctx ends or a part fails.
func (d *Daemon) serve(ctx context.Context, first, second net.Listener) error {
	server := newServer(d.plane.Handler())
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return answer(server, first) })
	if second != nil {
		g.Go(func() error { return answer(server, second) })
	}
	g.Go(func() error {
		<-ctx.Done()
		return shutdown(server)
	})
	for _, part := range d.parts() {
		g.Go(func() error { return d.keep(ctx, part) })
	}
	d.awaitNode(ctx)
	err := d.ready()
	if err != nil {
		return errors.Join(err, shutdown(server))
	}
	err = g.Wait()
	if err == nil || errors.Is(err, context.Canceled) {
		return os.Remove(filepath.Join(d.DataDir, processFile))
	}
	return err
}

// awaitNode lets the node have its first look at the engine, so that the ready line can say what is off. An
// engine that hangs is not waited for.
func (d *Daemon) awaitNode(ctx context.Context) {
	if d.NoNode {
		return
	}
	select {
	case <-d.node.looked:
	case <-time.After(firstLook):
	case <-ctx.Done():
	}
}

// firstLook is how long the ready line waits for an engine that does not answer.
const firstLook = 2 * time.Second

// keep runs a part; one that ends before ctx does takes the daemon with it.
func (d *Daemon) keep(ctx context.Context, p Part) error {
	err := p.Run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = errors.New("ended by itself")
	}
	return fmt.Errorf("%s: %w", p.Name, err)
}

func answer(s *http.Server, l net.Listener) error {
	err := s.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// drainTimeout is how long requests at hand may take when the daemon stops.
const drainTimeout = 5 * time.Second

func shutdown(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.Close()
	}
	return err
}

// ready tells the world: the file by which `longshore env` finds the daemon, and the one line on stdout.
func (d *Daemon) ready() error {
	err := writeFile(d.DataDir, processFile, Process{PID: os.Getpid(), URL: d.url})
	if err != nil {
		return err
	}
	off := d.off()
	if len(off) > 0 {
		_, err = fmt.Fprintf(d.Out, "longshore ready %s (off: %s)\n", d.url, strings.Join(off, "; "))
		return err
	}
	_, err = fmt.Fprintf(d.Out, "longshore ready %s\n", d.url)
	return err
}
