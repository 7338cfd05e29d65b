package etcd

import (
	"encoding/binary"
	"errors"
	"fmt"

	"longshore/internal/store"
)

// entry is one commit in the log.
type entry struct {
	id     string // of the commit
	base   uint64
	pieces uint64 // staged ones that hold the operations; 0: they are in the entry
	ops    []byte // as packOps has them
}

const entryVersion = 1

var errEntry = errors.New("log entry in etcd is damaged")

func (x entry) encode() []byte {
	b := append(make([]byte, 0, len(x.id)+len(x.ops)+32), entryVersion)
	b = appendText(b, x.id)
	b = binary.AppendUvarint(b, x.base)
	b = binary.AppendUvarint(b, x.pieces)
	return append(b, x.ops...)
}

func decodeEntry(b []byte) (entry, error) {
	var x entry
	if len(b) == 0 || b[0] != entryVersion {
		return x, fmt.Errorf("%w: its version is unknown", errEntry)
	}
	r := reader{rest: b[1:]}
	x.id, x.base, x.pieces = string(r.text()), r.number(), r.number()
	x.ops = r.rest
	if r.failed || x.pieces > 0 && len(x.ops) > 0 {
		return x, errEntry
	}
	return x, nil
}

// packOps writes operations one after the other: table, key, and 0 for a deletion or 1 and the value.
func packOps(ops []store.Op) []byte {
	size := 0
	for _, op := range ops {
		size += len(op.Table) + len(op.Key) + len(op.Value) + 12
	}
	b := make([]byte, 0, size)
	for _, op := range ops {
		b = appendText(b, op.Table)
		b = appendText(b, op.Key)
		if op.Value == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = appendText(b, op.Value)
	}
	return b
}

// unpackOps reads what packOps wrote. Values share b's memory.
func unpackOps(b []byte) ([]store.Op, error) {
	var out []store.Op
	r := reader{rest: b}
	for len(r.rest) > 0 {
		op := store.Op{Table: string(r.text()), Key: string(r.text())}
		switch r.octet() {
		case 0:
		case 1:
			op.Value = r.text()
		default:
			return nil, errEntry
		}
		if r.failed {
			return nil, errEntry
		}
		out = append(out, op)
	}
	return out, nil
}

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes values off the front of rest until one is not whole.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || r.failed {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) octet() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) text() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) fail() { r.rest, r.failed = nil, true }
