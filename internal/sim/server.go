package sim

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"longshore/internal/daemon"
	"longshore/internal/sim/dice"
	"longshore/internal/sim/network"
	"longshore/internal/sim/oracle"
	"longshore/internal/state"
	"longshore/internal/store"
)

const (
	serverHost    = "server"
	serverAddress = "server:4566"
	serverURL     = "http://" + serverAddress
)

// server is one life of the control plane.
type server struct {
	w      *World
	life   int
	host   *network.Host
	store  *store.Store
	cancel context.CancelFunc
	once   sync.Once
	heard  uint64 // revision up to which the oracle knows
	watch  *store.Watcher
	feed   sync.Mutex
}

// startServer begins the next life; it tries again while the disk refuses.
func (w *World) startServer() {
	w.mu.Lock()
	life := 1
	before := w.server
	if before != nil {
		life = before.life + 1
	}
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{w: w, life: life, host: w.net.Host(serverHost), cancel: cancel}
	if before != nil {
		before.drain()
	}
	err := s.run(ctx, w.dice.Of(fmt.Sprintf("server %d", life)))
	if err != nil {
		w.violate("D1", "the server does not start: "+err.Error())
		return
	}
	w.mu.Lock()
	w.server, w.served = s, time.Now()
	w.mu.Unlock()
	w.lines.say("server", "life %d begins at revision %d", life, s.heard)
}

func (s *server) run(ctx context.Context, d *dice.Dice) error {
	w := s.w
	records, err := store.Open(ctx, w.disk.Open())
	if err != nil {
		return err
	}
	s.store = records
	view := records.View()
	s.watch, s.heard = view.Watch(), view.Revision()
	w.judge(func(o *oracle.Oracle) { o.Reopened(view) })
	plane, err := daemon.NewPlane(daemon.PlaneConfig{
		Installation: installation(), Store: records, Now: w.serverClock,
		NewID: d.Of("id").ID, NewUUID: d.Of("uuid").UUID, Chance: d.Of("chance").Intn, Entropy: d.Of("entropy"),
		Hosts: []string{serverAddress}, Log: w.log,
	})
	if err != nil {
		return err
	}
	l, err := s.host.Listen(serverAddress)
	if err != nil {
		return err
	}
	go s.follow(ctx)
	s.serve(ctx, plane, l)
	return nil
}

// serve is daemon.Run without files and node: a part that ends takes the server with it.
func (s *server) serve(ctx context.Context, plane *daemon.Plane, l net.Listener) {
	srv := &http.Server{
		Handler: plane.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute,
		MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go func() { _ = srv.Serve(l) }() // it ends with the listener, and so with the host
	for _, p := range plane.Parts() {
		go func() {
			err := p.Run(ctx)
			if ctx.Err() == nil {
				s.w.lines.say("server", "part %s ended: %v", p.Name, err)
				s.kill("a part ended", time.Second)
			}
		}()
	}
}

// kill ends this life at once; whatever its goroutines still do has no effect. The next one begins later.
func (s *server) kill(why string, down time.Duration) {
	s.once.Do(func() {
		w := s.w
		w.mu.Lock()
		w.served = time.Time{}
		w.mu.Unlock()
		w.disk.Crash()
		s.host.Crash()
		s.cancel()
		w.fault("server killed", fmt.Sprintf("life %d: %s, back in %s", s.life, why, down))
		time.AfterFunc(down, w.startServer)
	})
}

// follow tells the oracle of every published commit.
func (s *server) follow(ctx context.Context) {
	for {
		err := s.next(ctx)
		if err != nil {
			return
		}
	}
}

// next waits for one commit and tells of it.
func (s *server) next(ctx context.Context) error {
	s.feed.Lock()
	w := s.watch
	s.feed.Unlock()
	changes, rev, err := w.Next(ctx)
	if err != nil {
		return err
	}
	s.feed.Lock()
	defer s.feed.Unlock()
	if rev > s.heard {
		s.tell(changes, rev)
	}
	return nil
}

func (s *server) tell(changes []store.Change, rev uint64) {
	s.heard = rev
	s.w.lines.say("server", "revision %d: %s", rev, describe(changes))
	s.w.judge(func(o *oracle.Oracle) { o.Commit(rev, changes) })
}

// drain hears of what was published before the end.
func (s *server) drain() {
	for s.heard < s.store.View().Revision() {
		err := s.next(context.Background())
		if err != nil {
			return
		}
	}
}

// describe the changes of a commit in a line.
func describe(changes []store.Change) string {
	out := ""
	for i, c := range changes {
		if i == 6 {
			return fmt.Sprintf("%s and %d more", out, len(changes)-i)
		}
		if i > 0 {
			out += "; "
		}
		out += c.Table + " " + c.Key
		switch r := c.New.(type) {
		case nil:
			out += " gone"
		case *state.Task:
			out += fmt.Sprintf(" %s→%s on %s", r.Last, r.Desired, short(r.Instance.ID()))
			if r.StopCode != "" {
				out += fmt.Sprintf(" %s %q", r.StopCode, r.StoppedReason)
			}
		case *state.Service:
			out += fmt.Sprintf(" %s wants %d", r.Status, r.DesiredCount)
		case *state.Deployment:
			out += fmt.Sprintf(" %s %s", r.Status, r.Rollout)
		case *state.Instance:
			out += fmt.Sprintf(" %s connected=%t", r.Status, r.Connected)
		case *state.Event:
			out += fmt.Sprintf(" %q", r.Message)
		}
	}
	return out
}

func short(id string) string { return id[:min(8, len(id))] }

func (w *World) serverClock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

func (w *World) servedSince() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.served
}

// theServer that runs now, or nil.
func (w *World) theServer() *server {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.served.IsZero() {
		return nil
	}
	return w.server
}

// installation of every world: the same names and keys.
func installation() daemon.Installation {
	return daemon.Installation{
		ID: "51a51a51a51a51a5", Account: daemon.DefaultAccount, Region: daemon.DefaultRegion,
		AccessKeyID: "AKIASIMULATEDSIMULAT", SecretAccessKey: "simulated", MasterKey: make([]byte, 32),
	}
}
