package engine

import "time"

// Up says whether the engine's process answers; connections to one that is down are refused.
func (e *Engine) Up() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.up()
}

// Restart ends the engine's process and brings it back after downFor. Its containers live on, as with live-restore,
// or die with it.
func (e *Engine) Restart(downFor time.Duration, killContainers bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.goDown()
	if killContainers {
		e.endAll(exitKilled)
	}
	outage := e.outage
	time.AfterFunc(downFor, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.outage == outage {
			e.comeUp()
		}
	})
}

// Poweroff ends the machine: the engine and every process at once. What was created, pulled and stored stays.
func (e *Engine) Poweroff() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.goDown()
	e.endAll(exitLost)
}

// Poweron brings the engine back; no container starts by itself.
func (e *Engine) Poweron() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.outage++
	e.comeUp()
}

// OOM kills a running container, by id or name, for its memory; false means that there is none.
func (e *Engine) OOM(id string) bool {
	return e.toRunning(id, func(r *record) { e.end(r, exitKilled, true) })
}

// Die ends a running container by itself.
func (e *Engine) Die(id string, code int) bool {
	return e.toRunning(id, func(r *record) { e.end(r, code, false) })
}

// StopByHand stops a container as somebody else would, with a grace of ten seconds; it does not wait.
func (e *Engine) StopByHand(id string) bool {
	return e.toRunning(id, func(r *record) { e.askToStop(r, 10*time.Second) })
}

// RemoveByHand removes a container by force.
func (e *Engine) RemoveByHand(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.find(id)
	if r == nil {
		return false
	}
	e.destroy(r)
	return true
}

// PauseByHand freezes a running container.
func (e *Engine) PauseByHand(id string) bool { return e.toRunning(id, e.pause) }

// UnpauseByHand thaws a paused container.
func (e *Engine) UnpauseByHand(id string) bool { return e.toRunning(id, e.unpause) }

// AddImage makes an image known without a pull.
func (e *Engine) AddImage(ref string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.addImage(ref, true)
}

func (e *Engine) toRunning(id string, do func(*record)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.find(id)
	if r == nil || !r.Running {
		return false
	}
	do(r)
	return true
}

func (e *Engine) up() bool {
	select {
	case <-e.down:
		return false
	default:
		return true
	}
}

func (e *Engine) goDown() {
	e.outage++
	if e.up() {
		close(e.down)
	}
	e.feed.subscribers = nil
}

func (e *Engine) comeUp() {
	if !e.up() {
		e.down = make(chan struct{})
	}
}
