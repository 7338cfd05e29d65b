package store

import (
	"iter"
	"strings"

	"github.com/tidwall/btree"
)

// index finds records by something other than their key. It files keys only, so a write that leaves a record in
// its group costs the index nothing.
type index[T any] struct {
	name  string
	group func(*T) string        // where the record is filed; "" = nowhere
	same  func(old, now *T) bool // true = both are in one group; for groups that are costly to name; nil = ask group
}

// group is the keys of the records that an index files together.
type group struct {
	owner *stamp
	keys  *btree.Map[string, struct{}]
}

// stamp tells which rows a group belongs to: one that has another's stamp is copied before it is changed.
type stamp struct{ _ byte }

func newStamp() *stamp { return &stamp{} }

func newGroup(owner *stamp) *group {
	return &group{owner: owner, keys: btree.NewMap[string, struct{}](degree)}
}

// fileAll files a new record in every index.
func (r *rows[T]) fileAll(key string, v *T) {
	for i := range r.schema.indexes {
		r.file(i, r.schema.indexes[i].group(v), key)
	}
}

func (r *rows[T]) file(i int, name, key string) {
	if name == "" {
		return
	}
	g, ok := r.indexes[i].Get(name)
	if !ok {
		g = newGroup(r.owner)
		r.indexes[i].Set(name, g)
	}
	r.ours(i, name, g).keys.Set(key, struct{}{})
}

func (r *rows[T]) unfile(i int, name, key string) {
	if name == "" {
		return
	}
	g, ok := r.indexes[i].Get(name)
	if !ok {
		return
	}
	g = r.ours(i, name, g)
	g.keys.Delete(key)
	if g.keys.Len() == 0 {
		r.indexes[i].Delete(name)
	}
}

// ours gives a group that these rows may change.
func (r *rows[T]) ours(i int, name string, g *group) *group {
	if g.owner == r.owner {
		return g
	}
	g = &group{owner: r.owner, keys: g.keys.Copy()}
	r.indexes[i].Set(name, g)
	return g
}

// by yields the records that an index files under name and whose key starts with prefix, in the order of keys.
func (t Rows[K, T]) by(index, name, prefix string) iter.Seq[*T] {
	n := t.index(index)
	return func(yield func(*T) bool) {
		r, was := t.share()
		defer t.unshare(r, was)
		g, ok := r.indexes[n].Get(name)
		if !ok {
			return
		}
		g.keys.Ascend(prefix, func(key string, _ struct{}) bool {
			if !strings.HasPrefix(key, prefix) {
				return false
			}
			v, _ := r.primary.Get(key)
			return yield(v)
		})
	}
}

// has says whether an index files anything under name.
func (t Rows[K, T]) has(index, name string) bool {
	_, ok := (*t.slot).indexes[t.index(index)].Get(name)
	return ok
}

func (t Rows[K, T]) index(name string) int {
	for i := range (*t.slot).schema.indexes {
		if (*t.slot).schema.indexes[i].name == name {
			return i
		}
	}
	panic("store: no index " + name + " on " + (*t.slot).schema.name)
}
