package awsvpc

import (
	"net/netip"
	"testing"

	"longshore/internal/acs"
	"longshore/internal/node/taskrun"
)

func TestPayloadInterfacesBecomeRequests(t *testing.T) {
	eni := acs.ENI{
		MACAddress: "02:00:00:00:00:01", PrivateDNSName: "ip-172-31-0-4.ec2.internal", SubnetGatewayIPv4Address: "172.31.0.1/20",
		IPv4Addresses: []acs.IPv4Address{{PrivateAddress: "172.31.0.9"}, {Primary: true, PrivateAddress: "172.31.0.4"}},
	}
	n := taskNetworks{vpc: netip.MustParsePrefix("172.31.0.0/16")}
	r, err := n.request("t", eni, taskrun.NetworkOptions{})
	if err != nil || r.validate() != nil {
		t.Fatalf("%+v: %v, %v", r, err, r.validate())
	}
	if r.Address.String() != "172.31.0.4" || r.SubnetCIDR.String() != "172.31.0.0/20" || r.VPCCIDR != n.vpc {
		t.Errorf("%+v", r)
	}
	r, err = n.request("t", eni, taskrun.NetworkOptions{SubnetCIDR: "10.0.0.0/24"})
	if err != nil || r.VPCCIDR.IsValid() || r.SubnetCIDR.String() != "10.0.0.0/24" {
		t.Errorf("subnet outside the VPC: %+v, %v", r, err)
	}
	for name, change := range map[string]func(*acs.ENI){
		"no address": func(e *acs.ENI) { e.IPv4Addresses = nil },
		"no MAC":     func(e *acs.ENI) { e.MACAddress = "" },
		"no subnet":  func(e *acs.ENI) { e.SubnetGatewayIPv4Address = "" },
	} {
		bad := eni
		change(&bad)
		_, err = n.request("t", bad, taskrun.NetworkOptions{})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
