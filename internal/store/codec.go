package store

import (
	"bytes"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// Records are CBOR with field names, so a field may be added without a new schema version. Maps are sorted:
// equal records have equal bytes, on which diff relies.
var encMode = sync.OnceValues(func() (cbor.EncMode, error) {
	return cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC, Sort: cbor.SortBytewiseLexical}.EncMode()
})

// decMode takes back whatever encMode wrote: strings that are not UTF-8 too, since a container may print
// anything into the reason of its end, and one odd byte must not keep the store from opening.
var decMode = sync.OnceValues(func() (cbor.DecMode, error) {
	return cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid, MaxArrayElements: 1 << 24, MaxMapPairs: 1 << 24}.DecMode()
})

func encode(v any) ([]byte, error) {
	m, err := encMode()
	if err != nil {
		return nil, err
	}
	return m.Marshal(v)
}

func decode[T any](r *rows[T], key string, value []byte) error {
	m, err := decMode()
	if err != nil {
		return err
	}
	v := new(T)
	err = m.Unmarshal(value, v)
	if err != nil {
		return err
	}
	r.put(key, v)
	return nil
}

// same compares two records by what the engine would keep of them.
func same[T any](a, b *T) bool {
	x, err := encode(a)
	if err != nil {
		return false
	}
	y, err := encode(b)
	return err == nil && bytes.Equal(x, y)
}
