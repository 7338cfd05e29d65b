package engine

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"
)

// feedMemory is how many past events the engine can repeat.
const feedMemory = 256

// feed hands events to subscribers.
type feed struct {
	past        []event
	subscribers []*subscriber
}

type event struct {
	at     time.Time
	action string
	id     string
	labels map[string]string
	line   []byte
}

type subscriber struct {
	labels  map[string]string
	kinds   map[string]bool // nil = all
	pending [][]byte
	wake    chan struct{}
}

func (s *subscriber) wants(ev event) bool {
	kind, _, _ := strings.Cut(ev.action, ":")
	return carries(ev.labels, s.labels) && (s.kinds == nil || s.kinds[kind])
}

// push queues a line; the engine's lock is held.
func (s *subscriber) push(line []byte) {
	s.pending = append(s.pending, line)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// tell publishes an event about a container; about is pairs of further attributes.
func (e *Engine) tell(r *record, action string, about ...string) {
	ev := event{at: e.cfg.Now(), action: action, id: r.ID, labels: r.Labels}
	ev.line = eventLine(ev, r, about)
	if len(e.feed.past) == feedMemory {
		e.feed.past = append(e.feed.past[:0], e.feed.past[feedMemory/4:]...)
	}
	e.feed.past = append(e.feed.past, ev)
	for _, s := range e.feed.subscribers {
		if s.wants(ev) {
			e.deliver(s, ev)
		}
	}
}

// deliver hands an event to one subscriber, unless fate will otherwise.
func (e *Engine) deliver(s *subscriber, ev event) {
	e.calls["event"]++
	v := e.cfg.Fault(Call{Op: "event", Container: ev.id, Action: ev.action, N: e.calls["event"]})
	if v.Drop {
		return
	}
	if v.Double {
		s.push(ev.line)
	}
	if v.Delay <= 0 {
		s.push(ev.line)
		return
	}
	time.AfterFunc(v.Delay, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		s.push(ev.line)
	})
}

func eventLine(ev event, r *record, about []string) []byte {
	attributes := maps.Clone(r.Labels)
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["image"], attributes["name"] = r.Image, r.Name
	for i := 0; i+1 < len(about); i += 2 {
		attributes[about[i]] = about[i+1]
	}
	type actor struct {
		ID         string
		Attributes map[string]string
	}
	line, _ := json.Marshal(struct { // strings and numbers always encode
		Status   string `json:"status"`
		ID       string `json:"id"`
		From     string `json:"from"`
		Type     string
		Action   string
		Actor    actor
		Scope    string `json:"scope"`
		Time     int64  `json:"time"`
		TimeNano int64  `json:"timeNano"`
	}{
		ev.action, ev.id, r.Image, "container", ev.action, actor{ev.id, attributes}, "local",
		ev.at.Unix(), ev.at.UnixNano(),
	})
	return append(line, '\n')
}

// subscribe opens a subscription and repeats what happened since.
func (e *Engine) subscribe(q query) *subscriber {
	s := &subscriber{labels: q.labels(), wake: make(chan struct{}, 1)}
	for kind := range q.filters["event"] {
		if s.kinds == nil {
			s.kinds = map[string]bool{}
		}
		s.kinds[kind] = true
	}
	if types := q.filters["type"]; len(types) > 0 && !types["container"] {
		s.kinds = map[string]bool{} // there are no events but of containers
	}
	since := readTime(q.Get("since"))
	for _, ev := range e.feed.past {
		if !since.IsZero() && !ev.at.Before(since) && s.wants(ev) {
			e.deliver(s, ev)
		}
	}
	e.feed.subscribers = append(e.feed.subscribers, s)
	return s
}

func (e *Engine) unsubscribe(s *subscriber) {
	for i, x := range e.feed.subscribers {
		if x == s {
			e.feed.subscribers = append(e.feed.subscribers[:i:i], e.feed.subscribers[i+1:]...)
			return
		}
	}
}

// readTime reads the seconds.nanoseconds of a query; the zero time when there are none.
func readTime(text string) time.Time {
	whole, part, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}
	}
	n, _ := strconv.ParseInt((part + "000000000")[:9], 10, 64) // not digits: no fraction
	return time.Unix(s, n)
}
