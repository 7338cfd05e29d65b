package awsvpc

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLinkNamesFitAndKeepApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[a-z0-9-]{1,64}`)
		one, two := newNames(id.Draw(t, "one")), newNames(id.Draw(t, "two"))
		task := id.Draw(t, "task")
		if len(one.link(task)) != 15 || !strings.HasPrefix(one.link(task), one.prefix) {
			t.Fatalf("link name %q", one.link(task))
		}
		r := record{TaskID: task, PauseID: strings.Repeat("a", 64), Address: netip.MustParseAddr("172.31.0.4")}
		alias := one.alias(r)
		if len(alias) > 255 {
			t.Fatalf("alias of %d bytes", len(alias))
		}
		got, ok := one.parse(one.link(task), alias)
		if !ok || got != r {
			t.Fatalf("%q reads back as %+v, %v", alias, got, ok)
		}
		_, ok = two.parse(two.link(task), alias)
		if ok && one.installation != two.installation {
			t.Fatalf("%q was taken for %q's", alias, two.installation)
		}
	})
}

func TestForeignAliasesAreNotOurs(t *testing.T) {
	n := newNames("mine")
	link := n.link("task")
	for _, alias := range []string{
		"", "uplink", "longshore|mine|task|p", "longshore|other|task|p|10.0.0.4", "longshore|mine|task2|p|10.0.0.4",
		"longshore|mine|task|p|nonsense", "longshore|mine|task|p|10.0.0.4|more", "Longshore|mine|task|p|10.0.0.4",
	} {
		_, ok := n.parse(link, alias)
		if ok {
			t.Errorf("alias %q was accepted", alias)
		}
	}
	_, ok := n.parse("eth0", "longshore|mine|task|p|10.0.0.4")
	if ok {
		t.Error("a link of another name was accepted")
	}
}

func FuzzAliasesParseOrAreRefused(f *testing.F) {
	f.Add("lsabcde12345678", "longshore|mine|task|p|10.0.0.4")
	n := newNames("mine")
	f.Fuzz(func(t *testing.T, link, alias string) {
		r, ok := n.parse(link, alias)
		if ok && n.link(r.TaskID) != link {
			t.Errorf("%q with alias %q was accepted", link, alias)
		}
	})
}

func TestReservedAddressesOfASubnet(t *testing.T) {
	subnet := netip.MustParsePrefix("172.31.16.0/20")
	for addr, want := range map[string]bool{
		"172.31.16.0": true, "172.31.16.1": true, "172.31.16.2": true, "172.31.16.3": true,
		"172.31.16.4": false, "172.31.31.254": false, "172.31.31.255": true, "172.31.32.0": false, "10.0.0.1": false,
	} {
		if got := Reserved(subnet, netip.MustParseAddr(addr)); got != want {
			t.Errorf("Reserved(%s) = %v", addr, got)
		}
	}
}
