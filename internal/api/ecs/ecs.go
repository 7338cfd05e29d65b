package ecs

import (
	"log/slog"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Config is what an API is made of.
type Config struct {
	Store *store.Store

	Now     func() time.Time
	NewID   func() string // 32 hex digits, unguessable
	NewUUID func() string // 36 characters
	Log     *slog.Logger

	// PollEndpoint and TelemetryEndpoint are what DiscoverPollEndpoint tells agents: the dispatch side's URLs.
	PollEndpoint      string
	TelemetryEndpoint string
}

// API answers the operations of Amazon ECS.
type API struct{ Config }

// New makes an API.
func New(c Config) *API { return &API{Config: c} }

// Ops is every operation that is served; refused.go has the others.
func (a *API) Ops() []front.Op {
	return append(a.recordOps(), a.runOps()...)
}

// recordOps are the operations on what is kept: clusters, definitions, settings, tags.
func (a *API) recordOps() []front.Op {
	return []front.Op{}
}

// scopeOf is the account and region that a call works in.
func scopeOf(c front.Caller) state.Scope { return state.Scope{Account: c.Account, Region: c.Region} }
