package ec2

import (
	"context"
	"slices"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
)

// DescribeAvailabilityZones shows the three zones that the default VPC has subnets in.
func (a *API) DescribeAvailabilityZones(ctx context.Context, c front.Caller,
	in *ec2wire.DescribeAvailabilityZonesRequest,
) (*ec2wire.DescribeAvailabilityZonesResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	items := []item[*state.Subnet]{}
	for s := range v.Subnets().Prefix(scope.String() + "/") {
		if !s.IsDefault || len(in.ZoneIds) > 0 && !slices.Contains(in.ZoneIds, s.ZoneID) {
			continue
		}
		items = append(items, item[*state.Subnet]{s.Zone, nil, fields{
			"zone-name": {s.Zone}, "zone-id": {s.ZoneID}, "region-name": {scope.Region}, "state": {"available"},
			"zone-type": {"availability-zone"}, "opt-in-status": {"opt-in-not-required"},
			"group-name": {scope.Region + "-zg-1"}, "network-border-group": {scope.Region}, "message": {},
		}, s})
	}
	for _, name := range in.ZoneNames {
		if !slices.ContainsFunc(items, func(x item[*state.Subnet]) bool { return x.id == name }) {
			return nil, invalidValue("Invalid availability zone: [%s]", name)
		}
	}
	if len(in.ZoneIds) > 0 && len(items) == 0 {
		return nil, invalidValue("Invalid availability zone-id: [%s]", strings.Join(in.ZoneIds, ", "))
	}
	found, _, err := find(query{op: "DescribeAvailabilityZones", scope: scope, filters: in.Filters,
		ids: in.ZoneNames}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeAvailabilityZonesResult{AvailabilityZones: each(found, renderZone)}, nil
}

func renderZone(s *state.Subnet) ec2wire.AvailabilityZone {
	region := s.Key.Scope().Region
	return ec2wire.AvailabilityZone{
		ZoneName: ptr(s.Zone), ZoneId: ptr(s.ZoneID), RegionName: ptr(region), State: ptr("available"),
		ZoneType: ptr("availability-zone"), OptInStatus: ptr("opt-in-not-required"),
		GroupName: ptr(region + "-zg-1"), NetworkBorderGroup: ptr(region),
		Messages: []ec2wire.AvailabilityZoneMessage{},
	}
}

// regionNames are the Regions that AWS accounts have without opting in. Longshore answers for any name; these
// are what scripts that walk over all Regions expect.
var regionNames = strings.Fields("ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 " +
	"ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 " +
	"us-east-2 us-west-1 us-west-2")

// DescribeRegions lists regions, the caller's own always among them. They have no endpoints: there is only the
// one that was asked.
func (a *API) DescribeRegions(_ context.Context, c front.Caller, in *ec2wire.DescribeRegionsRequest,
) (*ec2wire.DescribeRegionsResult, error) {
	if deref(in.DryRun) {
		return nil, wouldSucceed()
	}
	names := slices.Clone(regionNames)
	if !slices.Contains(names, c.Region) {
		names = append(names, c.Region)
	}
	for _, name := range in.RegionNames {
		if !slices.Contains(names, name) {
			return nil, invalidValue("Invalid region: [%s]", name)
		}
	}
	items := each(names, func(name string) item[ec2wire.Region] {
		return item[ec2wire.Region]{name, nil, fields{
			"region-name": {name}, "opt-in-status": {"opt-in-not-required"}, "endpoint": {},
		}, ec2wire.Region{RegionName: ptr(name), OptInStatus: ptr("opt-in-not-required")}}
	})
	found, _, err := find(query{op: "DescribeRegions", filters: in.Filters, ids: in.RegionNames}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeRegionsResult{Regions: found}, nil
}
