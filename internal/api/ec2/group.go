package ec2

import (
	"context"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Every group has a default group's rules, since rules cannot be changed yet: everything may leave, and members
// may reach each other.
const everyone = "0.0.0.0/0"

// DescribeSecurityGroups shows the default VPC's default group.
func (a *API) DescribeSecurityGroups(ctx context.Context, c front.Caller, in *ec2wire.DescribeSecurityGroupsRequest,
) (*ec2wire.DescribeSecurityGroupsResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	items := groupItems(v, scope)
	for _, name := range in.GroupNames {
		known := func(g item[*state.SecurityGroup]) bool { return g.record.Name == name }
		if !slices.ContainsFunc(items, known) {
			return nil, notFound("InvalidGroup", "security group", name)
		}
	}
	if len(in.GroupNames) > 0 {
		in.Filters = append(slices.Clone(in.Filters), ec2wire.Filter{Name: ptr("group-name"), Values: in.GroupNames})
	}
	found, next, err := find(query{op: "DescribeSecurityGroups", scope: scope, filters: in.Filters,
		token: in.NextToken, limit: in.MaxResults, ids: in.GroupIds, code: "InvalidGroup", noun: "security group",
		prefix: "sg-"}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeSecurityGroupsResult{SecurityGroups: each(found, renderGroup), NextToken: next}, nil
}

func groupItems(v store.View, scope state.Scope) []item[*state.SecurityGroup] {
	items := []item[*state.SecurityGroup]{}
	for g := range v.SecurityGroups().Prefix(scope.String() + "/") {
		id := g.Key.ID()
		items = append(items, item[*state.SecurityGroup]{id, g.Tags, fields{
			"group-id": {id}, "group-name": {g.Name}, "description": {g.Description}, "vpc-id": {g.VPC},
			"owner-id": {scope.Account}, "ip-permission.protocol": {"-1"}, "ip-permission.group-id": {id},
			"ip-permission.group-name": {g.Name}, "egress.ip-permission.protocol": {"-1"},
			"egress.ip-permission.cidr": {everyone},
		}, g})
	}
	return items
}

func renderGroup(g *state.SecurityGroup) ec2wire.SecurityGroup {
	scope := g.Key.Scope()
	permission := func() ec2wire.IpPermission {
		return ec2wire.IpPermission{
			IpProtocol: ptr("-1"), IpRanges: []ec2wire.IpRange{}, Ipv6Ranges: []ec2wire.Ipv6Range{},
			PrefixListIds: []ec2wire.PrefixListId{}, UserIdGroupPairs: []ec2wire.UserIdGroupPair{},
		}
	}
	in, out := permission(), permission()
	in.UserIdGroupPairs = []ec2wire.UserIdGroupPair{{UserId: ptr(scope.Account), GroupId: ptr(g.Key.ID())}}
	out.IpRanges = []ec2wire.IpRange{{CidrIp: ptr(everyone)}}
	return ec2wire.SecurityGroup{
		GroupId: ptr(g.Key.ID()), GroupName: ptr(g.Name), Description: ptr(g.Description), VpcId: ptr(g.VPC),
		OwnerId: ptr(scope.Account), Tags: renderTags(g.Tags),
		SecurityGroupArn: ptr("arn:aws:ec2:" + scope.Region + ":" + scope.Account + ":security-group/" + g.Key.ID()),
		IpPermissions:    []ec2wire.IpPermission{in}, IpPermissionsEgress: []ec2wire.IpPermission{out},
	}
}

// DescribeSecurityGroupRules shows the same rules one by one.
func (a *API) DescribeSecurityGroupRules(ctx context.Context, c front.Caller,
	in *ec2wire.DescribeSecurityGroupRulesRequest,
) (*ec2wire.DescribeSecurityGroupRulesResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	items := []item[ec2wire.SecurityGroupRule]{}
	for g := range v.SecurityGroups().Prefix(scope.String() + "/") {
		items = append(items, ruleItem(g, false), ruleItem(g, true))
	}
	found, next, err := find(query{op: "DescribeSecurityGroupRules", scope: scope, filters: in.Filters,
		token: in.NextToken, limit: in.MaxResults, ids: in.SecurityGroupRuleIds,
		code: "InvalidSecurityGroupRuleId", noun: "security group rule ID", prefix: "sgr-"}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeSecurityGroupRulesResult{SecurityGroupRules: found, NextToken: next}, nil
}

func ruleItem(g *state.SecurityGroup, egress bool) item[ec2wire.SecurityGroupRule] {
	scope, id := g.Key.Scope(), g.Key.ID()
	w := ec2wire.SecurityGroupRule{
		GroupId: ptr(id), GroupOwnerId: ptr(scope.Account), IsEgress: ptr(egress), IpProtocol: ptr("-1"),
		FromPort: ptr(int32(-1)), ToPort: ptr(int32(-1)), Tags: []ec2wire.Tag{},
	}
	rule := derived("sgr-1", id)
	if egress {
		rule = derived("sgr-2", id)
		w.CidrIpv4 = ptr(everyone)
	} else {
		w.ReferencedGroupInfo = &ec2wire.ReferencedSecurityGroup{GroupId: ptr(id), UserId: ptr(scope.Account)}
	}
	// The leading digit tells the two apart and keeps the usual 17 digits.
	rule = rule[:len("sgr-1")] + rule[len("sgr-12"):]
	w.SecurityGroupRuleId = ptr(rule)
	w.SecurityGroupRuleArn = ptr("arn:aws:ec2:" + scope.Region + ":" + scope.Account + ":security-group-rule/" + rule)
	return item[ec2wire.SecurityGroupRule]{rule, nil, fields{
		"group-id": {id}, "security-group-rule-id": {rule}}, w}
}
