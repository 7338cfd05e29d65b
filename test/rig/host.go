//go:build e2e

package rig

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// installation is what the data directory says of itself; only the tests' searches read it.
type installation struct{ ID string }

func (d *Daemon) installation() installation {
	var i installation
	b, err := os.ReadFile(filepath.Join(d.Dir, "installation.json"))
	if err == nil {
		err = json.Unmarshal(b, &i)
	}
	if err != nil || i.ID == "" {
		d.T.Fatalf("read the installation of %s: %v", d.Dir, err)
	}
	return i
}

// Ours is the label on every container and volume of this installation.
func (d *Daemon) Ours() string { return "longshore.installation=" + d.ID }

// SearchHost fails the test for every container, volume, link, table or rule that still bears the installation's id.
func (d *Daemon) SearchHost(ctx context.Context) {
	found, err := d.Engine.Containers(ctx, d.Ours())
	if err != nil {
		d.T.Errorf("search for containers: %v", err)
	}
	for _, c := range found {
		d.T.Errorf("longshore down left container %s %v", c.ID[:12], c.Names)
		_ = d.Engine.Remove(ctx, c.ID)
	}
	volumes, err := d.Engine.Volumes(ctx, d.Ours())
	if err != nil {
		d.T.Errorf("search for volumes: %v", err)
	}
	for _, v := range volumes {
		d.T.Errorf("longshore down left volume %s", v)
	}
	if os.Geteuid() != 0 {
		return
	}
	for _, link := range d.Links() {
		d.T.Errorf("longshore down left link %s", link)
	}
	for _, search := range [][]string{
		{"nft", "list", "tables"}, {"iptables-save"}, {"ip", "-details", "link"}, {"ip", "netns"},
	} {
		out, err := exec.CommandContext(ctx, search[0], search[1:]...).CombinedOutput()
		if err != nil {
			d.T.Errorf("%s: %v\n%s", strings.Join(search, " "), err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, d.ID) || strings.Contains(line, "longshore_"+d.LinkPrefix()[2:]) {
				d.T.Errorf("longshore down left, says %s: %s", search[0], line)
			}
		}
	}
}

// Links whose alias names this installation.
func (d *Daemon) Links() []string {
	all, err := net.Interfaces()
	if err != nil {
		d.T.Fatal(err)
	}
	var out []string
	for _, l := range all {
		if strings.HasPrefix(l.Name, d.LinkPrefix()) {
			out = append(out, l.Name)
		}
	}
	return out
}

// LinkPrefix begins the names of this installation's links and, after "longshore_", of its nftables table.
func (d *Daemon) LinkPrefix() string {
	sum := sha256.Sum256([]byte(d.ID))
	return "ls" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:5]
}
