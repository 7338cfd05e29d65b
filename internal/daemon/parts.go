package daemon

import (
	"context"
	"time"

	"longshore/internal/api/ec2"
	"longshore/internal/api/ecs"
	"longshore/internal/api/sts"
	"longshore/internal/aws/front"
	"longshore/internal/control/attach"
	"longshore/internal/control/loop"
	"longshore/internal/control/presence"
	"longshore/internal/control/rollout"
	"longshore/internal/control/schedule"
	"longshore/internal/control/sweep"
	"longshore/internal/gen/ec2wire"
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
	e := ecs.New(ecs.Config{Store: d.store, Board: d.board, Now: time.Now, NewID: newID, NewUUID: newUUID, Log: d.Log,
		ClaimNetwork: d.claimNetwork, Joined: d.joined})
	n := ec2.New(ec2.Config{Store: d.store, NewID: newID, ClaimNetwork: d.claimNetwork})
	return []front.Service{
		{Wire: ecswire.Model(), Ops: append(e.Ops(), d.dispatch.Ops()...), Refused: ecs.Refused()},
		{Wire: ec2wire.Model(), Ops: n.Ops(), Refused: ec2.Refused()},
		d.logsAPI.Service(),
		sts.New().Service(),
	}
}

// parts is everything that runs beside the API: the promises, the dispatcher, the node.
func (d *Daemon) parts() []part {
	s := schedule.New(schedule.Config{Store: d.store, Board: d.board, Now: time.Now, NewID: newUUID})
	out := []part{
		{"board", func(ctx context.Context) error { return schedule.Follow(ctx, d.store, d.board) }},
		{"dispatch", d.dispatch.Run},
		{"logs", d.logsAPI.Run},
		d.promise(s),
		d.promise(rollout.New(rollout.Config{Store: d.store, Now: time.Now, NewID: newID})),
		d.promise(attach.New(attach.Config{Store: d.store, Now: time.Now, NewID: newUUID, NewHex: newHex})),
		d.promise(presence.New(presence.Config{Store: d.store, Now: time.Now})),
		d.promise(sweep.New(sweep.Config{Store: d.store, Now: time.Now})),
	}
	if !d.NoNode {
		out = append(out, part{"node", d.runNode})
	}
	return out
}

func (d *Daemon) promise(p loop.Promise) part {
	return part{p.Name(), func(ctx context.Context) error {
		return loop.Run(ctx, loop.Config{Store: d.store, Promise: p, Now: time.Now, Log: d.Log})
	}}
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
