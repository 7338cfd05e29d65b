package awsvpc

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"longshore/internal/acs"
	"longshore/internal/node/taskrun"
)

// taskNetworks speaks of interfaces as the agent protocol does.
type taskNetworks struct {
	m   *Manager
	vpc netip.Prefix
}

var _ taskrun.Networks = taskNetworks{}

// ForTasks lets a task runner attach what the control plane's payload describes. The payload does not name the
// VPC's addresses; vpc is used for subnets within it and may be zero.
func ForTasks(m *Manager, vpc netip.Prefix) taskrun.Networks { return taskNetworks{m: m, vpc: vpc} }

// Attach implements taskrun.Networks.
func (n taskNetworks) Attach(
	ctx context.Context, taskID string, eni acs.ENI, opts taskrun.NetworkOptions,
) (string, error) {
	r, err := n.request(taskID, eni, opts)
	if err != nil {
		return "", fmt.Errorf("attach task %s: %w", taskID, err)
	}
	a, err := n.m.Attach(ctx, r)
	return a.PauseID, err
}

// Detach implements taskrun.Networks.
func (n taskNetworks) Detach(ctx context.Context, taskID string) error {
	return n.m.Detach(ctx, taskID)
}

func (n taskNetworks) request(taskID string, eni acs.ENI, opts taskrun.NetworkOptions) (Request, error) {
	addr, err := netip.ParseAddr(primary(eni))
	if err != nil {
		return Request{}, fmt.Errorf("interface has no usable IPv4 address: %w", err)
	}
	mac, err := net.ParseMAC(eni.MACAddress)
	if err != nil {
		return Request{}, fmt.Errorf("interface has no usable MAC: %w", err)
	}
	cidr := opts.SubnetCIDR
	if cidr == "" {
		cidr = eni.SubnetGatewayIPv4Address // a.b.c.d/nn: the gateway's address with the subnet's length
	}
	subnet, err := netip.ParsePrefix(cidr)
	if err != nil {
		return Request{}, fmt.Errorf("interface has no usable subnet: %w", err)
	}
	r := Request{
		TaskID: taskID, TaskARN: opts.TaskARN, Address: addr, SubnetCIDR: subnet.Masked(), MAC: mac,
		Hostname: eni.PrivateDNSName, DNS: eni.DomainNameServers, Search: eni.DomainName,
	}
	if n.vpc.IsValid() && n.vpc.Contains(subnet.Addr()) {
		r.VPCCIDR = n.vpc
	}
	return r, nil
}

// primary is the address marked so, or the only one.
func primary(eni acs.ENI) string {
	for _, a := range eni.IPv4Addresses {
		if a.Primary || len(eni.IPv4Addresses) == 1 {
			return a.PrivateAddress
		}
	}
	return ""
}
