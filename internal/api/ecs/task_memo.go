package ecs

import (
	"sync"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// maxShownTasks bounds what shownTasks remembers, a few KiB each.
const maxShownTasks = 1000

// shownTasks remembers tasks as they were last rendered. A published record never changes, so an answer holds for as
// long as the record and that of its instance are the same ones: waiters ask for the same tasks over and over, and
// a rendered task is a hundred small allocations.
type shownTasks struct {
	mu sync.Mutex
	of map[shownTask]ecswire.Task
}

type shownTask struct {
	task *state.Task
	host *state.Instance // nil: not placed, or the instance is forgotten
}

// task renders t as v shows it. What it answers is shared: nobody may change what it points to.
func (m *shownTasks) task(v store.View, t *state.Task) ecswire.Task {
	host, _ := v.Instances().Get(t.Instance)
	key := shownTask{t, host}
	m.mu.Lock()
	w, ok := m.of[key]
	m.mu.Unlock()
	if ok {
		return w
	}
	w = renderTask(v, t)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.of) >= maxShownTasks || m.of == nil {
		m.of = map[shownTask]ecswire.Task{} // those that are asked for again come back
	}
	m.of[key] = w
	return w
}
