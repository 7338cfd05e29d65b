package taskrun

import (
	"context"
	"net/netip"
	"slices"
)

// claim makes the metadata requests of a container that has just started ours. Its address is known only now.
func (r *runner) claim(ctx context.Context, c *containerView) {
	clients, task := r.m.cfg.Clients, r.task()
	if clients == nil || networkMode(task) != "bridge" || !clients.SharesMetadata() {
		return
	}
	st, err := r.m.cfg.Engine.Inspect(ctx, c.ID)
	if err == nil && st.Running {
		r.claimAddresses(ctx, addresses(st))
	}
}

func (r *runner) claimAddresses(ctx context.Context, found []netip.Addr) {
	for _, a := range found {
		r.mu.Lock()
		known := slices.Contains(r.claimed, a)
		if !known {
			r.claimed = append(r.claimed, a)
		}
		r.mu.Unlock()
		if known || !a.Is4() {
			continue
		}
		err := r.m.cfg.Clients.AddClient(ctx, a)
		if err != nil && ctx.Err() == nil {
			r.m.cfg.Log.Warn("a container may not reach its metadata", "task", r.arn, "op", "claim", "err", err)
		}
	}
}

// disclaim gives the addresses back with the task.
func (r *runner) disclaim(ctx context.Context) {
	r.mu.Lock()
	claimed := r.claimed
	r.claimed = nil
	r.mu.Unlock()
	for _, a := range claimed {
		err := r.m.cfg.Clients.RemoveClient(ctx, a)
		if err != nil && ctx.Err() == nil {
			r.m.cfg.Log.Warn("an address stays claimed", "task", r.arn, "op", "disclaim", "err", err)
		}
	}
}
