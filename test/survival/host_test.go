//go:build e2e

package survival

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

func (d *daemon) installation() installation {
	var i installation
	b, err := os.ReadFile(filepath.Join(d.dir, "installation.json"))
	if err == nil {
		err = json.Unmarshal(b, &i)
	}
	if err != nil || i.ID == "" {
		d.t.Fatalf("read the installation of %s: %v", d.dir, err)
	}
	return i
}

// ours is the label on every container and volume of this installation.
func (d *daemon) ours() string { return "longshore.installation=" + d.id }

// searchHost fails the test for every container, volume, link, table or rule that still bears the installation's id.
func (d *daemon) searchHost(ctx context.Context) {
	found, err := d.engine.containers(ctx, d.ours())
	if err != nil {
		d.t.Errorf("search for containers: %v", err)
	}
	for _, c := range found {
		d.t.Errorf("longshore down left container %s %v", c.ID[:12], c.Names)
		_ = d.engine.remove(ctx, c.ID)
	}
	volumes, err := d.engine.volumes(ctx, d.ours())
	if err != nil {
		d.t.Errorf("search for volumes: %v", err)
	}
	for _, v := range volumes {
		d.t.Errorf("longshore down left volume %s", v)
	}
	if os.Geteuid() != 0 {
		return
	}
	for _, link := range d.links() {
		d.t.Errorf("longshore down left link %s", link)
	}
	for _, search := range [][]string{
		{"nft", "list", "tables"}, {"iptables-save"}, {"ip", "-details", "link"}, {"ip", "netns"},
	} {
		out, err := exec.CommandContext(ctx, search[0], search[1:]...).CombinedOutput()
		if err != nil {
			d.t.Errorf("%s: %v\n%s", strings.Join(search, " "), err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, d.id) || strings.Contains(line, "longshore_"+d.linkPrefix()[2:]) {
				d.t.Errorf("longshore down left, says %s: %s", search[0], line)
			}
		}
	}
}

// links whose alias names this installation.
func (d *daemon) links() []string {
	all, err := net.Interfaces()
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, l := range all {
		if strings.HasPrefix(l.Name, d.linkPrefix()) {
			out = append(out, l.Name)
		}
	}
	return out
}

// linkPrefix begins the names of this installation's links and, after "longshore_", of its nftables table.
func (d *daemon) linkPrefix() string {
	sum := sha256.Sum256([]byte(d.id))
	return "ls" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:5]
}
