package awsvpc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/knftables"
)

// MetadataAddress is where tasks expect metadata and credentials, on port 80.
const MetadataAddress = "169.254.170.2"

// metadataHex is MetadataAddress as /proc/net/tcp writes it on a little-endian machine.
const metadataHex = "02AAFEA9"

// ListenMetadata puts 169.254.170.2 on the host's loopback interface and listens there. It needs no
// route_localnet, because the address is an ordinary one; its scope is host, so it is never a source address
// of anything else.
//
// Several installations share the address. The first listens on port 80 and needs no rule. When port 80 is
// taken, we listen on a port of the kernel's choice and redirect to it: always from our own task links and
// from AddClient's addresses; and, when what holds port 80 is no installation but a web server on all
// addresses, from everywhere. Containers in host network mode cannot be told apart: they reach the first.
func (m *Manager) ListenMetadata(ctx context.Context) (net.Listener, error) {
	err := m.prepareRules(ctx)
	if err != nil {
		return nil, fmt.Errorf("serve %s: %w", MetadataAddress, err)
	}
	err = m.dropStale(ctx)
	if err != nil {
		return nil, fmt.Errorf("serve %s: %w", MetadataAddress, err)
	}
	ln, err := m.listen(ctx, "80")
	if err == nil {
		return m.redirect(ctx, 0, false, ln)
	}
	if !errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("serve %s: %w", MetadataAddress, err)
	}
	shared, err := m.served()
	if err != nil {
		return nil, err
	}
	ln, err = m.listen(ctx, "0")
	if err != nil {
		return nil, fmt.Errorf("serve %s: %w", MetadataAddress, err)
	}
	port := netip.MustParseAddrPort(ln.Addr().String()).Port()
	return m.redirect(ctx, port, !shared, ln)
}

// listen adds the address before every try: another installation's teardown may take it away in between.
func (m *Manager) listen(ctx context.Context, port string) (net.Listener, error) {
	var lc net.ListenConfig
	for try := 0; ; try++ {
		err := m.addAddress()
		if err != nil {
			return nil, err
		}
		ln, err := lc.Listen(ctx, "tcp4", net.JoinHostPort(MetadataAddress, port))
		if errors.Is(err, unix.EADDRNOTAVAIL) && try < 3 {
			continue
		}
		return ln, err
	}
}

func (m *Manager) addAddress() error {
	lo, err := m.host.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	err = m.host.AddrAdd(lo, metadataAddr())
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add %s to loopback: %w", MetadataAddress, err)
	}
	return nil
}

// removeAddress leaves the address to whoever else listens on it.
func (m *Manager) removeAddress() error {
	shared, err := m.served()
	if err != nil || shared {
		return err
	}
	lo, err := m.host.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	err = m.host.AddrDel(lo, metadataAddr())
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("remove %s from loopback: %w", MetadataAddress, err)
	}
	// Another installation may have begun to listen since we looked.
	shared, err = m.served()
	if err != nil || !shared {
		return err
	}
	return m.addAddress()
}

func metadataAddr() *netlink.Addr {
	return &netlink.Addr{IPNet: hostNet(netip.MustParseAddr(MetadataAddress)), Scope: int(netlink.SCOPE_HOST)}
}

// served says whether some process listens on the address itself, on any port: another installation.
func (m *Manager) served() (bool, error) {
	ports, err := m.listeners()
	return len(ports) > 0, err
}

// listeners are the ports on which somebody listens on the address itself.
func (m *Manager) listeners() (map[uint16]bool, error) {
	f, err := os.Open(filepath.Join(m.cfg.Proc, "thread-self/net/tcp"))
	if err != nil {
		return nil, fmt.Errorf("read listening sockets: %w", err)
	}
	defer f.Close()
	const listening = "0A"
	ports := map[uint16]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || fields[3] != listening {
			continue
		}
		digits, ours := strings.CutPrefix(fields[1], metadataHex+":")
		port, err := strconv.ParseUint(digits, 16, 16)
		if ours && err == nil {
			ports[uint16(port)] = true
		}
	}
	return ports, lines.Err()
}

// redirect replaces the redirection rules: none for port 0. On failure the listener is closed.
func (m *Manager) redirect(ctx context.Context, port uint16, all bool, ln net.Listener) (net.Listener, error) {
	err := m.table.Run(ctx, m.redirectRules(m.table, port, all))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("redirect %s: %w", MetadataAddress, err), ln.Close())
	}
	m.mu.Lock()
	m.shares, m.serves = port != 0 && !all, true
	m.mu.Unlock()
	return ln, nil
}

// redirectRules also empties the set of clients: an earlier process's may have ended, and their addresses be
// somebody else's by now. Those that still run are claimed again when they are looked at.
func (m *Manager) redirectRules(t knftables.Interface, port uint16, all bool) *knftables.Transaction {
	tx := t.NewTransaction()
	tx.Flush(&knftables.Set{Name: setClients})
	for _, c := range []struct {
		name     string
		hook     knftables.BaseChainHook
		priority knftables.BaseChainPriority
	}{
		// Whose client it is must be decided before anybody's catch-all.
		{chainOwn, knftables.PreroutingHook, "dstnat-10"},
		{chainAll, knftables.PreroutingHook, "dstnat-5"},
		{chainAllLocal, knftables.OutputHook, "dstnat-5"},
	} {
		tx.Add(&knftables.Chain{
			Name: c.name, Type: knftables.PtrTo(knftables.NATType),
			Hook: knftables.PtrTo(c.hook), Priority: knftables.PtrTo(c.priority),
		})
		tx.Flush(&knftables.Chain{Name: c.name})
	}
	if port == 0 {
		return tx
	}
	to := "ip daddr " + MetadataAddress + " tcp dport 80 dnat to " +
		net.JoinHostPort(MetadataAddress, strconv.Itoa(int(port)))
	tx.Add(&knftables.Rule{Chain: chainOwn, Rule: knftables.Concat("iifname", m.wildcard(), to)})
	tx.Add(&knftables.Rule{Chain: chainOwn, Rule: knftables.Concat("ip saddr", "@"+setClients, to)})
	if all {
		tx.Add(&knftables.Rule{Chain: chainAll, Rule: to})
		tx.Add(&knftables.Rule{Chain: chainAllLocal, Rule: to})
	}
	return tx
}

// SharesMetadata says that another installation holds port 80, so that AddClient matters.
func (m *Manager) SharesMetadata() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shares
}

// AddClient says that metadata requests from a container's address on Docker's bridge are this installation's.
// It matters only where another installation holds port 80.
func (m *Manager) AddClient(ctx context.Context, address netip.Addr) error {
	return m.client(ctx, address, true)
}

// RemoveClient undoes AddClient; removing what was not added is no error.
func (m *Manager) RemoveClient(ctx context.Context, address netip.Addr) error {
	return m.client(ctx, address, false)
}

func (m *Manager) client(ctx context.Context, address netip.Addr, add bool) error {
	err := m.prepareRules(ctx)
	if err != nil {
		return err
	}
	if add {
		err = m.dropStale(ctx)
		if err != nil {
			return fmt.Errorf("claim metadata client %s: %w", address, err)
		}
	}
	tx := m.table.NewTransaction()
	e := &knftables.Element{Set: setClients, Key: []string{address.String()}}
	tx.Add(e) // also before a removal, which fails for what is not there
	if !add {
		tx.Delete(e)
	}
	err = m.table.Run(ctx, tx)
	if err != nil {
		return fmt.Errorf("change metadata client %s: %w", address, err)
	}
	return nil
}
