package awsvpc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// rulesEvery is how often Run writes the rules again: a firewall reload may have swept them away.
const rulesEvery = 30 * time.Second

// Run keeps the pool filled and the rules in place until ctx ends. It returns ErrUnavailable at once where
// awsvpc cannot work; any other trouble is logged and tried again.
func (m *Manager) Run(ctx context.Context) error {
	err := m.retry(ctx, func() error { return m.prepare(ctx) })
	if err != nil {
		return err
	}
	err = m.removeOrphans(ctx)
	if err != nil {
		m.cfg.Log.Warn("orphaned pause containers stay", "op", "awsvpc", "err", err)
	}
	upkeep := time.NewTicker(rulesEvery)
	defer upkeep.Stop()
	for ctx.Err() == nil {
		wait := m.tend(ctx)
		timer := time.NewTimer(wait)
		if wait == 0 {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
		case <-m.pool.kick:
		case <-timer.C:
		case <-upkeep.C:
			m.upkeep(ctx)
		}
		timer.Stop()
	}
	return ctx.Err()
}

// retry runs f until it succeeds, ctx ends or there is no hope.
func (m *Manager) retry(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil || errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		m.cfg.Log.Warn("awsvpc is not ready, trying again", "op", "awsvpc", "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
		}
	}
}

// tend brings the pool to its target and says when to look again; 0 means when something happens.
func (m *Manager) tend(ctx context.Context) time.Duration {
	for {
		step, wait, extra := m.pool.next()
		var err error
		switch step {
		case stepWait:
			return wait
		case stepDrop:
			err = m.discard(ctx, extra.ID)
		case stepMake:
			var q *pause
			q, err = m.start(ctx, nil)
			if err == nil {
				m.pool.put(q)
			}
		}
		if ctx.Err() != nil {
			return 0
		}
		if err != nil {
			m.cfg.Log.Warn("cannot keep namespaces ready", "op", "awsvpc", "err", err)
			return time.Second
		}
	}
}

func (m *Manager) upkeep(ctx context.Context) {
	for _, q := range m.pool.prune() {
		err := m.discard(ctx, q.ID)
		if err != nil {
			m.cfg.Log.Warn("dead pause container stays", "op", "awsvpc", "err", err)
		}
	}
	err := m.ensureRules(ctx)
	if err != nil && ctx.Err() == nil {
		m.cfg.Log.Warn("cannot renew network rules", "op", "awsvpc", "err", err)
	}
	err = m.keepMetadata(ctx)
	if err != nil && ctx.Err() == nil {
		m.cfg.Log.Warn("tasks may not reach their metadata", "op", "awsvpc", "err", err)
	}
}

// keepMetadata mends what other installations do to the way to our listener: one that is killed leaves its rules,
// and one that is torn down may take the address with it.
func (m *Manager) keepMetadata(ctx context.Context) error {
	m.mu.Lock()
	serves := m.serves
	m.mu.Unlock()
	if !serves {
		return nil
	}
	return errors.Join(m.addAddress(), m.dropStale(ctx))
}

// Sweep removes every link and pause container of this installation that belongs to no live task, except the
// pool. Tasks with a call in progress are waited for, and live is asked only then.
func (m *Manager) Sweep(ctx context.Context, live func(taskID string) bool) error {
	err := m.prepare(ctx)
	if err != nil {
		return fmt.Errorf("sweep namespaces: %w", err)
	}
	links, err := m.ourLinks()
	if err != nil {
		return err
	}
	var failed []error
	for _, l := range links {
		id := l.record.TaskID
		if id == "" {
			continue // being attached right now, or found by the task's next Attach or by Teardown
		}
		if live(id) {
			continue
		}
		unlock, err := m.lock(ctx, id)
		if err != nil {
			return err
		}
		still, err := m.findLink(id)
		if err == nil && still != nil && !live(id) {
			err = m.detach(ctx, still)
		}
		unlock()
		failed = append(failed, err)
	}
	failed = append(failed, m.removeOrphans(ctx))
	return errors.Join(failed...)
}

// removeOrphans removes pause containers that neither a link nor this process answers for.
func (m *Manager) removeOrphans(ctx context.Context) error {
	found, err := m.cfg.Engine.ListPauses(ctx, map[string]string{OwnerLabel: m.cfg.Installation})
	if err != nil {
		return fmt.Errorf("list pause containers: %w", err)
	}
	links, err := m.ourLinks()
	if err != nil {
		return err
	}
	claimed := map[string]bool{}
	for _, l := range links {
		claimed[l.record.PauseID] = true
	}
	var failed []error
	for _, p := range found {
		m.mu.Lock()
		q := m.pauses[p.ID]
		claimed[p.ID] = claimed[p.ID] || m.making[p.Name] || (q != nil && q.alive())
		m.mu.Unlock()
		if !claimed[p.ID] {
			failed = append(failed, m.discard(ctx, p.ID))
		}
	}
	return errors.Join(failed...)
}

// Teardown removes everything of this installation: links, pause containers, rules, and 169.254.170.2 when
// nobody else serves it. Run and the metadata listener must have ended.
func (m *Manager) Teardown(ctx context.Context) error {
	if !m.cfg.Root {
		return nil
	}
	m.pool.drain()
	m.hostMu.Lock()
	defer m.hostMu.Unlock()
	err := m.openHost(ctx)
	if err != nil {
		return fmt.Errorf("tear down awsvpc: %w", err)
	}
	links, err := m.ourLinks()
	if err != nil {
		return err
	}
	var failed []error
	for _, l := range links {
		failed = append(failed, m.unwire(&l))
	}
	found, err := m.cfg.Engine.ListPauses(ctx, map[string]string{OwnerLabel: m.cfg.Installation})
	failed = append(failed, err)
	for _, p := range found {
		failed = append(failed, m.discard(ctx, p.ID))
	}
	failed = append(failed, m.removeRules(ctx), m.removeAddress())
	m.ready, m.ruled = false, false
	return errors.Join(failed...)
}
