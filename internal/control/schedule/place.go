package schedule

import (
	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
)

// place chooses for some waiting tasks, all of one cluster. Everything is chosen before anything is written:
// a transaction that reads and writes by turns copies more.
func (s *Schedule) place(tx *store.Tx, tasks []*state.Task, said map[told]bool) {
	session := s.Board.Begin(tx.Instances(), tx.Tasks())
	defer session.End()
	now := s.Now()
	var changed []*state.Task
	var events []*state.Event
	for _, t := range tasks {
		t, ok := tx.Tasks().Get(t.Key)
		if !ok || !unplaced(t) {
			continue
		}
		copied := *t // only its own fields are written, nothing that it points to
		t = &copied
		why := session.Choose(request(tx, t))
		if why == nil {
			placed(t)
			changed = append(changed, t)
			continue
		}
		if !waits(t, why, now) {
			continue
		}
		changed = append(changed, t)
		svc, ok := tx.Services().Get(t.Service)
		if ok && !said[told{t.Service, t.Waiting.Code}] {
			said[told{t.Service, t.Waiting.Code}] = true
			events = append(events, notice(svc, why, s.NewID(), now))
		}
	}
	for _, t := range changed {
		tx.Tasks().Put(t)
	}
	for _, e := range events {
		tx.Tell(e.Service, e.At, e.ID, e.Message)
	}
}

func request(tx *store.Tx, t *state.Task) place.Request {
	r := place.Request{Task: t}
	r.Definition, _ = tx.TaskDefinitions().Get(t.TaskDefinition)
	if !place.Fargate(t) || t.Network == nil {
		return r
	}
	for _, id := range t.Network.Subnets {
		n, ok := tx.Subnets().Get(state.NewResourceKey(t.Key.Cluster().Scope(), id))
		if ok {
			r.Subnets = append(r.Subnets, n)
		}
	}
	return r
}
