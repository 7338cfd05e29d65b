package ec2

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

type rig struct {
	*testing.T
	api    *API
	caller front.Caller
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s, err := store.Open(context.Background(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	id := func() string {
		n++
		return fmt.Sprintf("%017x%015x", n, 0)
	}
	return &rig{t, New(Config{Store: s, NewID: id}), front.Caller{Account: "111122223333", Region: "us-east-1"}}
}

// ask calls an operation that must work.
func ask[In, Out any](r *rig, op func(context.Context, front.Caller, *In) (*Out, error), in In) *Out {
	r.Helper()
	out, err := op(context.Background(), r.caller, &in)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

// refused calls an operation that must fail in these words.
func refused[In, Out any](r *rig, op func(context.Context, front.Caller, *In) (*Out, error), in In, want string) {
	r.Helper()
	_, err := op(context.Background(), r.caller, &in)
	f, ok := fault.As(err)
	if !ok || f.Error() != want {
		r.Errorf("got %v, want %s", err, want)
	}
}

func where(name string, values ...string) []ec2wire.Filter {
	return []ec2wire.Filter{{Name: ptr(name), Values: values}}
}

func TestEveryScopeHasADefaultVPCOfItsOwnAddresses(t *testing.T) {
	r := newRig(t)
	seen := []string{}
	for _, region := range []string{"us-east-1", "eu-west-1", "us-east-1", "ap-southeast-2"} {
		r.caller.Region = region
		v := ask(r, r.api.DescribeVpcs, ec2wire.DescribeVpcsRequest{Filters: where("isDefault", "true")})
		if len(v.Vpcs) != 1 || !*v.Vpcs[0].IsDefault {
			t.Fatalf("%s has %d default VPCs", region, len(v.Vpcs))
		}
		seen = append(seen, *v.Vpcs[0].CidrBlock)
	}
	want := []string{"172.31.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "172.29.0.0/16"}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("got %v, want %v", seen, want)
	}
	zones := ask(r, r.api.DescribeAvailabilityZones, ec2wire.DescribeAvailabilityZonesRequest{})
	if got := *zones.AvailabilityZones[1].ZoneId; got != "apse2-az2" {
		t.Errorf("the second zone is %s", got)
	}
}

func TestSubnetsAreFoundByTheFiltersThatClientsUse(t *testing.T) {
	r := newRig(t)
	all := ask(r, r.api.DescribeSubnets, ec2wire.DescribeSubnetsRequest{}).Subnets
	cidrs := []string{}
	for _, s := range all {
		cidrs = append(cidrs, *s.CidrBlock+" "+*s.AvailabilityZone+" "+*s.AvailabilityZoneId)
	}
	want := []string{"172.31.0.0/20 us-east-1a use1-az1", "172.31.16.0/20 us-east-1b use1-az2",
		"172.31.32.0/20 us-east-1c use1-az3"}
	if !reflect.DeepEqual(cidrs, want) {
		t.Errorf("subnets are %v", cidrs)
	}
	if *all[0].AvailableIpAddressCount != 4091 {
		t.Errorf("%d addresses are free", *all[0].AvailableIpAddressCount)
	}
	for _, row := range []struct {
		filters []ec2wire.Filter
		want    int
	}{
		{where("vpc-id", *all[0].VpcId), 3}, {where("vpc-id", "vpc-1"), 0}, {where("default-for-az", "true"), 3},
		{where("defaultForAz", "false"), 0}, {where("availability-zone", "us-east-1a", "us-east-1c"), 2},
		{where("availability-zone", "us-east-1?"), 3}, {where("cidr-block", "172.31.1*"), 1},
		{where("subnet-id", *all[1].SubnetId), 1}, {where("owner-id", "111122223333"), 3},
		{where("tag:Name", "x"), 0}, {where("tag-key", "Name"), 0}, {where("state", "available"), 3},
		{append(where("availability-zone", "us-east-1a"), where("state", "pending")...), 0},
	} {
		got := ask(r, r.api.DescribeSubnets, ec2wire.DescribeSubnetsRequest{Filters: row.filters}).Subnets
		if len(got) != row.want {
			t.Errorf("%s=%v finds %d, want %d", *row.filters[0].Name, row.filters[0].Values, len(got), row.want)
		}
	}
}

func TestWhatDoesNotExistGetsEC2sOwnErrors(t *testing.T) {
	r := newRig(t)
	refused(r, r.api.DescribeVpcs, ec2wire.DescribeVpcsRequest{VpcIds: []string{"vpc-1"}},
		"InvalidVpcID.NotFound: The vpc ID 'vpc-1' does not exist")
	refused(r, r.api.DescribeSubnets, ec2wire.DescribeSubnetsRequest{SubnetIds: []string{"subnet-1"}},
		"InvalidSubnetID.NotFound: The subnet ID 'subnet-1' does not exist")
	refused(r, r.api.DescribeSecurityGroups, ec2wire.DescribeSecurityGroupsRequest{GroupIds: []string{"sg-1"}},
		"InvalidGroup.NotFound: The security group 'sg-1' does not exist")
	refused(r, r.api.DescribeSecurityGroups, ec2wire.DescribeSecurityGroupsRequest{GroupNames: []string{"web"}},
		"InvalidGroup.NotFound: The security group 'web' does not exist")
	refused(r, r.api.DescribeNetworkInterfaces,
		ec2wire.DescribeNetworkInterfacesRequest{NetworkInterfaceIds: []string{"eni-1"}},
		"InvalidNetworkInterfaceID.NotFound: The networkInterface ID 'eni-1' does not exist")
	refused(r, r.api.DescribeVpcs, ec2wire.DescribeVpcsRequest{VpcIds: []string{"x"}},
		`InvalidVpcID.Malformed: Invalid id: "x" (expecting "vpc-...")`)
	refused(r, r.api.DescribeVpcs, ec2wire.DescribeVpcsRequest{Filters: where("colour", "red")},
		"InvalidParameterValue: The filter 'colour' is invalid")
	refused(r, r.api.DescribeVpcs, ec2wire.DescribeVpcsRequest{DryRun: ptr(true)},
		"DryRunOperation: Request would have succeeded, but DryRun flag is set.")
	refused(r, r.api.DescribeSubnets, ec2wire.DescribeSubnetsRequest{MaxResults: ptr(int32(4))},
		"InvalidParameterValue: Value ( 4 ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.")
	refused(r, r.api.DescribeSubnets, ec2wire.DescribeSubnetsRequest{NextToken: ptr("x")},
		"InvalidPaginationToken: The pagination token is not valid")
	refused(r, r.api.DescribeRegions, ec2wire.DescribeRegionsRequest{RegionNames: []string{"moon-1"}},
		"InvalidParameterValue: Invalid region: [moon-1]")
}

func TestTheDefaultGroupLetsItsMembersTalkAndLeave(t *testing.T) {
	r := newRig(t)
	found := ask(r, r.api.DescribeSecurityGroups, ec2wire.DescribeSecurityGroupsRequest{
		Filters: where("group-name", "default")}).SecurityGroups
	if len(found) != 1 || *found[0].Description != "default VPC security group" {
		t.Fatalf("found %v", found)
	}
	g := found[0]
	if *g.IpPermissions[0].UserIdGroupPairs[0].GroupId != *g.GroupId ||
		*g.IpPermissionsEgress[0].IpRanges[0].CidrIp != "0.0.0.0/0" {
		t.Errorf("rules are %v and %v", g.IpPermissions, g.IpPermissionsEgress)
	}
	rules := ask(r, r.api.DescribeSecurityGroupRules, ec2wire.DescribeSecurityGroupRulesRequest{
		Filters: where("group-id", *g.GroupId)}).SecurityGroupRules
	if len(rules) != 2 || len(*rules[0].SecurityGroupRuleId) != len("sgr-")+17 {
		t.Errorf("there are %d rules", len(rules))
	}
}

func TestInterfacesAreThoseOfTasksThatHoldAnAddress(t *testing.T) {
	r := newRig(t)
	subnet := ask(r, r.api.DescribeSubnets, ec2wire.DescribeSubnetsRequest{}).Subnets[0]
	group := ask(r, r.api.DescribeSecurityGroups, ec2wire.DescribeSecurityGroupsRequest{}).SecurityGroups[0]
	cluster := state.NewClusterKey(state.Scope{Account: r.caller.Account, Region: r.caller.Region}, "default")
	task := func(n int, last state.Status) *state.Task {
		return &state.Task{Key: state.NewTaskKey(cluster, fmt.Sprintf("%032x", n)), Last: last, Zone: "us-east-1a",
			Interface: &state.Interface{ID: fmt.Sprintf("eni-%017x", n), AttachmentID: "a-b", Subnet: *subnet.SubnetId,
				VPC: *subnet.VpcId, Groups: []string{*group.GroupId}, MAC: "02:00:00:00:00:01", Status: "ATTACHED",
				Address: netip.MustParseAddr(fmt.Sprintf("172.31.0.%d", n)), CreatedAt: time.Unix(1, 0)}}
	}
	err := r.api.Store.Update(context.Background(), func(tx *store.Tx) error {
		tx.Tasks().Put(task(4, state.Running))
		tx.Tasks().Put(task(5, state.Stopped))
		released := task(6, state.Deprovisioning)
		released.Released = time.Unix(2, 0)
		tx.Tasks().Put(released)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := ask(r, r.api.DescribeNetworkInterfaces, ec2wire.DescribeNetworkInterfacesRequest{}).NetworkInterfaces
	if len(found) != 1 {
		t.Fatalf("found %d interfaces", len(found))
	}
	n := found[0]
	if *n.PrivateIpAddress != "172.31.0.4" || *n.Status != "in-use" || *n.Groups[0].GroupName != "default" ||
		*n.Description != "arn:aws:ecs:us-east-1:111122223333:attachment/a-b" || *n.AvailabilityZoneId != "use1-az1" {
		t.Errorf("the interface is %+v", n)
	}
	left := ask(r, r.api.DescribeSubnets, ec2wire.DescribeSubnetsRequest{}).Subnets[0]
	if *left.AvailableIpAddressCount != 4090 {
		t.Errorf("%d addresses are free", *left.AvailableIpAddressCount)
	}
}

func TestTheRestOfTheModelIsRefusedOnce(t *testing.T) {
	r := newRig(t)
	refusals := Refused()
	if len(refusals)+len(r.api.Ops()) != len(ec2wire.Model().Operations) {
		t.Errorf("%d refused and %d served are not all", len(refusals), len(r.api.Ops()))
	}
}

func TestPatternsMatchLikeShellNames(t *testing.T) {
	for _, row := range []struct {
		pattern, value string
		want           bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"*", "", true}, {"a*c", "abbc", true}, {"a*c", "abb", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {`a\*`, "a*", true}, {`a\*`, "ab", false}, {"", "", true},
		{"*b*", "abc", true}, {"**", "x", true}, {"a", "ab", false}, {`\?`, "?", true}, {`\?`, "x", false},
	} {
		if got := matches(row.pattern, row.value); got != row.want {
			t.Errorf("%q matches %q: %v", row.pattern, row.value, got)
		}
	}
}

func FuzzMatches(f *testing.F) {
	f.Add("a*c?", "abcd")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if matches(pattern, value) && !matches(pattern+"*", value) {
			t.Errorf("%q matches %q, and not with a * after it", pattern, value)
		}
		if !matches("*", value) {
			t.Errorf("* does not match %q", value)
		}
	})
}
