package daemon

import (
	"context"
	"time"

	"longshore/internal/api/ecs"
	"longshore/internal/api/sts"
	"longshore/internal/aws/front"
)

// part is something that runs for as long as the daemon does.
type part struct {
	name string
	run  func(context.Context) error
}

// services is what the API answers.
func (d *Daemon) services() []front.Service {
	e := ecs.New(ecs.Config{Store: d.store, Now: time.Now, NewID: newID, NewUUID: newUUID, Log: d.Log})
	served := e.Service()
	served.Ops = append(served.Ops, d.dispatch.Ops()...)
	return []front.Service{served, sts.New().Service()}
}

// parts is everything that runs beside the API: the promises, the dispatcher, the node.
func (d *Daemon) parts() []part {
	return []part{
		{"dispatch", d.dispatch.Run},
	}
}
