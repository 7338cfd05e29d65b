package store

import "slices"

// View is the whole state at one revision. It never changes and needs no closing.
type View struct {
	t   tables
	rev uint64
	tip *commit
}

// Tx is a View that can be written. It is valid inside its closure only.
type Tx struct {
	t       tables
	owned   uint64 // one bit a table: nobody else reads its trees, so a write may change them in place
	changes []Change
}

func (tx *Tx) record(table, key string, old, now any) {
	tx.changes = append(tx.changes, Change{Table: table, Key: key, Old: old, New: now})
}

// undo takes back what a closure wrote before it failed: the trees may be those of Updates before it.
func (tx *Tx) undo() {
	if len(tx.changes) == 0 {
		return
	}
	for _, x := range all() {
		for _, c := range slices.Backward(tx.changes) {
			if c.Table == x.label() {
				x.restore(tx, c.Key, c.Old)
			}
		}
	}
	tx.changes = nil
}

// View is what the transaction sees now, for code that only reads.
func (tx *Tx) View() View {
	tx.owned = 0 // the next write leaves these trees alone
	return View{t: tx.t}
}
