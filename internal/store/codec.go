package store

import (
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"longshore/internal/store/record"
)

// format is the first byte of a record as package record writes it. Schema 1 wrote CBOR, whose maps begin with
// 0xa0 or more: such a record is read as it is and comes back in today's form when it is next written.
const format = 1

// encode appends what the engine keeps of a record.
func (s *schema[T]) encode(b []byte, v *T) []byte { return s.append(append(b, format), v) }

// decode reads a record. Nothing of value is kept.
func (s *schema[T]) decode(r *record.Reader, key string, value []byte) (*T, error) {
	v := new(T)
	var err error
	if len(value) > 0 && value[0] == format {
		s.read(r, r.Reset(value[1:]), v)
		err = r.Err()
	} else {
		err = decodeCBOR(value, v)
	}
	if err != nil {
		return nil, fmt.Errorf("decode record %q of table %q: %w", key, s.name, err)
	}
	if s.setKey != nil {
		s.setKey(v, key)
	}
	return v, nil
}

// decMode takes back whatever schema 1 wrote: strings that are not UTF-8 too, since a container may print
// anything into the reason of its end, and one odd byte must not keep the store from opening.
var decMode = sync.OnceValues(func() (cbor.DecMode, error) {
	return cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid, MaxArrayElements: 1 << 24, MaxMapPairs: 1 << 24}.DecMode()
})

func decodeCBOR(value []byte, v any) error {
	m, err := decMode()
	if err != nil {
		return err
	}
	return m.Unmarshal(value, v)
}

// decode puts an encoded record into a table.
func decode[T any](r *rows[T], key string, value []byte) error {
	v, err := r.schema.decode(&record.Reader{}, key, value)
	if err != nil {
		return err
	}
	r.put(key, v)
	return nil
}
