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

// knownTask is a task as it is shown now.
type knownTask struct {
	task *state.Task
	wire ecswire.Task
}

// knownTasks gives what is remembered of tasks, nil where nothing is, and a view that is as new. Finding a record among
// very many costs more than showing it: what is asked for again and again is found by name, and every commit forgets
// what it changes.
func (a *API) knownTasks(keys []state.TaskKey) ([]*knownTask, store.View) {
	known := make([]*knownTask, len(keys))
	t := &a.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	v := a.Store.View()
	t.advance(v.Revision())
	if t.commits == nil {
		return known, v
	}
	for i, k := range keys {
		known[i] = t.shown[k]
	}
	return known, v
}

// remember tasks as v showed them, unless anything was written since.
func (t *tally) remember(v store.View, shown []*knownTask) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.commits == nil || t.revision != v.Revision() {
		return
	}
	for _, s := range shown {
		if len(t.shown) >= maxShownTasks {
			clear(t.shown) // those that are asked for again come back
		}
		t.shown[s.task.Key] = s
	}
}

// forgetTask is called for every task that a commit changes, before and after.
func (t *tally) forgetTask(r *state.Task) {
	if r != nil {
		delete(t.shown, r.Key)
	}
}

// forgetHost likewise for instances: a task shows some of its instance's attributes.
func (t *tally) forgetHost(r *state.Instance) {
	if r == nil {
		return
	}
	for k, s := range t.shown {
		if s.task.Instance == r.Key {
			delete(t.shown, k)
		}
	}
}
