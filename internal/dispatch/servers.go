package dispatch

import (
	"context"
	"time"

	"longshore/internal/state"
)

// mend makes an instance's record and its session here say the same: an agent that connected to another server
// since is the other one's, and one that was taken for lost, because this server was, is not.
func (d *Dispatch) mend(ctx context.Context, key state.InstanceKey) {
	i, ok := d.Store.View().Instances().Get(key)
	s := d.session(key)
	if !ok || s == nil || !s.written.Load() {
		return
	}
	if i.Connected && i.ConnectedTo != d.Server {
		s.cancel(errReplaced)
		return
	}
	if i.Connected {
		return
	}
	err := d.change(ctx, key, func(i *state.Instance) bool {
		if i.Connected || i.ConnectedTo != d.Server || d.session(key) != s {
			return false
		}
		i.Connected, i.DisconnectedAt = true, time.Time{}
		return true
	})
	if err != nil && ctx.Err() == nil {
		s.log.Warn("cannot write down that the agent is connected after all; it has to connect again", "err", err)
		s.cancel(errReplaced)
	}
}

// tidyEvery is how often a server looks for agents of its own that left while it could not write that down.
const tidyEvery = 5 * time.Second

func (d *Dispatch) tidy(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(tidyEvery):
		}
		for i := range d.Store.View().Instances().All() {
			if d.forsaken(i) {
				_ = d.disconnectAll(ctx) // out of reach: the next look finds them again
				break
			}
		}
	}
}

// reapEvery is how often Reap looks for servers that died.
const reapEvery = 2 * time.Second

// Reap writes down as disconnected what was connected to servers that are not alive any more, until ctx ends. One
// server should run it. A server must be missing twice in a row.
func (d *Dispatch) Reap(ctx context.Context, alive func(context.Context) (map[string]string, error)) error {
	missed := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reapEvery):
		}
		servers, err := alive(ctx)
		if err != nil {
			continue // who cannot be asked is not dead
		}
		missing := map[string]bool{}
		for i := range d.Store.View().Instances().All() {
			if _, ok := servers[i.ConnectedTo]; i.Connected && !ok {
				missing[i.ConnectedTo] = true
			}
		}
		for server := range missing {
			if !missed[server] {
				continue
			}
			d.Log.Info("a server died with agents connected to it", "node", server)
			err := d.disconnect(ctx, func(i *state.Instance) bool { return i.Connected && i.ConnectedTo == server })
			if err != nil && ctx.Err() == nil {
				d.Log.Warn("cannot write down that agents of a dead server are disconnected", "node", server, "err", err)
			}
		}
		missed = missing
	}
}
