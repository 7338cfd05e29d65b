package store

import (
	"iter"
	"slices"
	"strings"

	"github.com/tidwall/btree"
)

// index finds records by something other than their key.
type index[T any] struct {
	name string
	keys func(*T) []string // none: the record is not in this index
}

// schema describes one table.
type schema[T any] struct {
	name    string
	key     func(*T) string
	indexes []index[T]
}

// rows is one table at one revision. A published one is never changed; a writer changes its own copy, and
// the trees copy only the nodes on the way.
type rows[T any] struct {
	schema  *schema[T]
	primary *btree.Map[string, *T]
	indexes []*btree.Map[string, *T]
}

// newTree has small nodes: an Update copies one path in each tree that it writes.
func newTree[T any]() *btree.Map[string, *T] { return btree.NewMap[string, *T](8) }

func newRows[T any](s *schema[T]) *rows[T] {
	r := &rows[T]{schema: s, primary: newTree[T]()}
	for range s.indexes {
		r.indexes = append(r.indexes, newTree[T]())
	}
	return r
}

func (r *rows[T]) clone() *rows[T] {
	c := &rows[T]{schema: r.schema, primary: r.primary.Copy(), indexes: make([]*btree.Map[string, *T], len(r.indexes))}
	for i, x := range r.indexes {
		c.indexes[i] = x.Copy()
	}
	return c
}

func (r *rows[T]) put(key string, v *T) *T {
	old, had := r.primary.Set(key, v)
	for i := range r.schema.indexes {
		keys := r.schema.indexes[i].keys(v)
		if had {
			for _, k := range r.schema.indexes[i].keys(old) {
				if !slices.Contains(keys, k) {
					r.indexes[i].Delete(k + "\x00" + key)
				}
			}
		}
		for _, k := range keys {
			r.indexes[i].Set(k+"\x00"+key, v)
		}
	}
	if !had {
		return nil
	}
	return old
}

func (r *rows[T]) remove(key string) *T {
	old, had := r.primary.Delete(key)
	if !had {
		return nil
	}
	for i := range r.schema.indexes {
		for _, k := range r.schema.indexes[i].keys(old) {
			r.indexes[i].Delete(k + "\x00" + key)
		}
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
		t.share().primary.Descend(prefix+"\xff", func(k string, v *T) bool {
			return strings.HasPrefix(k, prefix) && yield(v)
		})
	}
}

func (t Rows[K, T]) ascend(prefix, from string) iter.Seq[*T] {
	return func(yield func(*T) bool) { ascend(t.share().primary, prefix, from, yield) }
}

// by yields the records that an index files under value, in the order of their keys.
func (t Rows[K, T]) by(name, value string) iter.Seq[*T] {
	n := t.index(name)
	return func(yield func(*T) bool) {
		ascend(t.share().indexes[n], value+"\x00", value+"\x00", yield)
	}
}

// has says whether an index files anything under value.
func (t Rows[K, T]) has(name, value string) bool {
	for range t.by(name, value) {
		return true
	}
	return false
}

func (t Rows[K, T]) index(name string) int {
	for i := range (*t.slot).schema.indexes {
		if (*t.slot).schema.indexes[i].name == name {
			return i
		}
	}
	panic("store: no index " + name + " on " + (*t.slot).schema.name)
}

// share gives up a transaction's ownership of the table's trees: the next write copies the path it changes
// and leaves what is being read alone.
func (t Rows[K, T]) share() *rows[T] {
	if t.tx != nil {
		t.tx.owned &^= t.bit
	}
	return *t.slot
}

func ascend[T any](m *btree.Map[string, *T], prefix, from string, yield func(*T) bool) {
	m.Ascend(from, func(k string, v *T) bool { return strings.HasPrefix(k, prefix) && yield(v) })
}

// Put inserts or replaces the record under its own key. The record belongs to the store from then on.
func put[K ~string, T any](t Rows[K, T], v *T) {
	value, err := encode(v)
	if err != nil {
		t.tx.fail(err)
		return
	}
	r := t.own()
	key := r.schema.key(v)
	old := r.put(key, v)
	t.tx.record(r.schema.name, key, value, anyOf(old), v)
}

// remove deletes the record under key; a missing one is no error.
func remove[K ~string, T any](t Rows[K, T], key K) {
	if _, ok := t.Get(key); !ok {
		return
	}
	r := t.own()
	old := r.remove(string(key))
	t.tx.record(r.schema.name, string(key), nil, anyOf(old), nil)
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
