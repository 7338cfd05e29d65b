package docker

import (
	"context"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// Event is a hint that something happened to a container; the truth is in Inspect.
type Event struct {
	Action string // create, start, die, oom, kill, stop, pause, unpause, destroy, rename, health_status
	ID     string
	Labels map[string]string // the engine's attributes, which include the container's labels
	At     time.Time
}

// Events calls ready once it is subscribed, then hand for each container event with all the labels, until ctx ends
// or the stream breaks; it always returns an error. Whoever calls it re-reads everything in ready.
func (e *Engine) Events(ctx context.Context, labels map[string]string, ready func(), hand func(Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := labelFilter(labels).Add("type", "container")
	res := e.c.Events(ctx, client.EventsListOptions{Filters: f})
	select {
	case err := <-res.Err:
		return classify(ctx, "events", err)
	default:
	}
	ready()
	for {
		select {
		case err := <-res.Err:
			return classify(ctx, "events", err)
		case m := <-res.Messages:
			action, _, _ := strings.Cut(string(m.Action), ":")
			hand(Event{Action: action, ID: m.Actor.ID, Labels: m.Actor.Attributes, At: time.Unix(0, m.TimeNano)})
		}
	}
}
