package schedule

import (
	"context"
	"maps"
	"slices"
	"sync"

	"longshore/internal/state"
	"longshore/internal/store"
)

// burst is a part of the waiting tasks that is placed in one Update.
type burst struct {
	tasks   []*state.Task
	before  *burst        // whose events count as written
	said    map[told]bool // when its closure ran last
	decided chan struct{} // closed when its closure ran, or never will
	done    chan error
}

// placeAll places burst after burst, those that wait longest first. While one is made durable, the next is
// decided already; what is not durable when a write fails fails with it.
func (s *Schedule) placeAll(ctx context.Context, waiting []*state.Task) error {
	order(waiting)
	last := &burst{said: toldServices(waiting), done: make(chan error, 1)}
	last.done <- nil
	var err error
	for some := range slices.Chunk(waiting, s.Batch) {
		b := &burst{tasks: some, before: last, decided: make(chan struct{}), done: make(chan error, 1)}
		go s.update(ctx, b)
		<-b.decided
		err = <-last.done
		clear(last.tasks) // a burst of a million must not keep what it replaced
		last.before, last = nil, b
		if err != nil {
			break
		}
	}
	end := <-last.done
	if err == nil {
		err = end
	}
	if err != nil {
		s.Board.Forget()
	}
	return err
}

// update places a burst and says when it is durable. The store may run the closure again.
func (s *Schedule) update(ctx context.Context, b *burst) {
	var once sync.Once
	decided := func() { once.Do(func() { close(b.decided) }) }
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		defer decided()
		b.said = maps.Clone(b.before.said)
		s.place(tx, b.tasks, b.said)
		return nil
	})
	decided()
	b.done <- err
}

// told is an event that is written already: one for each service and code, as long as a task waits for it.
type told struct {
	service state.ServiceKey
	code    string
}

func toldServices(waiting []*state.Task) map[told]bool {
	out := map[told]bool{}
	for _, t := range waiting {
		if t.Waiting != nil && t.Service != "" {
			out[told{t.Service, t.Waiting.Code}] = true
		}
	}
	return out
}
