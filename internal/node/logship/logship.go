package logship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Reader reads a container's output as the engine keeps it: every line with its RFC 3339 timestamp, in multiplexed
// frames unless the container has a terminal. since is inclusive. With follow the stream ends with the container.
type Reader interface {
	Logs(ctx context.Context, containerID string, since time.Time, follow bool) (io.ReadCloser, error)
}

// Sink is the part of CloudWatch Logs that shipping needs. Errors of the service are *APIError.
type Sink interface {
	// PutLogEvents answers how many events the service refused as too old or too new.
	PutLogEvents(ctx context.Context, region, group, stream string, events []Event) (rejected int, err error)
	CreateLogStream(ctx context.Context, region, group, stream string) error
	CreateLogGroup(ctx context.Context, region, group string) error
}

// Event is one log event.
type Event struct {
	Time    int64 // milliseconds since 1970
	Message string
}

// Source is one container's output and where it goes.
type Source struct {
	ContainerID   string
	TaskARN       string
	ContainerName string
	// Options are the awslogs-… options of the task definition, mode and max-buffer-size.
	Options map[string]string
}

// Config of a Shipper.
type Config struct {
	// Reader is the container engine.
	Reader Reader
	// Sink is where events go.
	Sink Sink
	// Marks remembers what was shipped. Nil forgets: a restart of the agent ships everything again.
	Marks Marks
	// Region is used where awslogs-region is missing.
	Region string
	// Gone says that an error of Reader means that the container no longer exists. Nil takes no error for it.
	Gone func(error) bool
	// Failed is told, once per source, why a container's output cannot be shipped, in words for the task. Nil is
	// silence.
	Failed func(src Source, reason string)
	// Dropped is told how many lines of a source were lost since it was last told. Nil is silence.
	Dropped func(src Source, lines int64)
	// Linger is the least time between two batches of a steady stream. Zero is 200 ms.
	Linger time.Duration
	// DrainTimeout is how long the output of a finished container is tried to be sent. Zero is 30 s.
	DrainTimeout time.Duration
	// Now is the clock. Nil is time.Now.
	Now func() time.Time
	// Log receives what is lost and why. Nil discards it.
	Log *slog.Logger
}

// Shipper ships the output of any number of containers.
type Shipper struct {
	cfg Config

	mu   sync.Mutex
	busy map[string]chan struct{} // by container: closed when its Follow ends

	prepared map[string]bool // places that Prepare made and no Follow has taken up
}

// New makes a Shipper.
func New(cfg Config) *Shipper {
	if cfg.Marks == nil {
		cfg.Marks = nothing{}
	}
	if cfg.Gone == nil {
		cfg.Gone = func(error) bool { return false }
	}
	if cfg.Failed == nil {
		cfg.Failed = func(Source, string) {}
	}
	if cfg.Dropped == nil {
		cfg.Dropped = func(Source, int64) {}
	}
	if cfg.Linger == 0 {
		cfg.Linger = 200 * time.Millisecond
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = 30 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Shipper{cfg: cfg, busy: map[string]chan struct{}{}, prepared: map[string]bool{}}
}

// Prepare makes the stream, and the group with awslogs-create-group, so that a missing group is known before the
// container starts. The error is what the task may show. A service that does not answer, or not now, is no error:
// Follow waits for it as long as the container lives.
func (s *Shipper) Prepare(ctx context.Context, src Source) error {
	opts, err := parseOptions(src, s.cfg.Region)
	if err != nil {
		return err
	}
	err = s.prepare(ctx, opts)
	if err != nil && passing(err) {
		return nil
	}
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.prepared) >= maxPrepared {
			clear(s.prepared) // of containers that never started; whoever comes makes its stream once more
		}
		s.prepared[opts.place()] = true
	}
	return err
}

const maxPrepared = 1024

// isPrepared takes up what Prepare did for the first Follow after it.
func (s *Shipper) isPrepared(opts options) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := s.prepared[opts.place()]
	delete(s.prepared, opts.place())
	return done
}

// Follow ships until the container has ended and everything that it wrote is sent, or until ctx ends; what is not
// sent by then follows at the next Follow.
func (s *Shipper) Follow(ctx context.Context, src Source) error {
	release, err := s.claim(ctx, src.ContainerID)
	if err != nil {
		return err
	}
	defer release()
	opts, err := parseOptions(src, s.cfg.Region)
	if err != nil {
		s.cfg.Failed(src, err.Error())
		return err
	}
	mark, err := s.cfg.Marks.Load(src.ContainerID)
	if err != nil {
		s.cfg.Log.Warn("shipping a container's output from its beginning", "task", src.TaskARN, "op", "load mark",
			"err", err)
		mark = Mark{}
	}
	q := newQueue(opts)
	readCtx, stop := context.WithCancel(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer q.close()
		s.read(readCtx, src, opts, mark, q)
	})
	err = s.send(ctx, src, opts, q)
	stop()
	reading.Wait()
	return err
}

// Drain waits until everything of a container that has ended is shipped; at once when nothing is.
func (s *Shipper) Drain(ctx context.Context, containerID string) error {
	s.mu.Lock()
	done := s.busy[containerID]
	s.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain log: %w", ctx.Err())
	}
}

// Forget drops the mark of a container that is removed.
func (s *Shipper) Forget(containerID string) error { return s.cfg.Marks.Forget(containerID) }

// claim waits for an earlier Follow of the container: two would ship everything twice.
func (s *Shipper) claim(ctx context.Context, containerID string) (func(), error) {
	for {
		s.mu.Lock()
		other := s.busy[containerID]
		if other == nil {
			done := make(chan struct{})
			s.busy[containerID] = done
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.busy, containerID)
				close(done)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// maxDamaged is how often the same unreadable place is tried before the rest of the output is given up.
const maxDamaged = 3

// read opens the container's output until it is known to have ended: a stream that ends may be the container's end
// or the engine's, so the end counts only when the next stream opens and has nothing more.
func (s *Shipper) read(ctx context.Context, src Source, opts options, mark Mark, q *queue) {
	a := newAssembler(opts, mark, q)
	defer a.flush(ctx)
	wait := backoff{}
	ended, damaged := false, 0
	for ctx.Err() == nil {
		n, err := s.session(ctx, src, a)
		if err == nil && n == 0 && ended {
			return
		}
		ended = err == nil
		if ended {
			continue
		}
		if n > 0 {
			wait, damaged = backoff{}, 0
		}
		if errors.Is(err, errFrame) {
			damaged++
		}
		if s.cfg.Gone(err) || damaged > maxDamaged {
			return
		}
		if ctx.Err() == nil {
			s.cfg.Log.Debug("read container output", "task", src.TaskARN, "op", "logs", "err", err)
		}
		wait.pause(ctx)
	}
}

// session reads one stream to its end and answers how many new entries it had.
func (s *Shipper) session(ctx context.Context, src Source, a *assembler) (int, error) {
	stream, err := s.cfg.Reader.Logs(ctx, src.ContainerID, a.seen.since(), true)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	stopClosing := context.AfterFunc(ctx, func() { _ = stream.Close() })
	defer stopClosing()
	entries := make(chan entry, 64)
	var failure error
	var decoding sync.WaitGroup
	sessionCtx, cancel := context.WithCancel(ctx)
	decoding.Go(func() {
		defer close(entries)
		failure = decode(sessionCtx, stream, entries)
	})
	n := a.run(ctx, entries)
	cancel()
	_ = stream.Close()
	decoding.Wait()
	if errors.Is(failure, io.EOF) {
		failure = nil
	}
	return n, failure
}
