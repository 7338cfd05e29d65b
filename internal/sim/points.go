package sim

import "sync"

// points are the awaits at which a process can be killed: before and after every commit, message and engine call.
type points struct {
	mu    sync.Mutex
	armed map[string]*charge
}

// charge goes off at the n-th point that its host passes.
type charge struct {
	left int
	fire func(what string)
}

func newPoints() *points { return &points{armed: map[string]*charge{}} }

// arm a host: fire is called in the goroutine that passes the point.
func (p *points) arm(host string, n int, fire func(what string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed[host] = &charge{left: n, fire: fire}
}

func (p *points) disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.armed)
}

// pass a point.
func (p *points) pass(host, what string) {
	p.mu.Lock()
	c := p.armed[host]
	if c == nil {
		p.mu.Unlock()
		return
	}
	c.left--
	if c.left > 0 {
		p.mu.Unlock()
		return
	}
	delete(p.armed, host)
	p.mu.Unlock()
	c.fire(what)
}
