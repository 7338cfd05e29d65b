package ec2

import (
	"context"
	"strconv"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// reservedAddresses of every subnet: the first four and the last one (Amazon VPC user guide).
const reservedAddresses = 5

// subnet is a record with what is counted.
type subnet struct {
	*state.Subnet
	free int
}

// DescribeSubnets shows the default VPC's subnets, one per availability zone.
func (a *API) DescribeSubnets(ctx context.Context, c front.Caller, in *ec2wire.DescribeSubnetsRequest,
) (*ec2wire.DescribeSubnetsResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	used := map[string]int{}
	for t := range interfaces(v, scope) {
		used[t.Interface.Subnet]++
	}
	items := []item[subnet]{}
	for s := range v.Subnets().Prefix(scope.String() + "/") {
		free := 1<<(32-s.CIDR.Bits()) - reservedAddresses - used[s.Key.ID()]
		items = append(items, subnetItem(subnet{s, free}))
	}
	found, next, err := find(query{op: "DescribeSubnets", scope: scope, filters: in.Filters, token: in.NextToken,
		limit: in.MaxResults, ids: in.SubnetIds, code: "InvalidSubnetID", noun: "subnet ID", prefix: "subnet-"},
		items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeSubnetsResult{Subnets: each(found, renderSubnet), NextToken: next}, nil
}

func subnetItem(s subnet) item[subnet] {
	cidr, byDefault := []string{s.CIDR.String()}, yesNo(s.IsDefault)
	zone, zoneID := []string{s.Zone}, []string{s.ZoneID}
	return item[subnet]{s.Key.ID(), s.Tags, fields{
		"subnet-id": {s.Key.ID()}, "vpc-id": {s.VPC}, "state": {"available"},
		"availability-zone": zone, "availabilityZone": zone,
		"availability-zone-id": zoneID, "availabilityZoneId": zoneID,
		"cidr-block": cidr, "cidr": cidr, "cidrBlock": cidr,
		"default-for-az": byDefault, "defaultForAz": byDefault, "map-public-ip-on-launch": yesNo(false),
		"owner-id": {s.Key.Scope().Account}, "subnet-arn": {subnetARN(s.Subnet)}, "ipv6-native": yesNo(false),
		"available-ip-address-count": {strconv.Itoa(s.free)},
	}, s}
}

func subnetARN(s *state.Subnet) string {
	scope := s.Key.Scope()
	return "arn:aws:ec2:" + scope.Region + ":" + scope.Account + ":subnet/" + s.Key.ID()
}

func renderSubnet(s subnet) ec2wire.Subnet {
	return ec2wire.Subnet{
		SubnetId: ptr(s.Key.ID()), SubnetArn: ptr(subnetARN(s.Subnet)), VpcId: ptr(s.VPC),
		OwnerId: ptr(s.Key.Scope().Account), State: ptr("available"), CidrBlock: ptr(s.CIDR.String()),
		AvailabilityZone: ptr(s.Zone), AvailabilityZoneId: ptr(s.ZoneID),
		AvailableIpAddressCount: ptr(int32(s.free)), DefaultForAz: ptr(s.IsDefault),
		MapPublicIpOnLaunch: ptr(false), MapCustomerOwnedIpOnLaunch: ptr(false),
		AssignIpv6AddressOnCreation: ptr(false), EnableDns64: ptr(false), Ipv6Native: ptr(false),
		Ipv6CidrBlockAssociationSet: []ec2wire.SubnetIpv6CidrBlockAssociation{},
		PrivateDnsNameOptionsOnLaunch: &ec2wire.PrivateDnsNameOptionsOnLaunch{
			HostnameType: ptr("ip-name"), EnableResourceNameDnsARecord: ptr(false),
			EnableResourceNameDnsAAAARecord: ptr(false),
		},
		Tags: renderTags(s.Tags),
	}
}

// interfaces yields the tasks of a scope that hold an address.
func interfaces(v store.View, scope state.Scope) func(func(*state.Task) bool) {
	return func(yield func(*state.Task) bool) {
		for t := range v.Tasks().Prefix(scope.String() + "/") {
			if t.Interface == nil || !t.Released.IsZero() || !t.Live() {
				continue
			}
			if !yield(t) {
				return
			}
		}
	}
}
