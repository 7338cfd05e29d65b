package ecs

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/place"
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

	// ClaimNetwork asks whether an address range is this installation's to take; nil means that all are.
	ClaimNetwork func(netip.Prefix) bool

	// Joined waits, for a moment at the most, until the built-in container instance of a new cluster is there,
	// so that the very next call finds it; nil waits for nothing.
	Joined func(context.Context, state.ClusterKey)

	// Board is where RunTask and StartTask look for room; the daemon shares it with control/schedule.
	Board *place.Board
}

// API answers the operations of Amazon ECS.
type API struct {
	Config
	shown shownTasks
	tally tally
}

// New makes an API.
func New(c Config) *API {
	return &API{Config: c}
}

// Ops is every operation that is served; refused.go has the others.
func (a *API) Ops() []front.Op {
	return append(a.recordOps(), a.runOps()...)
}

// recordOps are the operations on what is kept: clusters, definitions, settings, tags.
func (a *API) recordOps() []front.Op {
	return []front.Op{
		front.Bind("CreateCluster", a.CreateCluster),
		front.Bind("DescribeClusters", a.DescribeClusters),
		front.Bind("ListClusters", a.ListClusters),
		front.Bind("UpdateCluster", a.UpdateCluster),
		front.Bind("UpdateClusterSettings", a.UpdateClusterSettings),
		front.Bind("PutClusterCapacityProviders", a.PutClusterCapacityProviders),
		front.Bind("DeleteCluster", a.DeleteCluster),

		front.Bind("CreateCapacityProvider", a.CreateCapacityProvider),
		front.Bind("DescribeCapacityProviders", a.DescribeCapacityProviders),
		front.Bind("UpdateCapacityProvider", a.UpdateCapacityProvider),
		front.Bind("DeleteCapacityProvider", a.DeleteCapacityProvider),

		front.Bind("RegisterTaskDefinition", a.RegisterTaskDefinition),
		front.Bind("DescribeTaskDefinition", a.DescribeTaskDefinition),
		front.Bind("ListTaskDefinitions", a.ListTaskDefinitions),
		front.Bind("ListTaskDefinitionFamilies", a.ListTaskDefinitionFamilies),
		front.Bind("DeregisterTaskDefinition", a.DeregisterTaskDefinition),
		front.Bind("DeleteTaskDefinitions", a.DeleteTaskDefinitions),

		front.Bind("PutAccountSetting", a.PutAccountSetting),
		front.Bind("PutAccountSettingDefault", a.PutAccountSettingDefault),
		front.Bind("DeleteAccountSetting", a.DeleteAccountSetting),
		front.Bind("ListAccountSettings", a.ListAccountSettings),

		front.Bind("TagResource", a.TagResource),
		front.Bind("UntagResource", a.UntagResource),
		front.Bind("ListTagsForResource", a.ListTagsForResource),

		front.Bind("PutAttributes", a.PutAttributes),
		front.Bind("DeleteAttributes", a.DeleteAttributes),
		front.Bind("ListAttributes", a.ListAttributes),
	}
}

// scopeOf is the account and region that a call works in.
func scopeOf(c front.Caller) state.Scope { return state.Scope{Account: c.Account, Region: c.Region} }
