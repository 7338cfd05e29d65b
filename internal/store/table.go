package store

import (
	"iter"
	"strings"

	"github.com/tidwall/btree"

	"longshore/internal/store/record"
)

// schema describes one table.
type schema[T any] struct {
	name    string
	key     func(*T) string
	setKey  func(*T, string) // nil: the key is made of fields
	append  func([]byte, *T) []byte
	read    func(*record.Reader, int, *T)
	indexes []index[T]
}

// rows is one table at one revision. A published one is never changed; a writer changes its own copy, and
// the trees copy only the nodes on the way.
type rows[T any] struct {
	schema  *schema[T]
	owner   *stamp
	primary *btree.Map[string, *T]
	indexes []*btree.Map[string, *group]
}

// degree of the trees: smaller nodes are copied faster, larger ones are fewer.
const degree = 16

func newRows[T any](s *schema[T]) *rows[T] {
	r := &rows[T]{schema: s, owner: newStamp(), primary: btree.NewMap[string, *T](degree)}
	for range s.indexes {
		r.indexes = append(r.indexes, btree.NewMap[string, *group](degree))
	}
	return r
}

func (r *rows[T]) clone() *rows[T] {
	c := &rows[T]{schema: r.schema, owner: newStamp(), primary: r.primary.Copy(),
		indexes: make([]*btree.Map[string, *group], len(r.indexes))}
	for i, x := range r.indexes {
		c.indexes[i] = x.Copy()
	}
	return c
}

func (r *rows[T]) put(key string, v *T) *T {
	old, had := r.primary.Set(key, v)
	if !had {
		r.fileAll(key, v)
		return nil
	}
	for i := range r.schema.indexes {
		x := &r.schema.indexes[i]
		if x.same != nil && x.same(old, v) {
			continue
		}
		was, is := x.group(old), x.group(v)
		if was != is {
			r.unfile(i, was, key)
			r.file(i, is, key)
		}
	}
	return old
}

func (r *rows[T]) remove(key string) *T {
	old, had := r.primary.Delete(key)
	if !had {
		return nil
	}
	for i := range r.schema.indexes {
		r.unfile(i, r.schema.indexes[i].group(old), key)
	}
	return old
}

// Rows reads one table of a View or a Tx. In a Tx it sees the transaction's own writes; a range loop sees the
// table as it was when the loop began, so its body may write.
type Rows[K ~string, T any] struct {
	slot **rows[T]
	tx   *Tx // nil in a View
	bit  uint64
}

// Get finds a record by its key.
func (t Rows[K, T]) Get(key K) (*T, bool) { return (*t.slot).primary.Get(string(key)) }

// Len counts the records.
func (t Rows[K, T]) Len() int { return (*t.slot).primary.Len() }

// All yields every record in the order of keys.
func (t Rows[K, T]) All() iter.Seq[*T] { return t.ascend("", "") }

// Prefix yields the records whose key starts with prefix, in the order of keys.
func (t Rows[K, T]) Prefix(prefix string) iter.Seq[*T] { return t.ascend(prefix, prefix) }

// After yields the records behind key that start with prefix: the next page of Prefix.
func (t Rows[K, T]) After(prefix string, key K) iter.Seq[*T] {
	return t.ascend(prefix, max(prefix, string(key)+"\x00"))
}

// Backward yields the records whose key starts with prefix, last key first.
func (t Rows[K, T]) Backward(prefix string) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		r, was := t.share()
		defer t.unshare(r, was)
		r.primary.Descend(prefix+"\xff", func(k string, v *T) bool {
			return strings.HasPrefix(k, prefix) && yield(v)
		})
	}
}

func (t Rows[K, T]) ascend(prefix, from string) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		r, was := t.share()
		defer t.unshare(r, was)
		r.primary.Ascend(from, func(k string, v *T) bool { return strings.HasPrefix(k, prefix) && yield(v) })
	}
}

// share gives up a transaction's ownership of the table's trees until unshare: a write in between copies the path
// that it changes and leaves what is being read alone.
func (t Rows[K, T]) share() (r *rows[T], was uint64) {
	if t.tx != nil {
		was = t.tx.owned & t.bit
		t.tx.owned &^= t.bit
	}
	return *t.slot, was
}

func (t Rows[K, T]) unshare(r *rows[T], was uint64) {
	if t.tx != nil && *t.slot == r { // nothing was written
		t.tx.owned |= was
	}
}

// Put inserts or replaces the record under its own key. The record belongs to the store from then on.
func put[K ~string, T any](t Rows[K, T], v *T) {
	r := t.own()
	key := r.schema.key(v)
	old := r.put(key, v)
	t.tx.record(r.schema.name, key, anyOf(old), v)
}

// remove deletes the record under key; a missing one is no error.
func remove[K ~string, T any](t Rows[K, T], key K) {
	if _, ok := t.Get(key); !ok {
		return
	}
	r := t.own()
	old := r.remove(string(key))
	t.tx.record(r.schema.name, string(key), anyOf(old), nil)
}

// own gives the transaction trees of its own at the first write.
func (t Rows[K, T]) own() *rows[T] {
	if t.tx.owned&t.bit == 0 {
		t.tx.owned |= t.bit
		*t.slot = (*t.slot).clone()
	}
	return *t.slot
}

// Edit reads and writes one table of a Tx.
type Edit[K ~string, T any] struct{ Rows[K, T] }

// Put inserts or replaces the record under its own key. The record belongs to the store from then on.
func (e Edit[K, T]) Put(v *T) { put(e.Rows, v) }

// Delete removes the record under key; a missing one is no error.
func (e Edit[K, T]) Delete(key K) { remove(e.Rows, key) }

func anyOf[T any](p *T) any {
	if p == nil {
		return nil
	}
	return p
}
