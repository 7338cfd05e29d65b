package awsvpc

import (
	"context"
	"fmt"
	"net/netip"

	"sigs.k8s.io/knftables"
)

// Names inside our own nftables table.
const (
	setVPCs    = "vpcs"    // what is never masqueraded
	setClients = "clients" // addresses outside awsvpc whose metadata requests are ours

	chainGuard    = "guard"
	chainMasq     = "leave_vpc"
	chainOwn      = "metadata_own"   // redirects our tasks to our port
	chainAll      = "metadata_all"   // redirects everybody, when no other installation serves the address
	chainAllLocal = "metadata_local" // the same for processes of the host
)

// ensureRules sets forwarding on and writes the rules; it may be repeated at any time.
func (m *Manager) ensureRules(ctx context.Context) error {
	err := m.sysctl("ipv4/ip_forward", "1")
	if err != nil {
		return err
	}
	err = m.table.Run(ctx, m.baseRules(m.table))
	if err != nil {
		return fmt.Errorf("write nftables rules: %w", err)
	}
	return m.acceptForwarding(ctx)
}

// baseRules leaves the sets' elements alone: tasks that an earlier process attached still need them.
func (m *Manager) baseRules(t knftables.Interface) *knftables.Transaction {
	tx := t.NewTransaction()
	tx.Add(&knftables.Table{})
	tx.Add(&knftables.Set{
		Name: setVPCs, Type: "ipv4_addr", Flags: []knftables.SetFlag{knftables.IntervalFlag},
		AutoMerge: knftables.PtrTo(true), // VPCs may overlap
	})
	tx.Add(&knftables.Set{Name: setClients, Type: "ipv4_addr"})
	tx.Add(&knftables.Chain{
		Name: chainGuard, Type: knftables.PtrTo(knftables.FilterType),
		Hook: knftables.PtrTo(knftables.PreroutingHook), Priority: knftables.PtrTo(knftables.RawPriority),
	})
	tx.Flush(&knftables.Chain{Name: chainGuard})
	// rp_filter does the same only while net.ipv4.conf.all does not loosen it.
	tx.Add(&knftables.Rule{Chain: chainGuard, Rule: knftables.Concat(
		"iifname", m.wildcard(), "fib saddr . iif oif missing", "drop",
	)})
	tx.Add(&knftables.Chain{
		Name: chainMasq, Type: knftables.PtrTo(knftables.NATType),
		Hook: knftables.PtrTo(knftables.PostroutingHook), Priority: knftables.PtrTo(knftables.SNATPriority),
	})
	tx.Flush(&knftables.Chain{Name: chainMasq})
	tx.Add(&knftables.Rule{Chain: chainMasq, Rule: knftables.Concat(
		"iifname", m.wildcard(), "oifname !=", m.wildcard(), "ip daddr !=", "@"+setVPCs, "masquerade",
	)})
	return tx
}

func (m *Manager) wildcard() string { return `"` + m.names.prefix + `*"` }

// knowVPC adds the VPC to what is not masqueraded, once.
func (m *Manager) knowVPC(ctx context.Context, vpc netip.Prefix) error {
	vpc = vpc.Masked()
	m.mu.Lock()
	known := m.vpcs[vpc]
	m.mu.Unlock()
	if known {
		return nil
	}
	tx := m.table.NewTransaction()
	tx.Add(&knftables.Element{Set: setVPCs, Key: []string{vpc.String()}})
	err := m.table.Run(ctx, tx)
	if err != nil {
		return fmt.Errorf("leave VPC %s unmasqueraded: %w", vpc, err)
	}
	m.mu.Lock()
	m.vpcs[vpc] = true
	m.mu.Unlock()
	return nil
}

// forwardRules are the arguments of our two rules, without chain and verb.
func (m *Manager) forwardRules() [][]string {
	tail := []string{m.names.prefix + "+", "-m", "comment", "--comment", m.names.comment, "-j", "ACCEPT"}
	return [][]string{append([]string{"-i"}, tail...), append([]string{"-o"}, tail...)}
}

// acceptForwarding goes through iptables because the chain belongs to it, in the nft or the legacy kind.
// Without Docker's chain (an engine that leaves the firewall alone) the rules stand in FORWARD itself.
func (m *Manager) acceptForwarding(ctx context.Context) error {
	chain := "DOCKER-USER"
	_, err := m.cfg.Exec(ctx, "iptables", "-w", "-n", "-L", chain)
	if err != nil {
		chain = "FORWARD"
	}
	for _, rule := range m.forwardRules() {
		_, err = m.cfg.Exec(ctx, "iptables", append([]string{"-w", "-C", chain}, rule...)...)
		if err == nil {
			continue
		}
		_, err = m.cfg.Exec(ctx, "iptables", append([]string{"-w", "-I", chain}, rule...)...)
		if err != nil {
			return fmt.Errorf("accept forwarding: %w", err)
		}
	}
	return nil
}

// removeRules removes the table and our rules wherever they stand.
func (m *Manager) removeRules(ctx context.Context) error {
	for _, chain := range []string{"DOCKER-USER", "FORWARD"} {
		for _, rule := range m.forwardRules() {
			for m.has(ctx, chain, rule) {
				_, err := m.cfg.Exec(ctx, "iptables", append([]string{"-w", "-D", chain}, rule...)...)
				if err != nil {
					return fmt.Errorf("stop accepting forwarding: %w", err)
				}
			}
		}
	}
	tx := m.table.NewTransaction()
	tx.Add(&knftables.Table{})
	tx.Delete(&knftables.Table{})
	err := m.table.Run(ctx, tx)
	if err != nil {
		return fmt.Errorf("delete nftables table: %w", err)
	}
	return nil
}

func (m *Manager) has(ctx context.Context, chain string, rule []string) bool {
	_, err := m.cfg.Exec(ctx, "iptables", append([]string{"-w", "-C", chain}, rule...)...)
	return err == nil
}
