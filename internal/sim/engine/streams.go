package engine

import (
	"bytes"
	"fmt"
	"time"
)

// open begins a stream. What befalls its answer befalls the stream: Cut breaks it after Delay, Hang leaves it silent.
func (x *exchange) open(contentType string) (cut <-chan time.Time, silent bool) {
	v := x.after()
	if v.Status != 0 {
		x.write(verdictAnswer(v))
		x.abort()
	}
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(200)
	x.flush()
	if v.Cut {
		cut = time.After(v.Delay)
	}
	return cut, v.Hang
}

func (x *exchange) events() answer {
	x.e.mu.Lock()
	s := x.e.subscribe(x.q)
	x.e.mu.Unlock()
	defer func() {
		x.e.mu.Lock()
		defer x.e.mu.Unlock()
		x.e.unsubscribe(s)
	}()
	cut, silent := x.open("application/json")
	for {
		select {
		case <-s.wake:
		case <-cut:
			x.abort()
		case <-x.r.Context().Done():
			return answer{streamed: true}
		case <-x.down:
			x.abort()
		}
		x.e.mu.Lock()
		lines := s.pending
		s.pending = nil
		x.e.mu.Unlock()
		if !silent && len(lines) > 0 {
			x.say(bytes.Join(lines, nil))
		}
	}
}

// logs is well-formed and empty: these containers say nothing.
func (x *exchange) logs() answer {
	var exited chan struct{}
	a := x.with(func(r *record) answer {
		exited = r.exited
		return answer{}
	})
	if exited == nil {
		return a
	}
	cut, _ := x.open("application/vnd.docker.raw-stream")
	if !x.q.flag("follow") {
		return answer{streamed: true}
	}
	select {
	case <-exited:
	case <-cut:
		x.abort()
	case <-x.r.Context().Done():
	case <-x.down:
		x.abort()
	}
	return answer{streamed: true}
}

func (x *exchange) stats() answer {
	var r *record
	var exited chan struct{}
	a := x.with(func(found *record) answer {
		r, exited = found, found.exited
		return answer{}
	})
	if r == nil {
		return a
	}
	stream := x.q.Get("stream") != "false" && x.q.Get("stream") != "0"
	cut, silent := x.open("application/json")
	wait := time.NewTimer(time.Second)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-exited:
			exited = nil // the last word says that it does not run
		case <-cut:
			x.abort()
		case <-x.r.Context().Done():
			return answer{streamed: true}
		case <-x.down:
			x.abort()
		}
		x.e.mu.Lock()
		sample, running := x.e.sample(r), r.Running
		x.e.mu.Unlock()
		if !silent {
			x.say(sample)
		}
		if !stream || !running {
			return answer{streamed: true}
		}
		wait.Reset(x.e.cfg.StatsEvery)
	}
}

// sample reads a container's counters: one twentieth of a processor, a quarter of its memory, a little traffic.
func (e *Engine) sample(r *record) []byte {
	if !r.Running {
		return []byte(fmt.Sprintf(`{"read":"0001-01-01T00:00:00Z","id":%q,"name":"/%s"}`+"\n", r.ID, r.Name))
	}
	now := e.cfg.Now()
	age := now.Sub(r.StartedAt)
	limit := r.MemoryBytes
	if limit == 0 {
		limit = int64(e.cfg.MemoryMiB) << 20
	}
	network := ""
	if r.spec.bridged() {
		network = fmt.Sprintf(`,"networks":{"eth0":{"rx_bytes":%d,"tx_bytes":%d}}`, age.Milliseconds(), age.Milliseconds())
	}
	return []byte(fmt.Sprintf(`{"read":%q,"id":%q,"name":"/%s","num_procs":0,"pids_stats":{"current":1},`+
		`"cpu_stats":{"cpu_usage":{"total_usage":%d},"system_cpu_usage":%d,"online_cpus":%d},`+
		`"memory_stats":{"usage":%d,"limit":%d},"blkio_stats":{}%s}`+"\n",
		now.UTC().Format(time.RFC3339Nano), r.ID, r.Name, age.Nanoseconds()/20,
		now.UnixNano()%(1<<60)*int64(e.cfg.CPUs)>>2, e.cfg.CPUs, limit/4, limit, network))
}
