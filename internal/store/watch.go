package store

import "context"

// Change is one record written by one commit. Old is nil for a new record, New for a deleted one; both are
// pointers to state's types. A change is a hint: who acts on it reads the record again.
type Change struct {
	Table, Key string
	Old, New   any
}

// commit is a link of the chain of commits. Watchers walk the chain, so a slow one misses nothing and
// blocks nobody; links that nobody will read any more are garbage.
type commit struct {
	rev     uint64
	changes []Change
	prev    *commit // until announced
	next    *commit
	ready   chan struct{} // closed when next is set
}

func newTip(rev uint64) *commit { return &commit{rev: rev, ready: make(chan struct{})} }

func (c *commit) extend(rev uint64, changes []Change) *commit {
	return &commit{rev: rev, changes: changes, prev: c, ready: make(chan struct{})}
}

// announce links the commit behind its predecessor, after the view that shows it was published.
func (c *commit) announce() {
	p := c.prev
	c.prev = nil
	p.next = c
	close(p.ready)
}

// Watcher yields every commit after the view that it was made from, in order, without a gap.
type Watcher struct{ at *commit }

// Watch starts right behind v: scan v, then follow the watcher, and nothing is missed.
func (v View) Watch() *Watcher { return &Watcher{at: v.tip} }

// Next waits for the next commit and gives its changes and revision. By then View shows it.
func (w *Watcher) Next(ctx context.Context) ([]Change, uint64, error) {
	select {
	case <-w.at.ready:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	w.at = w.at.next
	return w.at.changes, w.at.rev, nil
}
