package awsvpc

import (
	"crypto/sha256"
	"encoding/base32"
	"net"
	"net/netip"
	"strings"
)

// aliasSep separates the fields of a link's alias; installation and task ids never contain it.
const aliasSep = "|"

// names derives everything that carries an installation's identity.
type names struct {
	installation string
	prefix       string // of every link: "ls" and five characters of the installation's hash
	table        string // nftables table
	comment      string // of our rules in chains that others own
	// mac is the address of every host end. Each link is its own wire, so they may all have the same, and the
	// gateway's permanent neighbour entry needs no look-up.
	mac net.HardwareAddr
}

func newNames(installation string) names {
	h := shortHash(installation, 5)
	sum := sha256.Sum256([]byte(installation))
	return names{
		installation: installation,
		prefix:       "ls" + h,
		table:        tablePrefix + h,
		comment:      "longshore:" + installation,
		mac:          append(net.HardwareAddr{0x0e}, sum[:5]...), // 0x0e: locally administered, unicast
	}
}

// link is the host end's name: 15 characters, all that the kernel allows.
func (n names) link(taskID string) string {
	return n.prefix + shortHash(taskID, 8)
}

// record is what a link's alias says.
type record struct {
	TaskID  string
	PauseID string
	Address netip.Addr
}

// alias must fit the kernel's 255 bytes: 10 + 64 + a task id of up to 64 + 64 + 39 + separators.
func (n names) alias(r record) string {
	return strings.Join([]string{"longshore", n.installation, r.TaskID, r.PauseID, r.Address.String()}, aliasSep)
}

// parse returns the record of a link of this installation; false for anybody else's.
func (n names) parse(link, alias string) (record, bool) {
	f := strings.Split(alias, aliasSep)
	if len(f) != 5 || f[0] != "longshore" || f[1] != n.installation || link != n.link(f[2]) {
		return record{}, false
	}
	addr, err := netip.ParseAddr(f[4])
	if err != nil {
		return record{}, false
	}
	return record{TaskID: f[2], PauseID: f[3], Address: addr}, true
}

func shortHash(s string, n int) string {
	sum := sha256.Sum256([]byte(s))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:n]
}

// Reserved says whether AWS keeps the address for itself: the first four of a subnet (network, router, DNS,
// future use) and the last (VPC User Guide, "Subnet sizing").
func Reserved(subnet netip.Prefix, addr netip.Addr) bool {
	if !subnet.Contains(addr) {
		return false
	}
	first := subnet.Masked().Addr()
	for range 4 {
		if addr == first {
			return true
		}
		first = first.Next()
	}
	return !subnet.Contains(addr.Next())
}
