package daemon

import (
	"context"
	"time"

	"longshore/internal/api/ecs"
	"longshore/internal/api/sts"
	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/store"
)

// part is something that runs for as long as the daemon does.
type part struct {
	name string
	run  func(context.Context) error
}

// services is what the API answers.
func (d *Daemon) services() []front.Service {
	e := ecs.New(ecs.Config{Store: d.store, Board: d.board, Now: time.Now, NewID: newID, NewUUID: newUUID, Log: d.Log})
	return []front.Service{
		{Wire: ecswire.Model(), Ops: append(e.Ops(), d.dispatch.Ops()...), Refused: ecs.Refused()},
		d.logsAPI.Service(),
		sts.New().Service(),
	}
}

// parts is everything that runs beside the API: the promises, the dispatcher, the node.
func (d *Daemon) parts() []part {
	return []part{
		{"board", d.followBoard},
		{"dispatch", d.dispatch.Run},
		{"logs", d.logsAPI.Run},
		{"node", d.runNode},
	}
}

// followBoard tells the placement board of every commit.
func (d *Daemon) followBoard(ctx context.Context) error {
	return d.follow(ctx, func(changes []store.Change, rev uint64) {
		for _, c := range changes {
			d.board.Note(c.Old, c.New)
		}
		d.board.Reached(rev)
	})
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
