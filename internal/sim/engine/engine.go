package engine

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Config says what an Engine is and who decides its accidents.
type Config struct {
	// Name is the host's; it appears in Info.
	Name string
	// CPUs and MemoryMiB are the machine's; default 4 and 8192.
	CPUs      int
	MemoryMiB int
	// Now is the clock; required.
	Now func() time.Time
	// NewID returns a fresh id of 64 hexadecimal digits; required.
	NewID func() string
	// Fault is asked before and after every call, and about every delivery of an event; nil does no harm. It must not
	// call the Engine.
	Fault func(Call) Verdict
	// Change is told of every change of state, in order; nil tells nobody. It must not call the Engine.
	Change func(Change)
	// PullTime is how long a pull of the image takes and how it fails; nil pulls everything in one second. A
	// PullFailure says how; any other error refuses the pull with its words and status 500.
	PullTime func(image string) (time.Duration, error)
	// StatsEvery is between two samples of a stream; default 20 s. The first comes after one second.
	StatsEvery time.Duration
	// Log is told what is not served; required.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.CPUs <= 0 {
		c.CPUs = 4
	}
	if c.MemoryMiB <= 0 {
		c.MemoryMiB = 8192
	}
	if c.StatsEvery <= 0 {
		c.StatsEvery = 20 * time.Second
	}
	if c.Fault == nil {
		c.Fault = func(Call) Verdict { return Verdict{} }
	}
	if c.Change == nil {
		c.Change = func(Change) {}
	}
	if c.PullTime == nil {
		c.PullTime = func(string) (time.Duration, error) { return time.Second, nil }
	}
	return c
}

// Engine is one simulated Docker Engine and the machine under it.
type Engine struct {
	cfg Config

	mu      sync.Mutex
	down    chan struct{} // closed while the engine's process is away
	outage  int           // counts goings down, so that a late return is not taken for the latest
	calls   map[string]int
	all     []*record // in order of creation, removed ones too
	byID    map[string]*record
	byName  map[string]*record
	ports   map[string]*record // "tcp/80" → holder
	images  map[string]*image  // by reference, as normal writes it
	volumes map[string]*volume
	pid     int
	address int // of the last container on the bridge
	history []Change
	feed    feed
}

// New makes an Engine that is up and holds nothing.
func New(cfg Config) *Engine {
	return &Engine{
		cfg: cfg.withDefaults(), down: make(chan struct{}), calls: map[string]int{},
		byID: map[string]*record{}, byName: map[string]*record{}, ports: map[string]*record{},
		images: map[string]*image{}, volumes: map[string]*volume{}, pid: 1000, address: 1,
	}
}

// Handler answers the Engine API. While the engine is down it breaks every connection without a word.
func (e *Engine) Handler() http.Handler { return http.HandlerFunc(e.serve) }
