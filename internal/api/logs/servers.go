package logs

import (
	"context"
	"slices"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/telemetry/logstore"
)

// take writes down that this server holds events of a stream. What it has of that name already belongs to a stream
// that was deleted on another server, and goes.
func (a *API) take(ctx context.Context, s *state.LogStream) error {
	if a.holds(s) {
		return nil
	}
	a.taking.Lock()
	defer a.taking.Unlock()
	s, ok := a.Store.View().LogStreams().Get(s.Key)
	if !ok {
		return streamNotFound()
	}
	if a.holds(s) {
		return nil // another call took it
	}
	err := a.Events.DeleteStream(ctx, logstore.Stream{Group: string(s.Group), Name: s.Name})
	if err != nil {
		return err
	}
	return a.Store.Update(ctx, func(tx *store.Tx) error {
		s, ok := tx.LogStreams().Get(s.Key)
		if !ok {
			return streamNotFound()
		}
		mine := *s
		mine.Servers = append(slices.Clone(s.Servers), a.Server)
		tx.LogStreams().Put(&mine)
		return nil
	})
}

// holds says whether what this server has under the name of a stream is the stream's.
func (a *API) holds(s *state.LogStream) bool {
	return a.Server == "" || slices.Contains(s.Servers, a.Server)
}

// whole refuses a stream of which another server holds events.
func (a *API) whole(s *state.LogStream) error {
	if a.Server == "" {
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(s.Servers), func(name string) bool { return name == a.Server })
	if len(others) == 0 {
		return nil
	}
	return eventsElsewhere(s.Name, others)
}

// reachable are the streams, of those named or of all, that hold anything: all of it here, or the call is refused.
func (a *API) reachable(v store.View, g *state.LogGroup, named []string) ([]string, error) {
	if a.Server == "" {
		return named, nil
	}
	out := []string{}
	for s := range v.LogStreams().OfGroup(g.Key) {
		if named != nil && !slices.Contains(named, s.Name) {
			continue
		}
		err := a.whole(s)
		if err != nil {
			return nil, err
		}
		if a.holds(s) {
			out = append(out, s.Name)
		}
	}
	return out, nil
}
