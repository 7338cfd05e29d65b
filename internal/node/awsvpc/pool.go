package awsvpc

import (
	"sync"
	"time"
)

// pool holds the namespaces that wait for a task. Run alone adds to it and shrinks it.
type pool struct {
	min, max int
	quiet    time.Duration
	now      func() time.Time
	kick     chan struct{} // one pending hint is enough: Run looks at the pool, not at the hint

	mu    sync.Mutex
	free  []*pause
	state poolState
}

// poolState is what plan decides from.
type poolState struct {
	free     int
	target   int
	lastTake time.Time
	lastEase time.Time // when the target was last halved
}

// A burst's larger target is given back by halves, one each calm period.
const calm = 30 * time.Second

type poolStep int

const (
	stepWait poolStep = iota
	stepMake
	stepDrop
	stepEase
)

// plan says what the pool needs next and, for stepWait, when to look again (0: only when kicked).
// An empty pool is refilled at once; one that still has something waits for a quiet moment.
func plan(s poolState, minimum int, quiet time.Duration, now time.Time) (poolStep, time.Duration) {
	idle := now.Sub(s.lastTake)
	switch {
	case s.free > s.target:
		return stepDrop, 0
	case s.free < s.target && (s.free == 0 || idle >= quiet):
		return stepMake, 0
	case s.free < s.target:
		return stepWait, quiet - idle
	case s.target <= minimum:
		return stepWait, 0
	}
	rest := min(idle, now.Sub(s.lastEase))
	if rest >= calm {
		return stepEase, 0
	}
	return stepWait, calm - rest
}

func newPool(cfg Config) *pool {
	return &pool{
		min:   cfg.PoolSize,
		max:   max(cfg.PoolMax, cfg.PoolSize),
		quiet: cfg.PoolQuiet,
		now:   cfg.Now,
		kick:  make(chan struct{}, 1),
		state: poolState{target: cfg.PoolSize},
	}
}

// take returns a waiting namespace, or nil. Taking the last one doubles the target: demand is high.
func (p *pool) take() *pause {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.lastTake = p.now()
	p.hint()
	n := len(p.free)
	if n <= 1 {
		p.state.target = min(p.state.target*2, p.max)
		p.state.lastEase = p.now()
	}
	if n == 0 {
		return nil
	}
	q := p.free[n-1]
	p.free = p.free[:n-1]
	return q
}

func (p *pool) put(q *pause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, q)
	p.hint()
}

func (p *pool) hint() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// next plans; a step that only changes the target is taken here.
func (p *pool) next() (poolStep, time.Duration, *pause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.free = len(p.free)
	step, wait := plan(p.state, p.min, p.quiet, p.now())
	switch step {
	case stepEase:
		p.state.target = max(p.min, p.state.target/2)
		p.state.lastEase = p.now()
	case stepDrop:
		q := p.free[0]
		p.free = p.free[1:]
		return step, wait, q
	}
	return step, wait, nil
}

// prune takes out every namespace whose process has gone, as after a restart of the engine.
func (p *pool) prune() []*pause {
	p.mu.Lock()
	defer p.mu.Unlock()
	var alive, dead []*pause
	for _, q := range p.free {
		if q.alive() {
			alive = append(alive, q)
			continue
		}
		dead = append(dead, q)
	}
	p.free = alive
	if len(dead) > 0 {
		p.hint()
	}
	return dead
}

// drain empties the pool and keeps it empty.
func (p *pool) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free, p.state.target, p.min, p.max = nil, 0, 0, 0
}

// size is how many namespaces wait.
func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.free)
}
