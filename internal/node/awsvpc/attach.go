package awsvpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Attach gives the task its namespace, address and files. It is idempotent by task: a second call, also by a
// later process, finds the first one's work. An address that changed, or a pause container that died, is
// replaced.
func (m *Manager) Attach(ctx context.Context, r Request) (Attached, error) {
	err := r.validate()
	if err != nil {
		return Attached{}, fmt.Errorf("attach task %s: %w", r.TaskID, err)
	}
	unlock, err := m.lock(ctx, r.TaskID)
	if err != nil {
		return Attached{}, err
	}
	defer unlock()
	a, err := m.attach(ctx, r)
	if errors.Is(err, ErrAddressTaken) && m.evict(ctx, r) {
		a, err = m.attach(ctx, r)
	}
	if err != nil {
		return Attached{}, fmt.Errorf("attach task %s: %w", r.TaskID, err)
	}
	m.mu.Lock()
	m.tasks[r.TaskID] = true
	m.mu.Unlock()
	return a, nil
}

// evict detaches a task that holds the address since an earlier process and that nobody has asked for in this one;
// it says whether there was one. A control plane that crashed before its record was durable has forgotten such a
// task, and gives the address to another before the next Sweep.
func (m *Manager) evict(ctx context.Context, r Request) bool {
	links, err := m.ourLinks()
	if err != nil {
		return false
	}
	for _, l := range links {
		id := l.record.TaskID
		m.mu.Lock()
		asked := m.tasks[id]
		m.mu.Unlock()
		if l.record.Address != r.Address || id == "" || id == r.TaskID || asked {
			continue
		}
		m.cfg.Log.Warn("taking an address from a task that lost it", "task", id, "op", "attach")
		return m.Detach(ctx, id) == nil
	}
	return false
}

func (r Request) validate() error {
	switch {
	case r.TaskID == "" || len(r.TaskID) > 64 || strings.ContainsAny(r.TaskID, aliasSep+" \n"):
		return fmt.Errorf("task id %q is not usable", r.TaskID)
	case !r.Address.Is4():
		return fmt.Errorf("address %s is not IPv4", r.Address)
	case len(r.MAC) != 6 || r.MAC[0]&1 != 0:
		return fmt.Errorf("MAC %q is not a unicast Ethernet address", r.MAC)
	case !r.SubnetCIDR.Contains(r.Address) || Reserved(r.SubnetCIDR, r.Address):
		return fmt.Errorf("address %s is not for use in subnet %s", r.Address, r.SubnetCIDR)
	case r.VPCCIDR.IsValid() && !r.VPCCIDR.Contains(r.SubnetCIDR.Addr()):
		return fmt.Errorf("subnet %s is not in VPC %s", r.SubnetCIDR, r.VPCCIDR)
	}
	return nil
}

func (m *Manager) attach(ctx context.Context, r Request) (Attached, error) {
	err := m.prepare(ctx)
	if err != nil {
		return Attached{}, err
	}
	vpc := r.VPCCIDR
	if !vpc.IsValid() {
		vpc = r.SubnetCIDR
	}
	err = m.knowVPC(ctx, vpc)
	if err != nil {
		return Attached{}, err
	}
	there, err := m.findLink(r.TaskID)
	if err != nil {
		return Attached{}, err
	}
	if there != nil {
		a, ok := m.readopt(there, r)
		if ok {
			return a, nil
		}
		err = m.detach(ctx, there)
		if err != nil {
			return Attached{}, err
		}
	}
	for q := m.pool.take(); q != nil; q = m.pool.take() {
		if q.alive() {
			return m.fit(q, r)
		}
		err = m.discard(ctx, q.ID)
		if err != nil {
			m.cfg.Log.Warn("dead pause container stays", "op", "attach", "err", err)
		}
	}
	q, err := m.start(ctx, r.Labels)
	if err != nil {
		return Attached{}, err
	}
	return m.fit(q, r)
}

// readopt accepts a link when it leads to a pause container that lives and the address is still the same.
func (m *Manager) readopt(l *ourLink, r Request) (Attached, bool) {
	m.mu.Lock()
	q := m.pauses[l.record.PauseID]
	m.mu.Unlock()
	if q == nil || !q.alive() || l.record.Address != r.Address {
		return Attached{}, false
	}
	return Attached{PauseID: q.ID, PausePID: q.PID, Link: l.link.Attrs().Name, Adopted: true}, true
}

// fit makes the namespace the task's. What fails half-way is removed whole.
func (m *Manager) fit(q *pause, r Request) (Attached, error) {
	err := m.writeFiles(q, r)
	if err == nil {
		err = m.wire(q, r)
	}
	if err != nil {
		return Attached{}, errors.Join(err, m.removeContainer(q.ID))
	}
	err = q.closeNamespace()
	if err != nil {
		return Attached{}, err
	}
	return Attached{PauseID: q.ID, PausePID: q.PID, Link: m.names.link(r.TaskID)}, nil
}

// Detach takes the task's link, route, address and pause container away; all are gone when it returns.
// The task's containers are the caller's to stop first. It is idempotent.
func (m *Manager) Detach(ctx context.Context, taskID string) error {
	unlock, err := m.lock(ctx, taskID)
	if err != nil {
		return err
	}
	defer unlock()
	err = m.prepare(ctx)
	if err != nil {
		return fmt.Errorf("detach task %s: %w", taskID, err)
	}
	l, err := m.findLink(taskID)
	if err == nil && l != nil {
		err = m.detach(ctx, l)
	}
	if err != nil {
		return fmt.Errorf("detach task %s: %w", taskID, err)
	}
	m.mu.Lock()
	delete(m.tasks, taskID)
	m.mu.Unlock()
	return nil
}

// detach removes the pause container first: should that fail, the link still remembers it.
func (m *Manager) detach(ctx context.Context, l *ourLink) error {
	if l.record.PauseID != "" {
		err := m.discard(ctx, l.record.PauseID)
		if err != nil {
			return err
		}
	}
	return m.unwire(l)
}
