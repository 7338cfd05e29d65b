package awsvpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// taskLink is the interface's name inside every task.
const taskLink = "eth0"

// gateway is what tasks route to; nobody has this address, the neighbour entry leads to the host end.
func gateway() net.IP { return net.IPv4(169, 254, 1, 1) }

// ourLink is a host end with its record, which is zero when a crash came between making the link and naming it.
type ourLink struct {
	link   netlink.Link
	record record
}

// own recognises a host end of this installation by name and alias, or, before it has an alias, by name and
// hardware address; never by name alone.
func (m *Manager) own(l netlink.Link) (ourLink, bool) {
	a := l.Attrs()
	r, ok := m.names.parse(a.Name, a.Alias)
	if ok {
		return ourLink{link: l, record: r}, true
	}
	unnamed := strings.HasPrefix(a.Name, m.names.prefix) && a.Alias == "" && bytes.Equal(a.HardwareAddr, m.names.mac)
	return ourLink{link: l}, unnamed
}

func (m *Manager) ourLinks() ([]ourLink, error) {
	all, err := m.host.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("list links: %w", err)
	}
	var ours []ourLink
	for _, l := range all {
		mine, ok := m.own(l)
		if ok {
			ours = append(ours, mine)
		}
	}
	return ours, nil
}

// findLink returns the task's host end, or nil. A link of that name that is not ours is an error.
func (m *Manager) findLink(taskID string) (*ourLink, error) {
	name := m.names.link(taskID)
	l, err := m.host.LinkByName(name)
	var none netlink.LinkNotFoundError
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find link %s: %w", name, err)
	}
	mine, ok := m.own(l)
	if !ok {
		return nil, fmt.Errorf("link %s exists and does not carry our alias; remove it by hand", name)
	}
	return &mine, nil
}

// wire connects a namespace to the host. The kernel takes no alias when it makes a link, so the hardware
// address says whose it is until the alias is set; the task has no address before that.
func (m *Manager) wire(q *pause, r Request) error {
	name := m.names.link(r.TaskID)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	attrs.MTU = m.mtu
	attrs.HardwareAddr = m.names.mac
	veth := &netlink.Veth{
		LinkAttrs:        attrs,
		PeerName:         taskLink,
		PeerHardwareAddr: r.MAC,
		PeerNamespace:    netlink.NsFd(int(q.ns.Fd())),
		PeerTxQLen:       -1,
	}
	err := m.host.LinkAdd(veth)
	if err != nil {
		return fmt.Errorf("add link %s: %w", name, err)
	}
	err = m.host.LinkSetAlias(veth, m.names.alias(record{TaskID: r.TaskID, PauseID: q.ID, Address: r.Address}))
	if err == nil {
		err = m.wireTask(q, r)
	}
	if err == nil {
		err = m.wireHost(veth, r)
	}
	if err != nil {
		return errors.Join(err, m.host.LinkDel(veth))
	}
	return nil
}

// wireTask sets up the end inside the namespace.
func (m *Manager) wireTask(q *pause, r Request) error {
	h, err := netlink.NewHandleAt(netns.NsHandle(q.ns.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	defer h.Close()
	eth, err := h.LinkByName(taskLink)
	if err != nil {
		return fmt.Errorf("find %s: %w", taskLink, err)
	}
	err = h.AddrAdd(eth, &netlink.Addr{IPNet: hostNet(r.Address)})
	if err != nil {
		return fmt.Errorf("set address %s: %w", r.Address, err)
	}
	err = h.LinkSetUp(eth)
	if err != nil {
		return fmt.Errorf("set %s up: %w", taskLink, err)
	}
	err = h.NeighAdd(neighbour(eth, gateway(), m.names.mac))
	if err != nil {
		return fmt.Errorf("set the gateway's neighbour entry: %w", err)
	}
	route := &netlink.Route{LinkIndex: eth.Attrs().Index, Gw: gateway(), Flags: int(netlink.FLAG_ONLINK)}
	err = h.RouteAdd(route)
	if err != nil {
		return fmt.Errorf("set default route: %w", err)
	}
	return nil
}

// wireHost sets up the host's end. Adding the route is exclusive: it fails when the address is routed already.
func (m *Manager) wireHost(veth *netlink.Veth, r Request) error {
	err := m.linkSettings(veth.Name)
	if err != nil {
		return err
	}
	err = m.host.LinkSetUp(veth)
	if err != nil {
		return fmt.Errorf("set %s up: %w", veth.Name, err)
	}
	err = m.host.NeighAdd(neighbour(veth, r.Address.AsSlice(), r.MAC))
	if err != nil {
		return fmt.Errorf("set the task's neighbour entry: %w", err)
	}
	err = m.host.RouteAdd(&netlink.Route{
		LinkIndex: veth.Index, Dst: hostNet(r.Address), Scope: netlink.SCOPE_LINK,
	})
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("route %s: %w", r.Address, ErrAddressTaken)
	}
	if err != nil {
		return fmt.Errorf("route %s: %w", r.Address, err)
	}
	return nil
}

// linkSettings: proxy ARP answers for the gateway should a task flush its neighbours; strict reverse path
// filtering keeps a task from sending with another's address; IPv6 is off, there is none to speak.
func (m *Manager) linkSettings(link string) error {
	for _, s := range []struct{ path, value string }{
		{"ipv4/conf/" + link + "/proxy_arp", "1"},
		{"ipv4/neigh/" + link + "/proxy_delay", "0"},
		{"ipv4/conf/" + link + "/rp_filter", "1"},
	} {
		err := m.sysctl(s.path, s.value)
		if err != nil {
			return err
		}
	}
	err := m.sysctl("ipv6/conf/"+link+"/disable_ipv6", "1")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// sysctl writes a setting below net, unless it has the value already.
func (m *Manager) sysctl(path, value string) error {
	name := filepath.Join(m.cfg.Proc, "sys/net", path)
	old, err := os.ReadFile(name)
	if err == nil && strings.TrimSpace(string(old)) == value {
		return nil
	}
	err = os.WriteFile(name, []byte(value), 0)
	if err != nil {
		return fmt.Errorf("set net/%s: %w", path, err)
	}
	return nil
}

// unwire deletes the host's end, and with it the task's end, the route and the neighbour entry.
func (m *Manager) unwire(l *ourLink) error {
	err := m.host.LinkDel(l.link)
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete link %s: %w", l.link.Attrs().Name, err)
	}
	return nil
}

// wired says whether the namespace already has an interface of ours.
func (m *Manager) wired(q *pause) bool {
	h, err := netlink.NewHandleAt(netns.NsHandle(q.ns.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return true
	}
	defer h.Close()
	_, err = h.LinkByName(taskLink)
	return err == nil
}

// Taken lists the single addresses that this host routes to anything but this installation's links, such as
// another installation's tasks: whoever allocates addresses for this host should avoid them.
func (m *Manager) Taken(ctx context.Context) ([]netip.Addr, error) {
	err := m.prepareRules(ctx)
	if err != nil {
		return nil, err
	}
	links, err := m.ourLinks()
	if err != nil {
		return nil, err
	}
	ours := map[int]bool{}
	for _, l := range links {
		ours[l.link.Attrs().Index] = true
	}
	routes, err := m.host.RouteList(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var taken []netip.Addr
	for _, r := range routes {
		if r.Dst == nil || ours[r.LinkIndex] {
			continue
		}
		ones, bits := r.Dst.Mask.Size()
		addr, ok := netip.AddrFromSlice(r.Dst.IP)
		if ok && ones == bits {
			taken = append(taken, addr.Unmap())
		}
	}
	return taken, nil
}

// Counters are what a task has received and sent since it was attached.
type Counters struct {
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
}

// Counters reads the host's end, whose directions are the task's reversed: the engine knows nothing of our links.
func (m *Manager) Counters(ctx context.Context, taskID string) (Counters, error) {
	err := m.prepareRules(ctx)
	if err != nil {
		return Counters{}, err
	}
	l, err := m.findLink(taskID)
	if err != nil {
		return Counters{}, err
	}
	if l == nil || l.link.Attrs().Statistics == nil {
		return Counters{}, fmt.Errorf("task %s has no link", taskID)
	}
	s := l.link.Attrs().Statistics
	return Counters{
		RxBytes: s.TxBytes, RxPackets: s.TxPackets, RxErrors: s.TxErrors, RxDropped: s.TxDropped,
		TxBytes: s.RxBytes, TxPackets: s.RxPackets, TxErrors: s.RxErrors, TxDropped: s.RxDropped,
	}, nil
}

// defaultMTU is that of the interface behind the default route: nothing larger leaves the host whole.
func (m *Manager) defaultMTU() int {
	routes, err := m.host.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: nil}, netlink.RT_FILTER_DST)
	if err != nil {
		return 1500
	}
	for _, r := range routes {
		l, err := m.host.LinkByIndex(r.LinkIndex)
		if err == nil && l.Attrs().MTU > 0 {
			return l.Attrs().MTU
		}
	}
	return 1500
}

func neighbour(l netlink.Link, ip net.IP, mac net.HardwareAddr) *netlink.Neigh {
	return &netlink.Neigh{
		LinkIndex: l.Attrs().Index, Family: netlink.FAMILY_V4, State: netlink.NUD_PERMANENT,
		IP: ip, HardwareAddr: mac,
	}
}

func hostNet(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
