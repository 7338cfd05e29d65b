package ec2

import (
	"context"
	"maps"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// DescribeVpcs shows the default VPC.
func (a *API) DescribeVpcs(ctx context.Context, c front.Caller, in *ec2wire.DescribeVpcsRequest,
) (*ec2wire.DescribeVpcsResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	items := []item[*state.VPC]{}
	for vpc := range vpcs(v, scope) {
		items = append(items, vpcItem(vpc))
	}
	found, next, err := find(query{op: "DescribeVpcs", scope: scope, filters: in.Filters, token: in.NextToken,
		limit: in.MaxResults, ids: in.VpcIds, code: "InvalidVpcID", noun: "vpc ID", prefix: "vpc-"}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeVpcsResult{Vpcs: each(found, renderVPC), NextToken: next}, nil
}

func vpcItem(vpc *state.VPC) item[*state.VPC] {
	cidr := vpc.CIDR.String()
	return item[*state.VPC]{vpc.Key.ID(), vpc.Tags, fields{
		"vpc-id": {vpc.Key.ID()}, "cidr": {cidr}, "cidr-block-association.cidr-block": {cidr},
		"cidr-block-association.state": {"associated"}, "dhcp-options-id": {"default"},
		"is-default": yesNo(vpc.IsDefault), "isDefault": yesNo(vpc.IsDefault),
		"owner-id": {vpc.Key.Scope().Account}, "state": {"available"},
	}, vpc}
}

func renderVPC(vpc *state.VPC) ec2wire.Vpc {
	cidr := vpc.CIDR.String()
	return ec2wire.Vpc{
		VpcId: ptr(vpc.Key.ID()), OwnerId: ptr(vpc.Key.Scope().Account), CidrBlock: ptr(cidr),
		IsDefault: ptr(vpc.IsDefault), State: ptr("available"), InstanceTenancy: ptr("default"),
		DhcpOptionsId: ptr("default"), Tags: renderTags(vpc.Tags),
		CidrBlockAssociationSet: []ec2wire.VpcCidrBlockAssociation{{
			AssociationId: ptr(derived("vpc-cidr-assoc-", vpc.Key.ID())), CidrBlock: ptr(cidr),
			CidrBlockState: &ec2wire.VpcCidrBlockState{State: ptr("associated")},
		}},
	}
}

// DescribeVpcAttribute answers one attribute at a time.
func (a *API) DescribeVpcAttribute(ctx context.Context, c front.Caller, in *ec2wire.DescribeVpcAttributeRequest,
) (*ec2wire.DescribeVpcAttributeResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	_, ok := v.VPCs().Get(state.NewResourceKey(scope, deref(in.VpcId)))
	if !ok {
		return nil, notFound("InvalidVpcID", "vpc ID", deref(in.VpcId))
	}
	out := &ec2wire.DescribeVpcAttributeResult{VpcId: in.VpcId}
	value := func(b bool) *ec2wire.AttributeBooleanValue { return &ec2wire.AttributeBooleanValue{Value: ptr(b)} }
	switch deref(in.Attribute) {
	case "enableDnsSupport":
		out.EnableDnsSupport = value(true)
	case "enableDnsHostnames":
		out.EnableDnsHostnames = value(true)
	case "enableNetworkAddressUsageMetrics":
		out.EnableNetworkAddressUsageMetrics = value(false)
	default:
		return nil, invalidValue("Value (%s) for parameter attribute is invalid. Unknown attribute.",
			deref(in.Attribute))
	}
	return out, nil
}

func vpcs(v store.View, scope state.Scope) func(func(*state.VPC) bool) {
	return v.VPCs().Prefix(scope.String() + "/")
}

// derived is the id of something that exists exactly once per parent and has no record of its own.
func derived(prefix, parent string) string { return prefix + parent[len(parent)-17:] }

func renderTags(tags state.Tags) []ec2wire.Tag {
	return each(slices.Sorted(maps.Keys(tags)), func(k string) ec2wire.Tag {
		return ec2wire.Tag{Key: ptr(k), Value: ptr(tags[k])}
	})
}
