package awsvpc

import (
	"slices"
	"testing"
)

func TestOnlyRedirectionsWithoutListenerAreStale(t *testing.T) {
	const listed = `table ip longshore_abcde { # handle 7
	set clients { # handle 2
		type ipv4_addr
		elements = { 172.17.0.2 }
	}

	chain leave_vpc { # handle 4
		type nat hook postrouting priority srcnat; policy accept;
		iifname "lsabcde*" oifname != "lsabcde*" ip daddr != @vpcs masquerade # handle 9
	}

	chain metadata_own { # handle 5
		type nat hook prerouting priority dstnat - 10; policy accept;
		iifname "lsabcde*" ip daddr 169.254.170.2 tcp dport 80 dnat to 169.254.170.2:4567 # handle 11
		ip saddr @clients ip daddr 169.254.170.2 tcp dport 80 dnat to 169.254.170.2:4568 # handle 12
	}

	chain metadata_all { # handle 6
		type nat hook prerouting priority dstnat - 5; policy accept;
		ip daddr 169.254.170.2 tcp dport 80 dnat to 169.254.170.2:4567 # handle 13
	}
}
`
	want := []staleRule{{"metadata_own", "11"}, {"metadata_all", "13"}}
	got := staleRules(listed, map[uint16]bool{80: true, 4568: true})
	if !slices.Equal(got, want) {
		t.Errorf("stale are %v, want %v", got, want)
	}
	got = staleRules(listed, map[uint16]bool{4567: true, 4568: true})
	if len(got) != 0 {
		t.Errorf("a live installation's rules are called stale: %v", got)
	}
}
