package awsvpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pause is a pause container that runs. Its process is held by pidfd and its namespace by descriptor, so that
// a process number that the kernel hands out again can never lead us into somebody else's namespace.
type pause struct {
	Pause
	proc *os.Process
	ns   *os.File // nil once a task has it: a descriptor would keep a dead task's namespace alive
}

// open takes hold of a pause container's process and, once the process has left the host's, of its namespace.
func (m *Manager) open(ctx context.Context, p Pause) (*pause, error) {
	proc, err := os.FindProcess(p.PID)
	if err != nil {
		return nil, fmt.Errorf("find pause process: %w", err)
	}
	q := &pause{Pause: p, proc: proc}
	q.ns, err = m.openNamespace(ctx, p.PID)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open namespace of %s: %w", p.Name, err), q.close())
	}
	if !q.alive() {
		return nil, errors.Join(fmt.Errorf("pause container %s has exited", p.Name), q.close())
	}
	return q, nil
}

// leaveWait is how long a pause program may take for its first system call.
const leaveWait = 2 * time.Second

// errStays says that the program did not leave, because a security module forbids it.
var errStays = errors.New("the pause program has not left the host's namespace")

func (m *Manager) openNamespace(ctx context.Context, pid int) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, leaveWait)
	defer cancel()
	for {
		ns, err := os.Open(m.procPath(pid, "ns/net"))
		if err != nil {
			return nil, err
		}
		info, err := ns.Stat()
		if err == nil && !os.SameFile(info, m.hostNS) {
			return ns, nil
		}
		err = errors.Join(err, ns.Close())
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, errStays
		case <-time.After(time.Millisecond):
		}
	}
}

func (p *pause) alive() bool { return p.proc.Signal(syscall.Signal(0)) == nil }

func (p *pause) closeNamespace() error {
	if p.ns == nil {
		return nil
	}
	ns := p.ns
	p.ns = nil
	return ns.Close()
}

func (p *pause) close() error {
	return errors.Join(p.closeNamespace(), p.proc.Release())
}

func (m *Manager) procPath(pid int, rest string) string {
	return filepath.Join(m.cfg.Proc, strconv.Itoa(pid), rest)
}

// start makes a pause container. Where the fast way turns out to be forbidden, it is not tried again.
func (m *Manager) start(ctx context.Context, labels map[string]string) (*pause, error) {
	m.mu.Lock()
	leaves := !m.stays
	m.mu.Unlock()
	q, err := m.startOne(ctx, labels, leaves)
	if leaves && errors.Is(err, errStays) && ctx.Err() == nil {
		m.cfg.Log.Info("pause programs may not leave the host's namespace here; Docker makes theirs", "op", "awsvpc")
		m.mu.Lock()
		m.stays = true
		m.mu.Unlock()
		q, err = m.startOne(ctx, labels, false)
	}
	return q, err
}

func (m *Manager) startOne(ctx context.Context, labels map[string]string, leaves bool) (*pause, error) {
	id := m.cfg.NewID()
	spec := PauseSpec{
		Name:     "longshore-pause-" + m.names.prefix[2:] + "-" + id,
		Image:    m.image.ref,
		Labels:   m.labels(labels),
		Hostname: "ip-" + id[:8],
		Leaves:   leaves,
	}
	// Answered for from before it exists, so that no sweep takes it for an orphan.
	m.mu.Lock()
	m.making[spec.Name] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.making, spec.Name)
		m.mu.Unlock()
	}()
	cid, pid, err := m.cfg.Engine.StartPause(ctx, spec)
	if err != nil && ctx.Err() == nil {
		// An image prune may have taken our image meanwhile.
		imageErr := m.image.ensure(ctx, m.cfg.Engine)
		if imageErr != nil {
			return nil, errors.Join(err, imageErr)
		}
		cid, pid, err = m.cfg.Engine.StartPause(ctx, spec)
	}
	if err != nil {
		return nil, fmt.Errorf("start pause container: %w", err)
	}
	q, err := m.open(ctx, Pause{ID: cid, Name: spec.Name, PID: pid, Labels: spec.Labels})
	if err != nil {
		return nil, errors.Join(err, m.removeContainer(cid))
	}
	err = m.furnish(q)
	if err != nil {
		return nil, errors.Join(err, q.close(), m.removeContainer(cid))
	}
	m.mu.Lock()
	m.pauses[cid] = q
	m.mu.Unlock()
	return q, nil
}

func (m *Manager) labels(more map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, more)
	maps.Copy(all, m.cfg.Labels)
	all[OwnerLabel] = m.cfg.Installation
	return all
}

// discard removes a pause container and forgets it.
func (m *Manager) discard(ctx context.Context, id string) error {
	m.mu.Lock()
	q := m.pauses[id]
	m.mu.Unlock()
	err := m.cfg.Engine.RemovePause(ctx, id)
	if err != nil {
		return fmt.Errorf("remove pause container %s: %w", id, err)
	}
	m.mu.Lock()
	delete(m.pauses, id)
	m.mu.Unlock()
	if q == nil {
		return nil
	}
	return q.close()
}

// removeContainer undoes a start that failed half-way, also when the caller has already given up.
func (m *Manager) removeContainer(id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return m.discard(ctx, id)
}

// adopt takes over what an earlier process of this installation left: pause containers of tasks are known
// again, those that wait go back to the pool. A waiting one must be alone in its namespace and unwired.
func (m *Manager) adopt(ctx context.Context) error {
	found, err := m.cfg.Engine.ListPauses(ctx, map[string]string{OwnerLabel: m.cfg.Installation})
	if err != nil {
		return fmt.Errorf("list pause containers: %w", err)
	}
	links, err := m.ourLinks()
	if err != nil {
		return err
	}
	attached := map[string]bool{}
	for _, l := range links {
		attached[l.record.PauseID] = true
	}
	users, err := m.namespaceUsers()
	if err != nil {
		return err
	}
	for _, p := range found {
		m.mu.Lock()
		known := m.pauses[p.ID] != nil
		m.mu.Unlock()
		if known || p.PID == 0 {
			continue
		}
		alone := users[m.namespaceOf(strconv.Itoa(p.PID))] == 1
		if !attached[p.ID] && !alone {
			continue // an orphan: the sweep removes it
		}
		q, err := m.open(ctx, p)
		if err != nil {
			continue
		}
		pooled := !attached[p.ID] && !m.wired(q) && m.furnish(q) == nil
		if attached[p.ID] {
			err = q.closeNamespace()
		}
		if err != nil || (!attached[p.ID] && !pooled) {
			err = q.close()
			if err != nil {
				return err
			}
			continue
		}
		m.mu.Lock()
		m.pauses[p.ID] = q
		m.mu.Unlock()
		if pooled {
			m.pool.put(q)
		}
	}
	return nil
}

// namespaceUsers counts the processes in each network namespace of the machine.
func (m *Manager) namespaceUsers() (map[string]int, error) {
	entries, err := os.ReadDir(m.cfg.Proc)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	users := map[string]int{}
	for _, e := range entries {
		if strings.Trim(e.Name(), "0123456789") == "" {
			users[m.namespaceOf(e.Name())]++
		}
	}
	return users, nil
}

// namespaceOf is empty for a process that has gone.
func (m *Manager) namespaceOf(pid string) string {
	link, err := os.Readlink(filepath.Join(m.cfg.Proc, pid, "ns/net"))
	if err != nil {
		return ""
	}
	return link
}
