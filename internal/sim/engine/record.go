package engine

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Exit codes that no program chose.
const (
	exitKilled = 137 // by signal 9
	exitLost   = 255 // what the engine says after a loss of power
	exitNever  = 128 // could not be started
)

// record is one container.
type record struct {
	Container
	does behaviour
	spec spec

	pid      int
	failed   string        // why the last start failed
	starting chan struct{} // closed when the start under way is over; nil without one
	exited   chan struct{} // closed when it does not run
	gone     chan struct{} // closed when it is removed
	leaving  bool          // its stop signal has come
	frozen   []func()      // what it would have done while paused
	checked  time.Time     // of the last health check

	inspection []byte // answer to inspect; nil after a change
	row        []byte // row of the list; nil after a change
}

// live returns what is not removed, in order of creation.
func (e *Engine) live() []*record {
	out := make([]*record, 0, len(e.byID))
	for _, r := range e.all {
		if !r.Removed {
			out = append(out, r)
		}
	}
	return out
}

func (e *Engine) find(id string) *record {
	r := e.byID[id]
	if r == nil {
		r = e.byName[id]
	}
	return r
}

// changed remembers a change of state and tells it.
func (e *Engine) changed(r *record, action string, about ...string) {
	r.inspection, r.row = nil, nil
	e.tell(r, action, about...)
	c := Change{At: e.cfg.Now(), Action: action, Container: r.Container}
	e.history = append(e.history, c)
	e.cfg.Change(c)
}

// later does something to this life of a container, unless it has ended by then.
func (e *Engine) later(r *record, d time.Duration, do func()) {
	life := r.exited
	time.AfterFunc(d, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if r.Running && r.exited == life {
			do()
		}
	})
}

// itself is later for what the process does, which a pause puts off.
func (e *Engine) itself(r *record, d time.Duration, do func()) {
	e.later(r, d, func() {
		if r.Paused {
			r.frozen = append(r.frozen, do)
			return
		}
		do()
	})
}

// begin starts a container; what it holds of the host is refused where somebody else does.
func (e *Engine) begin(r *record) *refusal {
	no := e.network(r)
	if no != nil {
		r.failed, r.ExitCode = no.message, exitNever
		r.inspection, r.row = nil, nil
		return no
	}
	now := e.cfg.Now()
	e.pid++
	r.pid, r.failed, r.leaving, r.frozen = e.pid, "", false, nil
	r.Running, r.Paused, r.OOMKilled, r.ExitCode = true, false, false, 0
	r.StartedAt, r.Starts = now, r.Starts+1
	r.exited = make(chan struct{})
	if r.spec.checks() {
		r.Health = "starting"
	}
	e.changed(r, "start")
	e.fate(r)
	return nil
}

// fate arranges what will befall a container that has come up.
func (e *Engine) fate(r *record) {
	b := r.does
	switch {
	case b.oom:
		e.itself(r, b.after, func() { e.end(r, exitKilled, true) })
	case b.run == 0:
		e.end(r, b.exit, false)
		return
	case b.run > 0:
		e.itself(r, b.run, func() { e.end(r, b.exit, false) })
	}
	if r.Health == "" {
		return
	}
	e.itself(r, b.after, func() {
		r.Health, r.checked = "healthy", e.cfg.Now()
		if b.sick {
			r.Health = "unhealthy"
		}
		e.changed(r, "health_status: "+r.Health)
	})
}

// network gives a container its ports and its address.
func (e *Engine) network(r *record) *refusal {
	if owner, ok := r.spec.joins(); ok {
		o := e.find(owner)
		if o == nil {
			return noContainer(owner)
		}
		if !o.Running {
			return &refusal{409, "cannot join network of a non running container: " + o.ID}
		}
		return nil
	}
	if !r.spec.bridged() {
		return nil
	}
	wanted := r.spec.ports()
	for i, p := range wanted {
		if p.HostPort == 0 {
			wanted[i].HostPort = e.freePort(p.Protocol)
			continue
		}
		if e.ports[p.key()] != nil {
			return &refusal{500, fmt.Sprintf("driver failed programming external connectivity on endpoint %s (%s): "+
				"Bind for 0.0.0.0:%d failed: port is already allocated", r.Name, r.ID, p.HostPort)}
		}
	}
	for _, p := range wanted {
		e.ports[p.key()] = r
	}
	r.Ports = wanted
	e.address = e.address%65000 + 1
	r.Address = netip.AddrFrom4([4]byte{172, 17, byte(e.address >> 8), byte(e.address)})
	return nil
}

func (e *Engine) freePort(protocol string) int {
	p := Port{Protocol: protocol, HostPort: 32768}
	for e.ports[p.key()] != nil {
		p.HostPort++
	}
	return p.HostPort
}

func (p Port) key() string { return p.Protocol + "/" + strconv.Itoa(p.HostPort) }

// end is the death of a container's process.
func (e *Engine) end(r *record, code int, oom bool) {
	if !r.Running {
		return
	}
	for _, p := range r.Ports {
		if e.ports[p.key()] == r {
			delete(e.ports, p.key())
		}
	}
	if oom {
		r.OOMKilled = true
		e.tell(r, "oom")
	}
	r.Running, r.Paused, r.ExitCode, r.pid = false, false, code, 0
	r.FinishedAt, r.Ports, r.Address = e.cfg.Now(), nil, netip.Addr{}
	if r.Health != "" {
		r.Health = "unhealthy" // as the engine leaves it
	}
	close(r.exited)
	e.changed(r, "die", "exitCode", strconv.Itoa(code))
}

func (e *Engine) endAll(code int) {
	for _, r := range e.all {
		e.end(r, code, false)
	}
}

// signal delivers a signal; one to a frozen process thaws it.
func (e *Engine) signal(r *record, kill bool, number string) {
	e.tell(r, "kill", "signal", number)
	if r.Paused {
		e.unpause(r)
	}
	switch {
	case kill:
		e.end(r, exitKilled, false)
	case r.does.stubborn || r.leaving:
	case r.does.stop <= 0:
		e.end(r, r.does.left, false)
	default:
		r.leaving = true
		e.itself(r, r.does.stop, func() { e.end(r, r.does.left, false) })
	}
}

// askToStop sends the stop signal and sees to the kill, whoever waits for it.
func (e *Engine) askToStop(r *record, grace time.Duration) {
	life := r.exited
	e.signal(r, false, "15")
	if r.exited != life || !r.Running {
		return
	}
	outage := e.outage
	e.later(r, grace, func() {
		if e.outage == outage { // an engine that went down has forgotten
			e.signal(r, true, "9")
		}
	})
}

func (e *Engine) pause(r *record) {
	if !r.Paused {
		r.Paused = true
		e.changed(r, "pause")
	}
}

func (e *Engine) unpause(r *record) {
	if !r.Paused {
		return
	}
	r.Paused = false
	e.changed(r, "unpause")
	due := r.frozen
	r.frozen = nil
	for _, do := range due {
		if r.Running {
			do()
		}
	}
}

// destroy removes a container, alive or not.
func (e *Engine) destroy(r *record) {
	if r.Removed {
		return
	}
	if r.Running {
		e.signal(r, true, "9")
	}
	r.Removed, r.RemovedAt = true, e.cfg.Now()
	delete(e.byID, r.ID)
	delete(e.byName, r.Name)
	close(r.gone)
	e.changed(r, "destroy")
}

// await waits for one of a container's channels; false means that the caller or the engine went first.
func (e *Engine) await(ctx context.Context, until, down <-chan struct{}) bool {
	select {
	case <-until:
		return true
	case <-ctx.Done():
	case <-down:
	}
	return false
}
