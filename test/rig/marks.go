//go:build e2e

package rig

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Quiet expects no container, link, volume or cgroup of a task.
func (d *Daemon) Quiet() {
	d.T.Helper()
	Eventually(d.T, 90*time.Second, "nothing of any task", func(ctx context.Context) error {
		found, err := d.Engine.Containers(ctx, d.Ours())
		if err != nil {
			return err
		}
		for _, c := range found {
			if c.Task() != "" {
				return fmt.Errorf("container %v of %s is %s", c.Names, c.Task(), c.State)
			}
		}
		volumes, err := d.Engine.Volumes(ctx, d.Ours())
		if err != nil || len(volumes) > 0 {
			return fmt.Errorf("volumes %v, %v", volumes, err)
		}
		if groups := d.Cgroups(); len(groups) > 0 {
			return fmt.Errorf("control groups %v", groups)
		}
		return d.furniture(ctx, 0)
	})
}

// Descriptors that the daemon has open, by what they are.
func (d *Daemon) Descriptors() []string {
	d.T.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(d.Cmd.Process.Pid), "fd")
	open, err := os.ReadDir(dir)
	if err != nil {
		d.T.Fatal(err)
	}
	var out []string
	for _, f := range open {
		to, err := os.Readlink(filepath.Join(dir, f.Name()))
		if err == nil {
			out = append(out, to)
		}
	}
	slices.Sort(out)
	return out
}

// Cgroups of tasks of this installation.
func (d *Daemon) Cgroups() []string {
	var out []string
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.Contains(filepath.Dir(path), d.ID) {
			out = append(out, path)
		}
		return nil // what goes away while we look is no matter
	})
	return out
}

// Footprint is what of this host belongs to the installation, apart from the containers: "" is nothing.
func (d *Daemon) Footprint() string {
	d.T.Helper()
	var out []string
	volumes, err := d.Engine.Volumes(d.T.Context(), d.Ours())
	if err != nil {
		d.T.Fatal(err)
	}
	for range volumes {
		out = append(out, "volume")
	}
	for _, l := range d.Links() {
		out = append(out, "link "+l)
	}
	for _, search := range [][]string{{"nft", "list", "tables"}, {"iptables-save"}, {"ip", "route"}} {
		said, err := exec.CommandContext(d.T.Context(), search[0], search[1:]...).Output()
		if err != nil {
			d.T.Fatalf("%s: %v", strings.Join(search, " "), err)
		}
		for line := range strings.Lines(string(said)) {
			if strings.Contains(line, d.ID) || strings.Contains(line, d.LinkPrefix()[2:]) {
				out = append(out, search[0]+" "+strings.TrimSpace(line))
			}
		}
	}
	claims, _ := filepath.Glob("/run/longshore/networks/*")
	for _, c := range claims {
		b, err := os.ReadFile(c)
		if err == nil && strings.Contains(string(b), d.ID) {
			out = append(out, "claim "+filepath.Base(c))
		}
	}
	return strings.Join(out, "\n")
}

// Marks is what an installation has of its host: the same marks, nothing leaked. Containers and what is under way are
// Quiet's matter.
type Marks struct {
	Descriptors []string // that the daemon has open, without connections and the files that hold records
	Connections int      // sockets: they come and go with calls
	Namespaces  int      // of networks, that containers are in
	Footprint   string   // volumes, links, rules, routes and claims
}

// Same says what is different now, connections aside.
func (m Marks) Same(before Marks) error {
	switch {
	case !slices.Equal(m.Descriptors, before.Descriptors):
		return fmt.Errorf("open are %v, it was %v", m.Descriptors, before.Descriptors)
	case m.Namespaces != before.Namespaces:
		return fmt.Errorf("%d namespaces are there, it was %d", m.Namespaces, before.Namespaces)
	case m.Footprint != before.Footprint:
		return fmt.Errorf("the host has:\n%s\nit had:\n%s", m.Footprint, before.Footprint)
	}
	return nil
}

// Marks reads what there is now.
func (d *Daemon) Marks() Marks {
	d.T.Helper()
	m := Marks{Footprint: d.Footprint()}
	for _, f := range d.Descriptors() {
		switch {
		case strings.HasPrefix(f, "socket:"):
			m.Connections++
		case strings.HasPrefix(f, d.Dir): // as many as there are records and logs
		default:
			m.Descriptors = append(m.Descriptors, kind(f))
		}
	}
	namespaces, err := d.namespaces()
	if err != nil {
		d.T.Fatal(err)
	}
	m.Namespaces = namespaces
	return m
}

// kind of a descriptor: the number of a pipe says nothing.
func kind(f string) string {
	what, _, numbered := strings.Cut(f, ":[")
	if numbered {
		return what
	}
	return f
}

func (d *Daemon) namespaces() (int, error) {
	found, err := d.Engine.Containers(d.T.Context(), d.Ours())
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, c := range found {
		about, err := d.Engine.Inspect(d.T.Context(), c.ID)
		if err != nil {
			continue // it has gone since
		}
		ns, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(about.State.Pid), "ns", "net"))
		if err == nil {
			seen[ns] = true
		}
	}
	return len(seen), nil
}

// Goroutines counts those of the daemon by asking it for a trace, which ends it; the caller starts it again.
func (d *Daemon) Goroutines() (int, string) {
	d.T.Helper()
	before := len(d.Log.all())
	d.Signal(syscall.SIGQUIT)
	trace := string(d.Log.all()[before:])
	n := strings.Count(trace, "\ngoroutine ")
	if n == 0 {
		d.T.Fatalf("no goroutine in the trace:\n%s", d.Log)
	}
	return n, trace
}
