package engine

import (
	"strconv"
	"strings"
	"time"
)

// with finds the container of a call and does something to it, the lock held.
func (x *exchange) with(do func(*record) answer) answer {
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	r := x.e.find(x.target)
	for r != nil && r.starting != nil {
		busy := r.starting
		x.e.mu.Unlock()
		ok := x.e.await(x.r.Context(), busy, x.down)
		x.e.mu.Lock()
		if !ok {
			x.abort()
		}
		r = x.e.find(x.target)
	}
	if r == nil {
		return noContainer(x.target).answer()
	}
	return do(r)
}

func refuse(status int, message string) answer { return (&refusal{status, message}).answer() }

func (x *exchange) create() answer {
	body, no := x.body()
	if no != nil {
		return no.answer()
	}
	s, no := readSpec(body)
	if no != nil {
		return no.answer()
	}
	e, name := x.e, x.q.Get("name")
	e.mu.Lock()
	defer e.mu.Unlock()
	img := e.findImage(s.config.Image)
	if img == nil {
		return refuse(404, "No such image: "+normal(s.config.Image))
	}
	other := e.byName[name]
	if other != nil {
		return refuse(409, "Conflict. The container name \"/"+name+"\" is already in use by container \""+other.ID+
			"\". You have to remove (or rename) that container to be able to reuse that name.")
	}
	no = e.mount(&s)
	if no != nil {
		return no.answer()
	}
	r := e.newRecord(name, s)
	e.changed(r, "create")
	return answer{status: 201, body: encode(map[string]any{"Id": r.ID, "Warnings": []string{}})}
}

func (e *Engine) newRecord(name string, s spec) *record {
	r := &record{spec: s, does: behaviourOf(s.config.Image, append(s.config.Entrypoint, s.config.Cmd...))}
	r.ID, r.Name, r.Image, r.Labels = e.cfg.NewID(), name, s.config.Image, s.config.Labels
	if r.Name == "" {
		r.Name = "unnamed_" + r.ID[:min(12, len(r.ID))]
	}
	r.NetworkMode, r.MemoryBytes, r.Created = s.host.NetworkMode, s.host.Memory, e.cfg.Now()
	r.exited, r.gone = make(chan struct{}), make(chan struct{})
	close(r.exited)
	e.all = append(e.all, r)
	e.byID[r.ID], e.byName[r.Name] = r, r
	return r
}

func (x *exchange) start() answer {
	var begun chan struct{}
	var no *refusal
	a := x.with(func(r *record) answer {
		switch {
		case r.Paused:
			return refuse(409, "cannot start a paused container, try unpause instead")
		case r.Running:
			return answer{status: 304}
		case r.does.start <= 0:
			no = x.e.begin(r)
			return answer{status: 204}
		}
		begun = make(chan struct{})
		r.starting = begun
		outage := x.e.outage
		time.AfterFunc(r.does.start, func() {
			x.e.mu.Lock()
			defer x.e.mu.Unlock()
			r.starting = nil
			if !r.Removed && x.e.outage == outage {
				no = x.e.begin(r)
			}
			close(begun)
		})
		return answer{status: 204}
	})
	if begun != nil {
		x.hold(begun)
	}
	if no != nil {
		return no.answer()
	}
	return a
}

func (x *exchange) stop() answer {
	grace := 10 * time.Second
	seconds, err := strconv.Atoi(x.q.Get("t"))
	if err == nil {
		grace = time.Duration(seconds) * time.Second
	}
	var exited chan struct{}
	a := x.with(func(r *record) answer {
		if !r.Running {
			return answer{status: 304}
		}
		exited = r.exited
		x.e.askToStop(r, grace)
		return answer{status: 204}
	})
	if exited == nil {
		return a
	}
	x.hold(exited)
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	r := x.e.find(x.target)
	if r != nil {
		x.e.tell(r, "stop")
	}
	return a
}

func (x *exchange) kill() answer {
	name := strings.TrimPrefix(strings.ToUpper(x.q.Get("signal")), "SIG")
	return x.with(func(r *record) answer {
		if !r.Running {
			return refuse(409, "Cannot kill container: "+x.target+": Container "+r.ID+" is not running")
		}
		switch name {
		case "", "KILL", "9":
			x.e.signal(r, true, "9")
		case "TERM", "INT", "QUIT", "15", "2", "3":
			x.e.signal(r, false, name)
		}
		return answer{status: 204}
	})
}

func (x *exchange) pause() answer {
	return x.with(func(r *record) answer {
		switch {
		case !r.Running:
			return refuse(409, "Container "+r.ID+" is not running")
		case r.Paused:
			return refuse(409, "Container "+r.ID+" is already paused")
		}
		x.e.pause(r)
		return answer{status: 204}
	})
}

func (x *exchange) unpause() answer {
	return x.with(func(r *record) answer {
		if !r.Paused {
			return refuse(500, "Container "+r.ID+" is not paused")
		}
		x.e.unpause(r)
		return answer{status: 204}
	})
}

func (x *exchange) remove() answer {
	return x.with(func(r *record) answer {
		if r.Running && !x.q.flag("force") {
			return refuse(409, "You cannot remove a running container "+r.ID+
				". Stop the container before attempting removal or force remove")
		}
		x.e.destroy(r)
		return answer{status: 204}
	})
}

// wait answers its header at once and the exit code when there is one.
func (x *exchange) wait() answer {
	var until chan struct{}
	var r *record
	a := x.with(func(found *record) answer {
		r = found
		switch x.q.Get("condition") {
		case "removed":
			until = r.gone
		case "next-exit":
			until = r.exited // of a container that does not run it is the last one
		default:
			until = r.exited
		}
		return answer{status: 200}
	})
	if r == nil {
		return a
	}
	x.w.WriteHeader(200)
	x.flush()
	x.hold(until)
	v := x.after()
	x.pass(v)
	x.e.mu.Lock()
	code := r.ExitCode
	x.e.mu.Unlock()
	x.say(encode(map[string]any{"Error": nil, "StatusCode": code}))
	return answer{streamed: true}
}
