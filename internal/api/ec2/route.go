package ec2

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
)

// DescribeRouteTables shows the one table that each VPC has: within the VPC directly, everything else through
// the host, which stands where the internet gateway does on AWS.
func (a *API) DescribeRouteTables(ctx context.Context, c front.Caller, in *ec2wire.DescribeRouteTablesRequest,
) (*ec2wire.DescribeRouteTablesResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	items := []item[*state.VPC]{}
	for vpc := range vpcs(v, scope) {
		id := derived("rtb-", vpc.Key.ID())
		items = append(items, item[*state.VPC]{id, nil, fields{
			"route-table-id": {id}, "association.route-table-id": {id}, "association.main": yesNo(true),
			"vpc-id": {vpc.Key.ID()}, "owner-id": {scope.Account}, "association.subnet-id": {},
			"route.destination-cidr-block": {vpc.CIDR.String(), everyone},
			"route.gateway-id":             {"local", derived("igw-", vpc.Key.ID())},
		}, vpc})
	}
	found, next, err := find(query{op: "DescribeRouteTables", scope: scope, filters: in.Filters,
		token: in.NextToken, limit: in.MaxResults, ids: in.RouteTableIds, code: "InvalidRouteTableID",
		noun: "routeTable ID", prefix: "rtb-"}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeRouteTablesResult{RouteTables: each(found, renderRouteTable), NextToken: next}, nil
}

func renderRouteTable(vpc *state.VPC) ec2wire.RouteTable {
	id := derived("rtb-", vpc.Key.ID())
	return ec2wire.RouteTable{
		RouteTableId: ptr(id), VpcId: ptr(vpc.Key.ID()), OwnerId: ptr(vpc.Key.Scope().Account),
		Tags: []ec2wire.Tag{}, PropagatingVgws: []ec2wire.PropagatingVgw{},
		Associations: []ec2wire.RouteTableAssociation{{
			Main: ptr(true), RouteTableId: ptr(id), RouteTableAssociationId: ptr(derived("rtbassoc-", id)),
			AssociationState: &ec2wire.RouteTableAssociationState{State: ptr("associated")},
		}},
		Routes: []ec2wire.Route{
			{DestinationCidrBlock: ptr(vpc.CIDR.String()), GatewayId: ptr("local"),
				Origin: ptr("CreateRouteTable"), State: ptr("active")},
			{DestinationCidrBlock: ptr(everyone), GatewayId: ptr(derived("igw-", vpc.Key.ID())),
				Origin: ptr("CreateRoute"), State: ptr("active")},
		},
	}
}

// DescribeInternetGateways shows the way out that each VPC has: the host.
func (a *API) DescribeInternetGateways(ctx context.Context, c front.Caller,
	in *ec2wire.DescribeInternetGatewaysRequest,
) (*ec2wire.DescribeInternetGatewaysResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	items := []item[ec2wire.InternetGateway]{}
	for vpc := range vpcs(v, scope) {
		id := derived("igw-", vpc.Key.ID())
		items = append(items, item[ec2wire.InternetGateway]{id, nil, fields{
			"internet-gateway-id": {id}, "attachment.vpc-id": {vpc.Key.ID()},
			"attachment.state": {"available"}, "owner-id": {scope.Account},
		}, ec2wire.InternetGateway{
			InternetGatewayId: ptr(id), OwnerId: ptr(scope.Account), Tags: []ec2wire.Tag{},
			Attachments: []ec2wire.InternetGatewayAttachment{{
				State: ptr("available"), VpcId: ptr(vpc.Key.ID())}},
		}})
	}
	found, next, err := find(query{op: "DescribeInternetGateways", scope: scope, filters: in.Filters,
		token: in.NextToken, limit: in.MaxResults, ids: in.InternetGatewayIds, code: "InvalidInternetGatewayID",
		noun: "internetGateway ID", prefix: "igw-"}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeInternetGatewaysResult{InternetGateways: found, NextToken: next}, nil
}
