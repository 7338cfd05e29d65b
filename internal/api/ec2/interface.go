package ec2

import (
	"context"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// task is a task's interface with the names of its groups.
type task struct {
	*state.Task
	groups []ec2wire.GroupIdentifier
	zoneID string
}

// DescribeNetworkInterfaces shows the interfaces of awsvpc tasks for as long as they hold their address.
func (a *API) DescribeNetworkInterfaces(ctx context.Context, c front.Caller,
	in *ec2wire.DescribeNetworkInterfacesRequest,
) (*ec2wire.DescribeNetworkInterfacesResult, error) {
	v, scope, err := a.view(ctx, c, in.DryRun)
	if err != nil {
		return nil, err
	}
	items := []item[task]{}
	for t := range interfaces(v, scope) {
		items = append(items, interfaceItem(withGroups(v, scope, t)))
	}
	found, next, err := find(query{op: "DescribeNetworkInterfaces", scope: scope, filters: in.Filters,
		token: in.NextToken, limit: in.MaxResults, ids: in.NetworkInterfaceIds,
		code: "InvalidNetworkInterfaceID", noun: "networkInterface ID", prefix: "eni-"}, items)
	if err != nil {
		return nil, err
	}
	return &ec2wire.DescribeNetworkInterfacesResult{
		NetworkInterfaces: each(found, renderInterface), NextToken: next}, nil
}

func withGroups(v store.View, scope state.Scope, t *state.Task) task {
	out := task{Task: t, groups: []ec2wire.GroupIdentifier{}}
	for _, id := range t.Interface.Groups {
		name := ""
		g, ok := v.SecurityGroups().Get(state.NewResourceKey(scope, id))
		if ok {
			name = g.Name
		}
		out.groups = append(out.groups, ec2wire.GroupIdentifier{GroupId: ptr(id), GroupName: ptr(name)})
	}
	s, ok := v.Subnets().Get(state.NewResourceKey(scope, t.Interface.Subnet))
	if ok {
		out.zoneID = s.ZoneID
	}
	return out
}

func interfaceItem(t task) item[task] {
	n := t.Interface
	names := each(t.groups, func(g ec2wire.GroupIdentifier) string { return *g.GroupName })
	return item[task]{n.ID, t.Tags, fields{
		"network-interface-id": {n.ID}, "subnet-id": {n.Subnet}, "vpc-id": {n.VPC}, "group-id": n.Groups,
		"group-name": names, "private-ip-address": {n.Address.String()},
		"addresses.private-ip-address": {n.Address.String()}, "mac-address": {n.MAC},
		"availability-zone": {t.Zone}, "description": {description(t)}, "status": {interfaceStatus(n.Status)},
		"owner-id": {t.Key.Cluster().Scope().Account}, "requester-managed": yesNo(true),
		"interface-type": {"interface"}, "private-dns-name": {n.PrivateDNS},
		"attachment.status": {attachmentStatus(n.Status)},
	}, t}
}

// description is how ECS labels the interfaces that it makes.
func description(t task) string {
	scope := t.Key.Cluster().Scope()
	return "arn:aws:ecs:" + scope.Region + ":" + scope.Account + ":attachment/" + t.Interface.AttachmentID
}

// interfaceStatus puts an attachment's state into EC2's words.
func interfaceStatus(status string) string {
	switch status {
	case "ATTACHED":
		return "in-use"
	case "ATTACHING":
		return "attaching"
	case "DELETED":
		return "detaching"
	}
	return "available"
}

func attachmentStatus(status string) string {
	switch status {
	case "ATTACHED":
		return "attached"
	case "DELETED":
		return "detaching"
	}
	return "attaching"
}

func renderInterface(t task) ec2wire.NetworkInterface {
	n, account := t.Interface, t.Key.Cluster().Scope().Account
	address := ptr(n.Address.String())
	return ec2wire.NetworkInterface{
		NetworkInterfaceId: ptr(n.ID), SubnetId: ptr(n.Subnet), VpcId: ptr(n.VPC), AvailabilityZone: ptr(t.Zone),
		AvailabilityZoneId: ptr(t.zoneID), Description: ptr(description(t)), Groups: slices.Clone(t.groups),
		InterfaceType: ptr("interface"), MacAddress: ptr(n.MAC), OwnerId: ptr(account),
		PrivateDnsName: ptr(n.PrivateDNS), PrivateIpAddress: address, RequesterManaged: ptr(true),
		SourceDestCheck: ptr(true), Status: ptr(interfaceStatus(n.Status)), TagSet: renderTags(t.Tags),
		Ipv6Addresses: []ec2wire.NetworkInterfaceIpv6Address{},
		PrivateIpAddresses: []ec2wire.NetworkInterfacePrivateIpAddress{{
			Primary: ptr(true), PrivateDnsName: ptr(n.PrivateDNS), PrivateIpAddress: address}},
		Attachment: &ec2wire.NetworkInterfaceAttachment{
			AttachTime: wire.At(n.CreatedAt), AttachmentId: ptr("ela-attach-" + n.ID[len("eni-"):]),
			DeleteOnTermination: ptr(true), DeviceIndex: ptr(int32(1)), InstanceOwnerId: ptr(account),
			Status: ptr(attachmentStatus(n.Status)),
		},
	}
}
