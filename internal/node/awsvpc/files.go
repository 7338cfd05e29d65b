package awsvpc

import (
	"errors"
	"fmt"
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
	if len(r.DNS) > 0 {
		files["etc/resolv.conf"] = resolvFile(r.DNS)
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

func resolvFile(servers []string) string {
	var b strings.Builder
	for _, s := range servers {
		b.WriteString("nameserver " + s + "\n")
	}
	return b.String()
}
