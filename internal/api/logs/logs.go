package logs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/gen/logswire"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/telemetry/logstore"
)

// Config is what an API is made of.
type Config struct {
	// Store holds the records of groups and streams.
	Store *store.Store
	// Events holds the log events.
	Events *logstore.Store
	// Now is the clock. Nil is time.Now.
	Now func() time.Time
	// ExpireEvery is how often Run removes what retention hides. Zero is an hour.
	ExpireEvery time.Duration
	// Log receives what Run could not do. Nil discards it.
	Log *slog.Logger
	// Server names this server where several share the records, empty where there is one. Each holds the events
	// that it was sent, and refuses to read those of others rather than to show a part.
	Server string
}

// API answers the operations of CloudWatch Logs.
type API struct {
	Config
	// writing is held for reading from the check that a stream exists until its events are stored, and for
	// writing while a group or stream is deleted.
	writing sync.RWMutex
	taking  sync.Mutex // held while a stream becomes one of this server's
}

// New makes an API.
func New(c Config) *API {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ExpireEvery == 0 {
		c.ExpireEvery = time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &API{Config: c}
}

// Service is CloudWatch Logs as aws/front serves it.
func (a *API) Service() front.Service {
	return front.Service{Wire: logswire.Model(), Ops: a.Ops(), Refused: a.Refused()}
}

// Ops is every operation that is served; refused.go has the others.
func (a *API) Ops() []front.Op {
	return []front.Op{
		front.Bind("CreateLogGroup", a.CreateLogGroup),
		front.Bind("DeleteLogGroup", a.DeleteLogGroup),
		front.Bind("DescribeLogGroups", a.DescribeLogGroups),
		front.Bind("ListLogGroups", a.ListLogGroups),
		front.Bind("PutRetentionPolicy", a.PutRetentionPolicy),
		front.Bind("DeleteRetentionPolicy", a.DeleteRetentionPolicy),

		front.Bind("CreateLogStream", a.CreateLogStream),
		front.Bind("DeleteLogStream", a.DeleteLogStream),
		front.Bind("DescribeLogStreams", a.DescribeLogStreams),

		front.Bind("PutLogEvents", a.PutLogEvents),
		front.Bind("GetLogEvents", a.GetLogEvents),
		front.Bind("FilterLogEvents", a.FilterLogEvents),
		front.Bind("TestMetricFilter", a.TestMetricFilter),

		front.Bind("TagResource", a.TagResource),
		front.Bind("UntagResource", a.UntagResource),
		front.Bind("ListTagsForResource", a.ListTagsForResource),
		front.Bind("TagLogGroup", a.TagLogGroup),
		front.Bind("UntagLogGroup", a.UntagLogGroup),
		front.Bind("ListTagsLogGroup", a.ListTagsLogGroup),
	}
}

// Run removes expired events every ExpireEvery until ctx ends.
func (a *API) Run(ctx context.Context) error {
	tick := time.NewTicker(a.ExpireEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		err := a.Expire(ctx)
		if err != nil && ctx.Err() == nil {
			a.Log.Error("remove expired log events", "op", "expire", "err", err)
		}
	}
}

// Expire removes the events that retention hides, of all groups.
func (a *API) Expire(ctx context.Context) error {
	for g := range a.Store.View().LogGroups().All() {
		if g.RetentionDays == 0 {
			continue
		}
		_, err := a.Events.Expire(ctx, string(g.Key), a.visibleFrom(g))
		if err != nil {
			return fmt.Errorf("expire log group %s: %w", g.Name, err)
		}
	}
	return nil
}

// visibleFrom is the first millisecond of a group that retention still shows.
func (a *API) visibleFrom(g *state.LogGroup) int64 {
	if g.RetentionDays == 0 {
		return 0
	}
	return a.Now().AddDate(0, 0, -g.RetentionDays).UnixMilli()
}

func scopeOf(c front.Caller) state.Scope { return state.Scope{Account: c.Account, Region: c.Region} }
