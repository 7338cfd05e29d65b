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

// DescribeAccountAttributes answers what is true here; limits on instances are not.
func (a *API) DescribeAccountAttributes(ctx context.Context, c front.Caller,
	in *ec2wire.DescribeAccountAttributesRequest,
) (*ec2wire.DescribeAccountAttributesResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	vpc := "none"
	found, ok := store.DefaultVPC(v, scope)
	if ok {
		vpc = found.Key.ID()
	}
	out := &ec2wire.DescribeAccountAttributesResult{AccountAttributes: []ec2wire.AccountAttribute{}}
	for _, row := range [][2]string{
		{"supported-platforms", "VPC"}, {"default-vpc", vpc}, {"vpc-max-security-groups-per-interface", "5"},
	} {
		if len(in.AttributeNames) > 0 && !slices.Contains(in.AttributeNames, row[0]) {
			continue
		}
		out.AccountAttributes = append(out.AccountAttributes, ec2wire.AccountAttribute{AttributeName: ptr(row[0]),
			AttributeValues: []ec2wire.AccountAttributeValue{{AttributeValue: ptr(row[1])}}})
	}
	return out, nil
}

// DescribeTags lists the tags of everything that this API shows.
func (a *API) DescribeTags(ctx context.Context, c front.Caller, in *ec2wire.DescribeTagsRequest,
) (*ec2wire.DescribeTagsResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	items := []item[ec2wire.TagDescription]{}
	add := func(kind, id string, tags state.Tags) {
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			items = append(items, item[ec2wire.TagDescription]{id + "\x00" + k, tags, fields{
				"key": {k}, "value": {tags[k]}, "resource-id": {id}, "resource-type": {kind},
			}, ec2wire.TagDescription{
				Key: ptr(k), Value: ptr(tags[k]), ResourceId: ptr(id), ResourceType: ptr(kind)}})
		}
	}
	for r := range vpcs(v, scope) {
		add("vpc", r.Key.ID(), r.Tags)
	}
	for r := range v.Subnets().Prefix(scope.String() + "/") {
		add("subnet", r.Key.ID(), r.Tags)
	}
	for r := range v.SecurityGroups().Prefix(scope.String() + "/") {
		add("security-group", r.Key.ID(), r.Tags)
	}
	for t := range interfaces(v, scope) {
		add("network-interface", t.Interface.ID, t.Tags)
	}
	found, next, err := find(query{op: "DescribeTags", scope: scope, filters: in.Filters, token: in.NextToken,
		limit: in.MaxResults}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeTagsResult{Tags: found, NextToken: next}, nil
}
