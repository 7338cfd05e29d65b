package daemon

import (
	"context"

	"longshore/internal/store"
)

// parts is everything that runs beside the API: the plane's, and the node.
func (d *Daemon) parts() []Part {
	out := append(d.plane.Parts(), Part{"memory", d.trim})
	if d.etcd != nil {
		out = append(out, Part{"announcement", d.announce})
	}
	if !d.NoNode {
		out = append(out, Part{"node", d.runNode})
	}
	return out
}

func (d *Daemon) follow(ctx context.Context, see func([]store.Change, uint64)) error {
	view := d.store.View()
	watch := view.Watch()
	see(nil, view.Revision())
	for {
		changes, rev, err := watch.Next(ctx)
		if err != nil {
			return err
		}
		see(changes, rev)
	}
}
