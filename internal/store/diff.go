package store

import "bytes"

// diff is what changed from t to now, table by table in the order of keys.
func (t *tables) diff(now *tables) []Change {
	var out []Change
	for _, x := range all() {
		out = x.diff(out, t, now)
	}
	return out
}

// diffRows appends the changes of one table: first what was deleted, then what is new or different.
func diffRows[T any](out []Change, was, now *rows[T]) []Change {
	was.primary.Scan(func(key string, old *T) bool {
		_, ok := now.primary.Get(key)
		if !ok {
			out = append(out, Change{Table: was.schema.name, Key: key, Old: old})
		}
		return true
	})
	now.primary.Scan(func(key string, v *T) bool {
		old, ok := was.primary.Get(key)
		if !ok || !same(now.schema, old, v) {
			out = append(out, Change{Table: now.schema.name, Key: key, Old: anyOf(old), New: v})
		}
		return true
	})
	return out
}

// same compares two records by what the engine would keep of them.
func same[T any](s *schema[T], a, b *T) bool {
	return bytes.Equal(s.encode(nil, a), s.encode(nil, b))
}
