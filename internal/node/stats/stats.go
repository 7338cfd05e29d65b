package stats

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"sync"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// Engine streams a container's counters; docker.Engine is one.
type Engine interface {
	Stats(ctx context.Context, id string, hand func(docker.Sample)) error
}

var _ Engine = (*docker.Engine)(nil)

// Config says what a Collector works with.
type Config struct {
	// Engine is sampled; required.
	Engine Engine
	// Now is the clock; required.
	Now func() time.Time
	// Log; required.
	Log *slog.Logger
}

// Container is a running container to sample.
type Container struct {
	ID        string
	Name      string
	ARN       string
	Restarts  int
	StartedAt time.Time
}

// Set is what a container did between two flushes; nil parts were not measured.
type Set struct {
	CPU     *acs.StatsSet
	Memory  *acs.StatsSet
	Network *acs.NetworkStatsSet
	Storage *acs.StorageStatsSet
}

// Reading is the last sample of a container.
type Reading struct {
	Raw     json.RawMessage // the engine's own answer
	At      time.Time
	RxRate  float64 // bytes a second
	TxRate  float64
	Network bool
}

// Collector samples the containers it is told to track.
type Collector struct {
	cfg Config

	mu      sync.Mutex
	ctx     context.Context
	wg      sync.WaitGroup
	byTask  map[string][]string
	streams map[string]*stream
}

type stream struct {
	start  time.Time
	cancel context.CancelFunc // nil before Run

	mu   sync.Mutex
	sum  accumulator
	last Reading
}

// New makes a Collector; it samples nothing before Run.
func New(cfg Config) *Collector {
	return &Collector{cfg: cfg, byTask: map[string][]string{}, streams: map[string]*stream{}}
}

// Run samples until ctx ends.
func (c *Collector) Run(ctx context.Context) {
	c.mu.Lock()
	c.ctx = ctx
	for id, s := range c.streams {
		c.open(id, s)
	}
	c.mu.Unlock()
	<-ctx.Done()
	c.wg.Wait()
}

// Track replaces the containers of a task that are sampled; none ends them.
func (c *Collector) Track(taskARN string, containers []Container) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := map[string]bool{}
	var ids []string
	for _, x := range containers {
		wanted[x.ID] = true
		ids = append(ids, x.ID)
		s := c.streams[x.ID]
		if s != nil && s.start.Equal(x.StartedAt) {
			continue
		}
		if s != nil && s.cancel != nil {
			s.cancel() // it was restarted: its counters begin anew
		}
		s = &stream{start: x.StartedAt}
		c.streams[x.ID] = s
		c.open(x.ID, s)
	}
	for _, id := range c.byTask[taskARN] {
		if s := c.streams[id]; s != nil && !wanted[id] {
			if s.cancel != nil {
				s.cancel()
			}
			delete(c.streams, id)
		}
	}
	c.byTask[taskARN] = ids
	if len(ids) == 0 {
		delete(c.byTask, taskARN)
	}
}

// open starts a stream once the Collector runs; c.mu is held.
func (c *Collector) open(id string, s *stream) {
	if c.ctx == nil || s.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	s.cancel = cancel
	c.wg.Go(func() {
		defer cancel()
		c.read(ctx, id, s)
	})
}

// settle is how long a container runs before it is sampled: a stream a container costs the engine work every
// second, which the starts of its siblings need more.
const settle = 10 * time.Second

// read keeps a stream open while the container is tracked.
func (c *Collector) read(ctx context.Context, id string, s *stream) {
	wait := time.NewTimer(settle)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		err := c.cfg.Engine.Stats(ctx, id, s.take)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.cfg.Log.Debug("stats stream ended", "op", "stats", "err", err)
		}
		wait.Reset(5 * time.Second)
	}
}

func (s *stream) take(sample docker.Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rx, tx := s.sum.add(sample)
	s.last = Reading{Raw: sample.Raw, At: sample.At, RxRate: rx, TxRate: tx, Network: sample.HasNetwork}
}

// Flush returns and resets the sets of every container that was sampled since the last flush, by engine id.
func (c *Collector) Flush() map[string]Set {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]Set{}
	for id, s := range c.streams {
		s.mu.Lock()
		set, ok := s.sum.flush()
		s.mu.Unlock()
		if ok {
			out[id] = set
		}
	}
	return out
}

// Last returns the latest sample of a container.
func (c *Collector) Last(id string) (Reading, bool) {
	c.mu.Lock()
	s := c.streams[id]
	c.mu.Unlock()
	if s == nil {
		return Reading{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, !s.last.At.IsZero()
}

// accumulator folds samples; the counters of the last one are the base of the next.
type accumulator struct {
	prev   docker.Sample
	cpu    acs.StatsSet
	memory acs.StatsSet
	rxRate acs.StatsSet
	txRate acs.StatsSet
	net    [8]acs.ULongStatsSet
	disk   [2]acs.ULongStatsSet
	hasNet bool
}

func (a *accumulator) add(s docker.Sample) (rxRate, txRate float64) {
	fold(&a.memory, float64(s.MemoryBytes)/(1<<20))
	prev := a.prev
	a.prev = s
	foldLong(&a.disk[0], s.ReadBytes)
	foldLong(&a.disk[1], s.WriteBytes)
	if s.HasNetwork {
		a.hasNet = true
		n := s.Network
		for i, v := range [8]uint64{
			n.RxBytes, n.RxPackets, n.RxErrors, n.RxDropped, n.TxBytes, n.TxPackets, n.TxErrors, n.TxDropped,
		} {
			foldLong(&a.net[i], v)
		}
	}
	seconds := s.At.Sub(prev.At).Seconds()
	if prev.At.IsZero() || seconds <= 0 || s.CPUTotal < prev.CPUTotal || s.SystemTotal <= prev.SystemTotal {
		return 0, 0
	}
	cpus := float64(max(s.OnlineCPUs, 1))
	fold(&a.cpu, float64(s.CPUTotal-prev.CPUTotal)/float64(s.SystemTotal-prev.SystemTotal)*cpus*100)
	if s.HasNetwork && s.Network.RxBytes >= prev.Network.RxBytes && s.Network.TxBytes >= prev.Network.TxBytes {
		rxRate = float64(s.Network.RxBytes-prev.Network.RxBytes) / seconds
		txRate = float64(s.Network.TxBytes-prev.Network.TxBytes) / seconds
		fold(&a.rxRate, rxRate)
		fold(&a.txRate, txRate)
	}
	return rxRate, txRate
}

func (a *accumulator) flush() (Set, bool) {
	if a.cpu.SampleCount == 0 {
		return Set{}, false
	}
	f := *a
	*a = accumulator{prev: f.prev}
	set := Set{
		CPU: &f.cpu, Memory: &f.memory,
		Storage: &acs.StorageStatsSet{ReadSizeBytes: &f.disk[0], WriteSizeBytes: &f.disk[1]},
	}
	if f.hasNet {
		set.Network = &acs.NetworkStatsSet{
			RxBytes: &f.net[0], RxPackets: &f.net[1], RxErrors: &f.net[2], RxDropped: &f.net[3],
			TxBytes: &f.net[4], TxPackets: &f.net[5], TxErrors: &f.net[6], TxDropped: &f.net[7],
			RxBytesPerSecond: &f.rxRate, TxBytesPerSecond: &f.txRate,
		}
	}
	return set, true
}

func fold(s *acs.StatsSet, v float64) {
	if s.SampleCount == 0 || v < s.Min {
		s.Min = v
	}
	if s.SampleCount == 0 || v > s.Max {
		s.Max = v
	}
	s.Sum += v
	s.SampleCount++
}

// foldLong caps at the largest int64; a byte counter does not get there in practice.
func foldLong(s *acs.ULongStatsSet, u uint64) {
	v := int64(min(u, math.MaxInt64))
	if s.SampleCount == 0 || v < s.Min {
		s.Min = v
	}
	if s.SampleCount == 0 || v > s.Max {
		s.Max = v
	}
	s.Sum += v
	s.SampleCount++
}
