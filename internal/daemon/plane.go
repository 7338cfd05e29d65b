package daemon

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"longshore/internal/api/ec2"
	"longshore/internal/api/ecs"
	"longshore/internal/api/logs"
	"longshore/internal/api/sts"
	"longshore/internal/aws/front"
	"longshore/internal/aws/sigv4"
	"longshore/internal/control/attach"
	"longshore/internal/control/loop"
	"longshore/internal/control/presence"
	"longshore/internal/control/rollout"
	"longshore/internal/control/schedule"
	"longshore/internal/control/sweep"
	"longshore/internal/dispatch"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/telemetry/logstore"
)

// PlaneConfig is what a control plane stands on. It has a clock and randomness of its own nowhere: who composes
// one decides what time it is and what is drawn.
type PlaneConfig struct {
	Installation
	// Store holds the records; Events the log events. Without Events, CloudWatch Logs has nothing behind it.
	Store  *store.Store
	Events *logstore.Store
	// Lead is set where other servers write the same records, too: it runs work, anew each time, where and as long
	// as this server leads. The API, the agents and their sessions are every server's.
	Lead func(ctx context.Context, work func(context.Context) error) error
	Now  func() time.Time
	// NewID gives 32 unguessable hex digits, NewUUID a version 4 UUID.
	NewID, NewUUID func() string
	// Chance draws from [0, n), for the random placement strategy.
	Chance func(n int) int
	// Entropy seals session tokens.
	Entropy io.Reader
	// Hosts are the exact Host headers that are answered; Mounts handlers beside AWS, by path.
	Hosts  []string
	Mounts map[string]http.Handler
	// AcceptAny takes any credentials without looking at the signature.
	AcceptAny bool
	// Throttle refuses calls beyond AWS's documented rates.
	Throttle bool
	// ClaimNetwork asks whether an address range is free on this host; nil says that all are.
	ClaimNetwork func(netip.Prefix) bool
	// Joined waits for the built-in instance of a new cluster; nil if there is none.
	Joined func(context.Context, state.ClusterKey)
	// ForgetAfter is how long what ended stays describable; 0 takes the default of control/sweep.
	ForgetAfter time.Duration
	Log         *slog.Logger
}

// Plane is a control plane without network, node or files: the API and the loops over one store. `longshore up`
// serves it over TCP, the simulation in a network of its own.
type Plane struct {
	PlaneConfig
	ecsAPI   *ecs.API  // one: it keeps counts
	logsAPI  *logs.API // one: it orders deletions after the writes at hand
	dispatch *dispatch.Dispatch
	front    *front.Front
	board    *place.Board
}

// Part is something that runs for as long as its owner does.
type Part struct {
	Name string
	Run  func(context.Context) error
}

// NewPlane composes a control plane; nothing runs yet.
func NewPlane(c PlaneConfig) (*Plane, error) {
	sealing, err := derive(c.MasterKey, "session tokens")
	if err != nil {
		return nil, err
	}
	ids, err := derive(c.MasterKey, "credential ids")
	if err != nil {
		return nil, err
	}
	m, err := sigv4.NewMinter(sigv4.MinterConfig{Master: sealing, Now: c.Now, Rand: c.Entropy})
	if err != nil {
		return nil, err
	}
	p := &Plane{PlaneConfig: c, board: place.NewBoard(c.Chance)}
	p.dispatch = dispatch.New(dispatch.Config{
		Store: c.Store, Minter: minter{m}, Secret: ids, Zones: zones, Now: c.Now, NewID: c.NewID, Log: c.Log,
		Server: c.server(),
	})
	if c.Lead == nil {
		p.board.Sole() // one process places every task
	}
	p.logsAPI = logs.New(logs.Config{Store: c.Store, Events: c.Events, Now: c.Now, Log: c.Log, Server: c.server()})
	mounts := map[string]http.Handler{}
	for path, h := range c.Mounts {
		mounts[path] = h
	}
	p.front, err = front.New(front.Config{
		Services: p.services(), Authorizer: access{}, Hosts: c.Hosts, Mounts: mounts,
		Keys: sigv4.NewKeyring(m, sigv4.Key{
			ID: c.AccessKeyID, Secret: c.SecretAccessKey, Identity: root(c.Installation)}),
		Now: c.Now, NewID: c.NewUUID, Log: c.Log, Throttle: c.Throttle,
		InsecureAcceptAny: c.AcceptAny, Account: c.Account, Region: c.Region,
	})
	if err != nil {
		return nil, err
	}
	for path, h := range p.dispatch.Handlers(p.front) {
		mounts[path] = h
	}
	return p, nil
}

// server names this one among several.
func (c PlaneConfig) server() string {
	if c.Lead == nil {
		return ""
	}
	return c.ID
}

// Handler answers the AWS APIs, the agents' websockets and the mounts. Where other servers write, too, it first
// sees to it that nothing that any of them acknowledged before is missing from the answer; as long as the records
// are out of reach, what this server has seen last answers.
func (p *Plane) Handler() http.Handler {
	if p.Lead == nil {
		return p.front
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Mounts[r.URL.Path] == nil {
			_ = p.Store.Fresh(r.Context())
		}
		p.front.ServeHTTP(w, r)
	})
}

// services is what the API answers.
func (p *Plane) services() []front.Service {
	p.ecsAPI = ecs.New(ecs.Config{Store: p.Store, Board: p.board, Now: p.Now, NewID: p.NewID, NewUUID: p.NewUUID, Log: p.Log,
		ClaimNetwork: p.ClaimNetwork, Joined: p.Joined})
	n := ec2.New(ec2.Config{Store: p.Store, NewID: p.NewID, ClaimNetwork: p.ClaimNetwork})
	return []front.Service{
		{Wire: ecswire.Model(), Ops: append(p.ecsAPI.Ops(), p.dispatch.Ops()...), Refused: ecs.Refused(), Rates: ecs.Rates()},
		{Wire: ec2wire.Model(), Ops: n.Ops(), Refused: ec2.Refused()},
		p.logsAPI.Service(),
		sts.New().Service(),
	}
}

// Parts is everything that runs beside the API: the dispatcher and the promises.
func (p *Plane) Parts() []Part {
	out := []Part{
		{"board", func(ctx context.Context) error { return schedule.Follow(ctx, p.Store, p.board) }},
		{"dispatch", p.dispatch.Run},
		{"counts", p.ecsAPI.Run},
		{"logs", p.logsAPI.Run},
	}
	if p.Lead == nil {
		return append(out, p.promises()...)
	}
	return append(out, Part{"records", p.Store.Follow}, Part{"lease", func(ctx context.Context) error {
		return p.Lead(ctx, p.keepPromises)
	}})
}

// promises are the loops. They are made anew for every term of leading, because they remember what they saw.
func (p *Plane) promises() []Part {
	newHex := func(n int) string { return p.NewID()[:n] }
	return []Part{
		p.promise(schedule.New(schedule.Config{Store: p.Store, Board: p.board, Now: p.Now, NewID: p.NewUUID})),
		p.promise(rollout.New(rollout.Config{Store: p.Store, Now: p.Now, NewID: p.NewID})),
		p.promise(attach.New(attach.Config{Store: p.Store, Now: p.Now, NewID: p.NewUUID, NewHex: newHex})),
		p.promise(presence.New(presence.Config{Store: p.Store, Now: p.Now})),
		p.promise(sweep.New(sweep.Config{Store: p.Store, Now: p.Now,
			Ages: sweep.Ages{Tasks: p.ForgetAfter, Deleted: p.ForgetAfter}})),
	}
}

func (p *Plane) keepPromises(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, part := range p.promises() {
		g.Go(func() error { return part.Run(ctx) })
	}
	return g.Wait()
}

func (p *Plane) promise(k loop.Promise) Part {
	return Part{k.Name(), func(ctx context.Context) error {
		return loop.Run(ctx, loop.Config{Store: p.Store, Promise: k, Now: p.Now, Log: p.Log})
	}}
}
