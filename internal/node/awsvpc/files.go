package awsvpc

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// writeFiles fills the three files that Docker made for the pause container and that every container joining
// it shares. They are reached through the process's root, opened without following links out of it; that the
// process lives after the root was opened proves that it is the right one.
func (m *Manager) writeFiles(q *pause, r Request) error {
	root, err := os.OpenRoot(m.procPath(q.PID, "root"))
	if err != nil {
		return fmt.Errorf("open pause container's files: %w", err)
	}
	defer root.Close()
	if !q.alive() {
		return errors.New("pause container has exited")
	}
	kernelName, err := root.ReadFile("etc/hostname")
	if err != nil {
		return fmt.Errorf("read host name: %w", err)
	}
	files := map[string]string{"etc/hosts": hostsFile(r, strings.TrimSpace(string(kernelName)))}
	if r.Hostname != "" {
		files["etc/hostname"] = r.Hostname + "\n"
	}
	files["etc/resolv.conf"], err = m.resolvFile(root, r.DNS)
	if err != nil {
		return fmt.Errorf("choose name servers: %w", err)
	}
	if len(r.Search) > 0 {
		files["etc/resolv.conf"] += "search " + strings.Join(r.Search, " ") + "\n" // the last line of its kind counts
	}
	for name, text := range files {
		err = overwrite(root, name, text)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// overwrite keeps the file itself, because it is a mount point.
func overwrite(root *os.Root, name, text string) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// hostsFile names the task's address by its AWS name, that name's first label, and the containers' kernel
// host name, so that what `hostname` prints resolves.
func hostsFile(r Request, kernelName string) string {
	names := []string{}
	seen := map[string]bool{"": true}
	short, _, _ := strings.Cut(r.Hostname, ".")
	for _, n := range []string{r.Hostname, short, kernelName} {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	text := "127.0.0.1\tlocalhost\n"
	if len(names) > 0 {
		text += r.Address.String() + "\t" + strings.Join(names, " ") + "\n"
	}
	return text
}

// resolvFile names the given servers, or else the host's. A server on the host's loopback interface, as
// systemd-resolved has it, is out of a task's reach: the servers behind it take its place.
func (m *Manager) resolvFile(root *os.Root, servers []string) (string, error) {
	var b strings.Builder
	for _, s := range servers {
		b.WriteString("nameserver " + s + "\n")
	}
	if b.Len() > 0 {
		return b.String(), nil
	}
	hosts, err := root.ReadFile("etc/resolv.conf")
	if err != nil {
		return "", err
	}
	text, some := reachable(string(hosts))
	if some {
		return text, nil
	}
	behind, err := os.ReadFile(m.cfg.Resolv)
	if errors.Is(err, os.ErrNotExist) {
		return text, nil // there is no better one; names do not resolve, as on the host without its own server
	}
	if err != nil {
		return "", err
	}
	text, _ = reachable(string(behind))
	return text, nil
}

// reachable drops comments and loopback servers, and says whether a server is left.
func reachable(resolv string) (string, bool) {
	var b strings.Builder
	some := false
	for line := range strings.Lines(resolv) {
		f := strings.Fields(line)
		if len(f) < 2 || strings.HasPrefix(f[0], "#") || strings.HasPrefix(f[0], ";") {
			continue
		}
		if f[0] == "nameserver" {
			addr, err := netip.ParseAddr(f[1])
			if err != nil || addr.IsLoopback() {
				continue
			}
			some = true
		}
		b.WriteString(strings.Join(f, " ") + "\n")
	}
	return b.String(), some
}
