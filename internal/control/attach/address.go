package attach

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// AWS keeps the first four addresses of a subnet (network, router, DNS, future use) and the last one
// (broadcast) for itself (Amazon VPC User Guide, "Subnet CIDR blocks").
const (
	reservedFirst = 4
	reservedLast  = 1
)

// usable counts the addresses of a subnet that tasks may have.
func usable(p netip.Prefix) int {
	if !p.Addr().Is4() {
		return 0
	}
	return max(0, 1<<(32-p.Bits())-reservedFirst-reservedLast)
}

// nth is the n-th usable address.
func nth(p netip.Prefix, n int) netip.Addr {
	b := p.Masked().Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(reservedFirst+n))
	return netip.AddrFrom4(b)
}

// privateDNS is the name that EC2 gives an address; us-east-1 has the short domain of its first days.
func privateDNS(a netip.Addr, region string) string {
	domain := region + ".compute.internal"
	if region == "us-east-1" {
		domain = "ec2.internal"
	}
	return "ip-" + strings.ReplaceAll(a.String(), ".", "-") + "." + domain
}

// mac is a locally administered address from ten hex digits.
func mac(hex string) string {
	out := "02"
	for i := 0; i < 10; i += 2 {
		out += ":" + hex[i:i+2]
	}
	return out
}
