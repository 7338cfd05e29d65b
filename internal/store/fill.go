package store

import (
	"runtime"
	"sync"

	"github.com/tidwall/btree"

	"longshore/internal/store/record"
)

// filling is the filler of a table that knows its type. Records come in the order of keys from every engine that
// keeps them so, and then each tree only grows at its end.
type filling[T any] struct {
	schema *schema[T]
	rows   *rows[T]
	keys   [][]string // of each parcel
	groups []map[string]*filed
}

// filed is where the keys of a group are: the number of the parcel times chunk, and the place in it. The tree of a group
// is built at once when all of them are known; to visit a thousand trees in turn would be one cache miss after the other.
type filed struct{ places []uint32 }

func (t typed[T]) filler(to *tables) filler {
	f := &filling[T]{schema: t.schema, rows: *t.slot(to)}
	for range f.schema.indexes {
		f.groups = append(f.groups, map[string]*filed{})
	}
	return f
}

func (f *filling[T]) decode(r *record.Reader, p *parcel) (any, error) {
	out := make([]*T, len(p.keys))
	for i, key := range p.keys {
		v, err := f.schema.decode(r, key, p.value(i))
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (f *filling[T]) add(keys []string, decoded any) {
	records := decoded.([]*T)
	for n, v := range records {
		f.rows.primary.Load(keys[n], v)
	}
	if len(f.schema.indexes) == 0 {
		return
	}
	first := uint32(len(f.keys) * chunk)
	f.keys = append(f.keys, keys)
	for i := range f.schema.indexes {
		x, groups := &f.schema.indexes[i], f.groups[i]
		for n, v := range records {
			name := x.group(v)
			if name == "" {
				continue
			}
			g, ok := groups[name]
			if !ok {
				g = &filed{}
				groups[name] = g
			}
			g.places = append(g.places, first+uint32(n))
		}
	}
}

// end builds the trees of the indexes, as many at once as there are processors.
func (f *filling[T]) end() {
	type job struct {
		keys   *btree.Map[string, struct{}]
		places []uint32
	}
	jobs := make(chan job)
	var builders sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		builders.Go(func() {
			for j := range jobs {
				for _, at := range j.places {
					j.keys.Load(f.keys[at/chunk][at%chunk], struct{}{})
				}
			}
		})
	}
	for i, groups := range f.groups {
		for name, from := range groups {
			g := newGroup(f.rows.owner)
			f.rows.indexes[i].Set(name, g)
			jobs <- job{g.keys, from.places}
		}
	}
	close(jobs)
	builders.Wait()
}
