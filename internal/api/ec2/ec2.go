package ec2

import (
	"context"
	"net/netip"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Config is what an API is made of.
type Config struct {
	Store *store.Store
	NewID func() string // 32 hex digits
	// ClaimNetwork asks whether an address range is this installation's to take; nil means that all are.
	ClaimNetwork func(netip.Prefix) bool
}

// API answers the operations of Amazon EC2 that are served.
type API struct{ Config }

// New makes an API.
func New(c Config) *API { return &API{Config: c} }

// Ops is every operation that is served.
func (a *API) Ops() []front.Op {
	return []front.Op{
		front.Bind("DescribeVpcs", a.DescribeVpcs),
		front.Bind("DescribeVpcAttribute", a.DescribeVpcAttribute),
		front.Bind("DescribeSubnets", a.DescribeSubnets),
		front.Bind("DescribeSecurityGroups", a.DescribeSecurityGroups),
		front.Bind("DescribeSecurityGroupRules", a.DescribeSecurityGroupRules),
		front.Bind("DescribeNetworkInterfaces", a.DescribeNetworkInterfaces),
		front.Bind("DescribeRouteTables", a.DescribeRouteTables),
		front.Bind("DescribeInternetGateways", a.DescribeInternetGateways),
		front.Bind("DescribeAvailabilityZones", a.DescribeAvailabilityZones),
		front.Bind("DescribeRegions", a.DescribeRegions),
		front.Bind("DescribeAccountAttributes", a.DescribeAccountAttributes),
		front.Bind("DescribeTags", a.DescribeTags),
	}
}

// Refused names every other operation of the model, with the reason that the caller reads.
func Refused() map[string]string {
	served := map[string]bool{}
	for _, op := range New(Config{}).Ops() {
		served[op.Name] = true
	}
	out := map[string]string{}
	for _, op := range ec2wire.Model().Operations {
		if !served[op.Name] {
			out[op.Name] = "of EC2 only the describe calls that clients of ECS need for the default VPC are served."
		}
	}
	return out
}

// view is the state with the caller's default VPC in it.
func (a *API) view(ctx context.Context, c front.Caller, dryRun *bool) (store.View, state.Scope, error) {
	scope := state.Scope{Account: c.Account, Region: c.Region}
	if dryRun != nil && *dryRun {
		return store.View{}, scope, wouldSucceed()
	}
	_, ok := store.DefaultVPC(a.Store.View(), scope)
	if ok {
		return a.Store.View(), scope, nil
	}
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		store.EnsureNetwork(tx, scope, a.NewID, a.ClaimNetwork)
		return nil
	})
	return a.Store.View(), scope, err
}

func ptr[T any](v T) *T { return &v }

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// each converts a list; the answer is never nil, so that an empty set is shown as one.
func each[In, Out any](in []In, f func(In) Out) []Out {
	out := make([]Out, 0, len(in))
	for _, x := range in {
		out = append(out, f(x))
	}
	return out
}
