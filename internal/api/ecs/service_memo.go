package ecs

import (
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// maxShownServices bounds how many services are remembered, with a hundred lines of their story each.
const maxShownServices = 500

// shownService is a service as it was asked for.
type shownService struct {
	service state.ServiceKey
	tags    bool
}

// knownService is a service as it is shown now. What it points to is shared: nobody may change it.
type knownService struct {
	shownService
	wire ecswire.Service
}

// knownServices gives what is remembered of services, nil where nothing is, and a view that is as new. Waiters and
// consoles ask for the same ones over and over, while others are written: a commit forgets the services that it
// changes something of, and no more.
func (a *API) knownServices(keys []state.ServiceKey, tags bool) ([]*knownService, store.View) {
	known := make([]*knownService, len(keys))
	t := &a.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	v := a.Store.View()
	t.advance(v.Revision())
	if t.commits == nil {
		return known, v
	}
	for i, k := range keys {
		known[i] = t.services[shownService{k, tags}]
	}
	return known, v
}

// rememberServices as v showed them, unless anything was written since.
func (t *tally) rememberServices(v store.View, shown []*knownService) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.commits == nil || t.revision != v.Revision() {
		return
	}
	for _, s := range shown {
		if len(t.services) >= maxShownServices {
			clear(t.services) // those that are asked for again come back
		}
		t.services[s.shownService] = s
	}
}

// forgetService is called for every service of which a commit changes the record, a deployment, a task or the story,
// before and after. That is all that describeService reads.
func (t *tally) forgetService(k state.ServiceKey) {
	delete(t.services, shownService{k, false})
	delete(t.services, shownService{k, true})
}
