package state

import (
	"net/netip"
	"time"
)

// VPC of a scope. The default one is made with the scope. Written by api/ec2.
type VPC struct {
	Key       ResourceKey
	CIDR      netip.Prefix
	IsDefault bool
	Tags      Tags
}

// Subnet of a VPC in one availability zone. Written by api/ec2.
type Subnet struct {
	Key       ResourceKey
	VPC       string
	CIDR      netip.Prefix
	Zone      string // us-east-1a
	ZoneID    string // use1-az1
	IsDefault bool
	Tags      Tags
}

// SecurityGroup of a VPC. Written by api/ec2.
type SecurityGroup struct {
	Key         ResourceKey
	VPC         string
	Name        string
	Description string
	Tags        Tags
}

// Interface is a task's own network interface: it lives and ends with the task. Written by control/attach
// (by api/ecs inside RunTask); Status by dispatch.
type Interface struct {
	ID           string // eni-…
	AttachmentID string // UUID, last part of the attachment's ARN
	Subnet       string
	VPC          string
	Groups       []string
	Address      netip.Addr
	SubnetCIDR   netip.Prefix
	VPCCIDR      netip.Prefix
	MAC          string
	PrivateDNS   string
	Status       string // PRECREATED, ATTACHING, ATTACHED, DELETED
	CreatedAt    time.Time
}
