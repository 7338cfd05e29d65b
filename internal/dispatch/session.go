package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"longshore/internal/acs"
	"longshore/internal/state"
)

// peer is the other end of a session.
type peer interface {
	// Send writes one message.
	Send(ctx context.Context, m acs.Message) error
	// Receive waits for the next message that the protocol knows.
	Receive(ctx context.Context) (acs.Message, error)
}

// session is one agent's ACS connection.
type session struct {
	d        *Dispatch
	key      state.InstanceKey
	peer     peer
	log      *slog.Logger
	ours     bool // the agent understands our extensions
	sequence int64
	cancel   context.CancelCauseFunc
	written  atomic.Bool // the instance was written down as connected here

	hints hints

	// Owned by the goroutine of run.
	sent     map[state.TaskKey]delivery
	unacked  map[string]*flight // by message id
	manifest string             // message id of the manifest whose verification is answered once
	silent   int                // heartbeats that were not acknowledged
	renewAt  time.Time          // credentials are handed out again
}

// delivery is what the agent was told of a task on this connection.
type delivery int

const (
	toldNothing delivery = iota
	toldRun
	toldStop
)

// flight is a payload on its way.
type flight struct {
	task state.TaskKey
	what delivery
	at   time.Time
	try  int
}

// hints collects the keys of tasks that changed, for a session that may be busy.
type hints struct {
	mu    sync.Mutex
	tasks map[state.TaskKey]bool
	ready chan struct{}
}

func newHints() hints {
	return hints{tasks: map[state.TaskKey]bool{}, ready: make(chan struct{}, 1)}
}

// wake tells the session to look at a task again; a missing session needs no telling.
func (s *session) wake(k state.TaskKey) {
	if s == nil {
		return
	}
	s.hints.mu.Lock()
	s.hints.tasks[k] = true
	s.hints.mu.Unlock()
	select {
	case s.hints.ready <- struct{}{}:
	default:
	}
}

func (h *hints) take() []state.TaskKey {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]state.TaskKey, 0, len(h.tasks))
	for k := range h.tasks {
		out = append(out, k)
	}
	clear(h.tasks)
	return out
}

// run serves the agent until the connection or ctx ends.
func (s *session) run(ctx context.Context) error {
	frames := make(chan acs.Message)
	broken := make(chan error, 1)
	var reader sync.WaitGroup
	defer reader.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reader.Go(func() { broken <- receive(ctx, s.peer, frames) })
	err := s.greet(ctx)
	if err != nil {
		return err
	}
	heartbeat := time.NewTicker(s.d.Heartbeat)
	defer heartbeat.Stop()
	again := time.NewTicker(s.d.Redeliver)
	defer again.Stop()
	for err == nil {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err = <-broken:
		case m := <-frames:
			err = s.handle(ctx, m)
		case <-s.hints.ready:
			err = s.look(ctx, s.hints.take())
		case <-heartbeat.C:
			err = s.beat(ctx)
		case <-again.C:
			err = s.redeliver(ctx)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func receive(ctx context.Context, p peer, out chan<- acs.Message) error {
	for {
		m, err := p.Receive(ctx)
		if err != nil {
			return err
		}
		select {
		case out <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// greet brings an agent up to date: its own credentials, every task it should have, then the manifest by
// which it finds what it should not have.
func (s *session) greet(ctx context.Context) error {
	err := s.instanceCredentials(ctx)
	if err != nil {
		return err
	}
	for t := range s.d.Store.View().Tasks().OfInstance(s.key) {
		err := s.deliver(ctx, t)
		if err != nil {
			return err
		}
	}
	return s.sendManifest(ctx)
}

func (s *session) look(ctx context.Context, keys []state.TaskKey) error {
	view := s.d.Store.View()
	for _, k := range keys {
		t, ok := view.Tasks().Get(k)
		if !ok || t.Instance != s.key {
			delete(s.sent, k)
			continue
		}
		if !t.Live() {
			delete(s.sent, k)
			continue
		}
		err := s.deliver(ctx, t)
		if err != nil {
			return err
		}
	}
	return nil
}

// deliver tells the agent what it was not told yet on this connection.
func (s *session) deliver(ctx context.Context, t *state.Task) error {
	switch {
	case t.Desired == state.Stopped && s.sent[t.Key] < toldStop:
		return s.payload(ctx, stopTask(t), &flight{task: t.Key, what: toldStop})
	case t.Desired == state.Running && t.Last.Rank() >= state.Pending.Rank() && s.sent[t.Key] < toldRun:
		p, err := s.d.task(t)
		if err != nil {
			// Without its definition the task can never be handed over; the loop that owns it is told by
			// the wait, not by a lost connection.
			s.log.Error("task has no payload", "task", t.Key.ID(), "err", err)
			return nil
		}
		return s.payload(ctx, p, &flight{task: t.Key, what: toldRun})
	}
	return nil
}

func (s *session) payload(ctx context.Context, t acs.Task, f *flight) error {
	s.sequence++
	m := &acs.PayloadMessage{
		MessageID: s.d.NewID(), ClusterARN: s.key.Cluster().ARN(), ContainerInstanceARN: s.key.ARN(),
		GeneratedAt: s.d.Now().UnixMilli(), SeqNum: s.sequence, Tasks: []acs.Task{t},
	}
	s.sent[f.task] = f.what
	f.at = s.d.Now()
	s.unacked[m.MessageID] = f
	return s.peer.Send(ctx, m)
}

// redeliver sends again what the agent did not acknowledge: it either never arrived or was refused.
func (s *session) redeliver(ctx context.Context) error {
	now := s.d.Now()
	view := s.d.Store.View()
	for id, f := range s.unacked {
		wait := s.d.Redeliver << min(f.try, 6)
		if now.Sub(f.at) < wait {
			continue
		}
		delete(s.unacked, id)
		t, ok := view.Tasks().Get(f.task)
		if !ok || !t.Live() || s.sent[f.task] != f.what {
			continue
		}
		p := stopTask(t)
		if f.what == toldRun {
			var err error
			p, err = s.d.task(t)
			if err != nil {
				continue
			}
		}
		s.log.Warn("payload was not acknowledged, sending it again", "task", t.Key.ID())
		err := s.payload(ctx, p, &flight{task: f.task, what: f.what, try: f.try + 1})
		if err != nil {
			return err
		}
	}
	if !s.renewAt.IsZero() && now.After(s.renewAt) {
		return s.renew(ctx)
	}
	return nil
}
