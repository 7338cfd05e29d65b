package logship

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"
)

var errEngineAway = errors.New("cannot connect to the engine")

// fakeEngine keeps one container's output as Docker does.
type fakeEngine struct {
	mu      sync.Mutex
	lines   []entry
	ended   bool
	away    bool
	cut     int // streams are cut by the engine when this changes
	tty     bool
	changed chan struct{}
}

func newEngine() *fakeEngine { return &fakeEngine{changed: make(chan struct{})} }

func (f *fakeEngine) change(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeEngine) write(at time.Time, lines ...string) {
	f.change(func() {
		for _, l := range lines {
			f.lines = append(f.lines, entry{at: at, channel: 1, text: []byte(l), ends: true})
		}
	})
}

func (f *fakeEngine) end() { f.change(func() { f.ended = true }) }

func (f *fakeEngine) Logs(_ context.Context, _ string, since time.Time, _ bool) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, errEngineAway
	}
	return &fakeStream{f: f, since: since, cut: f.cut, closed: make(chan struct{})}, nil
}

type fakeStream struct {
	f      *fakeEngine
	since  time.Time
	next   int
	cut    int
	rest   []byte
	once   sync.Once
	closed chan struct{}
}

func (s *fakeStream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *fakeStream) Read(p []byte) (int, error) {
	for {
		if len(s.rest) > 0 {
			n := copy(p, s.rest)
			s.rest = s.rest[n:]
			return n, nil
		}
		s.f.mu.Lock()
		changed, cut, ended := s.f.changed, s.f.cut != s.cut, s.f.ended
		if s.next < len(s.f.lines) && !cut {
			e := s.f.lines[s.next]
			s.next++
			if !e.at.Before(s.since) {
				s.rest = encode(e, s.f.tty)
			}
			s.f.mu.Unlock()
			continue
		}
		s.f.mu.Unlock()
		if ended || cut {
			return 0, io.EOF
		}
		select {
		case <-changed:
		case <-s.closed:
			return 0, io.ErrClosedPipe
		}
	}
}

// encode writes an entry as the engine sends it.
func encode(e entry, tty bool) []byte {
	payload := []byte(e.at.UTC().Format("2006-01-02T15:04:05.000000000Z") + " " + string(e.text))
	if e.ends && tty {
		payload = append(payload, '\r')
	}
	if e.ends {
		payload = append(payload, '\n')
	}
	if tty {
		return payload
	}
	head := [8]byte{e.channel}
	binary.BigEndian.PutUint32(head[4:], uint32(len(payload)))
	return append(head[:], payload...)
}

// fakeSink keeps what it is sent.
type fakeSink struct {
	mu       sync.Mutex
	batches  [][]Event
	at       []time.Time
	calls    int
	streams  map[string]bool
	groups   map[string]bool
	fail     func(call int) error // asked before each PutLogEvents
	rejected int
	creates  int   // calls of CreateLogStream
	refuse   error // what it answers
}

func newSink(groups ...string) *fakeSink {
	s := &fakeSink{streams: map[string]bool{}, groups: map[string]bool{}}
	for _, g := range groups {
		s.groups[g] = true
	}
	return s
}

func notFound(what string) error {
	return &APIError{Code: "ResourceNotFoundException", Message: "The specified log " + what + " does not exist.", Status: 400}
}

func (s *fakeSink) PutLogEvents(_ context.Context, _, group, stream string, events []Event) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fail != nil {
		err := s.fail(s.calls)
		if err != nil {
			return 0, err
		}
	}
	if !s.streams[group+":"+stream] {
		return 0, notFound("stream")
	}
	s.batches = append(s.batches, events)
	s.at = append(s.at, time.Now())
	return s.rejected, nil
}

func (s *fakeSink) CreateLogStream(_ context.Context, _, group, stream string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.creates++
	if s.refuse != nil {
		return s.refuse
	}
	if !s.groups[group] {
		return notFound("group")
	}
	if s.streams[group+":"+stream] {
		return &APIError{Code: "ResourceAlreadyExistsException", Message: "The specified log stream already exists", Status: 400}
	}
	s.streams[group+":"+stream] = true
	return nil
}

func (s *fakeSink) CreateLogGroup(_ context.Context, _, group string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[group] = true
	return nil
}

func (s *fakeSink) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, b := range s.batches {
		for _, e := range b {
			out = append(out, e.Message)
		}
	}
	return out
}

// fakeMarks keeps marks in memory.
type fakeMarks struct {
	mu  sync.Mutex
	all map[string]Mark
}

func newMarks() *fakeMarks { return &fakeMarks{all: map[string]Mark{}} }

func (m *fakeMarks) Load(id string) (Mark, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[id], nil
}

func (m *fakeMarks) Save(id string, mark Mark) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[id] = mark
	return nil
}

func (m *fakeMarks) Forget(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, id)
	return nil
}
