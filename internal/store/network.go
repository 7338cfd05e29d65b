package store

import (
	"net/netip"
	"strings"

	"longshore/internal/state"
)

// EnsureNetwork gives a scope its default VPC, three subnets and default security group, once. It lives beside
// the tables because api/ec2 and api/ecs both need it and neither may import the other. newID must give 32 hex
// digits; ids of the EC2 API take 17 of them.
//
// All scopes of an installation share one host and its routing table, so the addresses are real and cannot be
// 172.31.0.0/16 in every account and region as they are on AWS: the first scope gets 172.31, the next 172.30.
// claim asks whether a range is this installation's to take, because other installations may share the host; it
// must answer the same when it is asked again. nil means that all are.
func EnsureNetwork(tx *Tx, scope state.Scope, newID func() string, claim func(netip.Prefix) bool) {
	if _, ok := DefaultVPC(tx.View(), scope); ok {
		return
	}
	cidr, ok := freeNetwork(tx, claim)
	if !ok {
		return
	}
	vpc := &state.VPC{Key: resource(scope, "vpc-", newID), CIDR: cidr, IsDefault: true}
	tx.VPCs().Put(vpc)
	for i, zone := range []string{"a", "b", "c"} {
		tx.Subnets().Put(&state.Subnet{
			Key: resource(scope, "subnet-", newID), VPC: vpc.Key.ID(), CIDR: slice20(cidr, i), IsDefault: true,
			Zone: scope.Region + zone, ZoneID: zoneIDPrefix(scope.Region) + "-az" + string(rune('1'+i)),
		})
	}
	tx.SecurityGroups().Put(&state.SecurityGroup{
		Key: resource(scope, "sg-", newID), VPC: vpc.Key.ID(), Name: "default",
		Description: "default VPC security group",
	})
}

// DefaultVPC of a scope, if it was made already.
func DefaultVPC(v View, scope state.Scope) (*state.VPC, bool) {
	for vpc := range v.VPCs().Prefix(scope.String() + "/") {
		if vpc.IsDefault {
			return vpc, true
		}
	}
	return nil, false
}

func resource(scope state.Scope, prefix string, newID func() string) state.ResourceKey {
	return state.NewResourceKey(scope, prefix+newID()[:17])
}

// freeNetwork picks a /16 that no VPC has: 172.31 downwards, then 10.254 downwards. 172.16 to 172.19 stay free
// because Docker's own bridges start there.
func freeNetwork(tx *Tx, claim func(netip.Prefix) bool) (netip.Prefix, bool) {
	taken := map[netip.Prefix]bool{}
	for vpc := range tx.VPCs().All() {
		taken[vpc.CIDR] = true
	}
	for second := 31; second >= 20; second-- {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(second)}), 16)
		if !taken[p] && (claim == nil || claim(p)) {
			return p, true
		}
	}
	for second := 254; second >= 0; second-- {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(second)}), 16)
		if !taken[p] && (claim == nil || claim(p)) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// slice20 is the n-th /20 of a /16, as AWS cuts default VPCs.
func slice20(p netip.Prefix, n int) netip.Prefix {
	a := p.Addr().As4()
	a[2] = byte(n * 16)
	return netip.PrefixFrom(netip.AddrFrom4(a), 20)
}

// zoneIDPrefix shortens a region as zone ids do: us-east-1 → use1, ap-southeast-2 → apse2.
func zoneIDPrefix(region string) string {
	short := map[string]string{
		"north": "n", "south": "s", "east": "e", "west": "w", "central": "c",
		"northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw", "gov": "g",
	}
	out := ""
	for i, word := range strings.Split(region, "-") {
		s, ok := short[word]
		if i > 0 && ok {
			word = s
		}
		out += word
	}
	return out
}
