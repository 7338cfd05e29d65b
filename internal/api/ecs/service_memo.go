package ecs

import (
	"sync"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// described remembers services as they were last rendered. Waiters and consoles ask for the same ones over and
// over; between two commits of the store the answer cannot change, and the next commit forgets all of them.
type described struct {
	mu       sync.Mutex
	revision uint64
	of       map[describedKey]ecswire.Service
}

type describedKey struct {
	service state.ServiceKey
	tags    bool
}

// service renders s as v shows it. What it answers is shared: nobody may change what it points to.
func (d *described) service(v store.View, s *state.Service, tags bool) ecswire.Service {
	key := describedKey{s.Key, tags}
	d.mu.Lock()
	known, ok := d.of[key]
	if d.revision != v.Revision() {
		ok = false
	}
	d.mu.Unlock()
	if ok {
		return known
	}
	w := describeService(v, s, tags)
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.Revision() > d.revision {
		d.revision = v.Revision()
		clear(d.of)
	}
	if v.Revision() == d.revision {
		d.of[key] = w
	}
	return w
}
