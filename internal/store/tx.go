package store

// View is the whole state at one revision. It never changes and needs no closing.
type View struct {
	t   tables
	rev uint64
	tip *commit
}

// Tx is a View that can be written. It is valid inside its closure only.
type Tx struct {
	t       tables
	owned   uint64 // one bit a table: its trees are this transaction's own
	ops     []Op
	changes []Change
	err     error
}

func (tx *Tx) record(table, key string, value []byte, old, now any) {
	tx.ops = append(tx.ops, Op{Table: table, Key: key, Value: value})
	tx.changes = append(tx.changes, Change{Table: table, Key: key, Old: old, New: now})
}

func (tx *Tx) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

// View is what the transaction sees now, for code that only reads.
func (tx *Tx) View() View {
	tx.owned = 0 // the next write leaves these trees alone
	return View{t: tx.t}
}
