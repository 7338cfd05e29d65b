package awsvpc

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// tablePrefix begins the names of all installations' tables.
const tablePrefix = "longshore_"

// staleRule is a redirection to a port on which nobody listens.
type staleRule struct{ chain, handle string }

// dropStale deletes what installations that have ended without a teardown still redirect: a container that is given
// the address of one of theirs would be refused by a port that nobody serves, and an older table comes first.
//
// An installation listens before it writes its rules, so a rule without a listener is nobody's any more. Rules go by
// handle: what an installation writes anew in between has another.
func (m *Manager) dropStale(ctx context.Context) error {
	out, err := m.cfg.Exec(ctx, "nft", "list", "tables", "ip")
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		name := strings.TrimPrefix(strings.TrimSpace(line), "table ip ")
		if !strings.HasPrefix(name, tablePrefix) || name == m.names.table {
			continue
		}
		listed, err := m.cfg.Exec(ctx, "nft", "-a", "list", "table", "ip", name)
		if err != nil {
			continue // torn down meanwhile
		}
		// Asked for after the rules, so that the listener of every rule that is in force is seen.
		ports, err := m.listeners()
		if err != nil {
			return err
		}
		for _, r := range staleRules(string(listed), ports) {
			_, err = m.cfg.Exec(ctx, "nft", "delete", "rule", "ip", name, r.chain, "handle", r.handle)
			if err == nil {
				m.cfg.Log.Info("dropped a redirection that an ended installation left", "op", "awsvpc")
			}
		}
	}
	return nil
}

// staleRules finds the redirections of a listed table whose port is not listened on.
func staleRules(listed string, ports map[uint16]bool) []staleRule {
	chains := regexp.MustCompile(`^\s*chain (\S+) \{`)
	rules := regexp.MustCompile(`dnat to ` + regexp.QuoteMeta(MetadataAddress) + `:(\d+) # handle (\d+)`)
	var out []staleRule
	chain := ""
	for line := range strings.Lines(listed) {
		found := chains.FindStringSubmatch(line)
		if found != nil {
			chain = found[1]
		}
		found = rules.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		port, err := strconv.ParseUint(found[1], 10, 16)
		if err == nil && !ports[uint16(port)] {
			out = append(out, staleRule{chain: chain, handle: found[2]})
		}
	}
	return out
}
