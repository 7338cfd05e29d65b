package daemon

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// claimsDir holds one file for every address range that an installation of this host has taken. It does not
// outlive a reboot, and need not: the routes it speaks of do not either, and every start claims again.
const claimsDir = "/run/longshore/networks"

// claim is who took a range. A data directory that is gone has no claims.
type claim struct {
	Installation string `json:"installation"`
	DataDir      string `json:"dataDir"`
}

// claimNetwork takes an address range for this installation, or says that another of this host has it. Who may
// not write the directory is not root, and has no real addresses to quarrel about.
func (d *Daemon) claimNetwork(p netip.Prefix) bool {
	_ = os.MkdirAll(claimsDir, 0o755) // if it is missing, so is the file below
	mine, err := os.CreateTemp(claimsDir, ".claim.*")
	if err != nil {
		return true
	}
	defer os.Remove(mine.Name())
	err = errors.Join(json.NewEncoder(mine).Encode(claim{d.owner(), d.DataDir}), mine.Close())
	if err != nil {
		return false
	}
	path := filepath.Join(claimsDir, strings.ReplaceAll(p.String(), "/", "_"))
	for range 2 {
		// A link is there whole or not at all: nobody reads half a claim and takes it for a stale one.
		err = os.Link(mine.Name(), path)
		if err == nil {
			return true
		}
		var c claim
		b, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(b, &c) == nil && c.Installation == d.owner() {
			return true
		}
		_, err = os.Stat(c.DataDir)
		if c.DataDir != "" && !os.IsNotExist(err) {
			return false
		}
		_ = os.Remove(path) // stale; whoever makes it anew first has it
	}
	return false
}

// owner of address ranges: this server, or all that share its records.
func (d *Daemon) owner() string {
	if d.etcd == nil {
		return d.ID
	}
	return d.AccessKeyID
}

// claimKnownNetworks renews the claims of the ranges that the records hold.
func (d *Daemon) claimKnownNetworks() {
	for vpc := range d.store.View().VPCs().All() {
		if !d.claimNetwork(vpc.CIDR) {
			d.Log.Warn("another installation of this host uses the same addresses", "op", vpc.CIDR.String())
		}
	}
}

// releaseNetworks gives back every claim of an installation.
func releaseNetworks(installation string) {
	entries, _ := os.ReadDir(claimsDir) // nothing there, nothing to release
	for _, e := range entries {
		var c claim
		path := filepath.Join(claimsDir, e.Name())
		b, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(b, &c) == nil && c.Installation == installation {
			_ = os.Remove(path) // a claim that stays ends with its data directory
		}
	}
}
