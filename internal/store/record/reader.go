package record

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

var (
	errShort = errors.New("record ends inside a field")
	errKind  = errors.New("field has another kind than this version knows")
	errCount = errors.New("list claims more items than there are bytes")
	errTime  = errors.New("instant is not a number of seconds and nanoseconds")
)

// keptStrings is how many different strings a Reader shares before it starts afresh.
const keptStrings = 1 << 16

// Reader reads records one after the other. Its first error stops it. It belongs to one goroutine.
type Reader struct {
	data   []byte
	at     int
	wire   protowire.Type
	err    error
	shared map[string]string
}

// Reset begins with another record and gives where it ends.
func (r *Reader) Reset(data []byte) int {
	r.data, r.at, r.err = data, 0, nil
	return len(data)
}

// Err is the first error since Reset.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("byte %d: %w", r.at, r.err)
}

func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Field gives the number of the next field before end, 0 when there is none or after an error.
func (r *Reader) Field(end int) int {
	if r.err != nil || r.at >= end {
		if r.at > end {
			r.fail(errShort)
		}
		return 0
	}
	v := r.varint()
	number, kind := protowire.DecodeTag(v)
	if r.err != nil || number < protowire.MinValidNumber {
		r.fail(errKind)
		return 0
	}
	r.wire = kind
	return int(number)
}

// Skip steps over a field that is unknown: a newer version may have written it.
func (r *Reader) Skip() {
	switch r.wire {
	case protowire.VarintType:
		r.varint()
	case protowire.BytesType:
		r.bytes()
	default:
		r.fail(errKind)
	}
}

func (r *Reader) is(kind protowire.Type) {
	if r.wire != kind {
		r.fail(errKind)
	}
}

func (r *Reader) varint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := protowire.ConsumeVarint(r.data[r.at:])
	if n < 0 {
		r.fail(errShort)
		return 0
	}
	r.at += n
	return v
}

func (r *Reader) bytes() []byte {
	n := r.varint()
	if r.err != nil || n > uint64(len(r.data)-r.at) {
		r.fail(errShort)
		return nil
	}
	b := r.data[r.at : r.at+int(n)]
	r.at += int(n)
	return b
}

// Enter opens a field made of fields or items and gives where it ends.
func (r *Reader) Enter() int {
	r.is(protowire.BytesType)
	return r.EnterItem()
}

// EnterItem is Enter for an item of a list.
func (r *Reader) EnterItem() int {
	n := r.varint()
	if r.err != nil || n > uint64(len(r.data)-r.at) {
		r.fail(errShort)
		return r.at
	}
	return r.at + int(n)
}

// Count is the number of items of the list that ends at end; every item takes a byte at least.
func (r *Reader) Count(end int) int {
	n := r.varint()
	if r.err != nil || n > uint64(max(0, end-r.at)) {
		r.fail(errCount)
		return 0
	}
	return int(n)
}

// Leave checks that a list ended where its field does.
func (r *Reader) Leave(end int) {
	if r.at != end {
		r.fail(errShort)
	}
}

// String reads text that many records have in common: equal ones share their memory.
func (r *Reader) String() string {
	r.is(protowire.BytesType)
	return r.ItemString()
}

// ItemString is String for an item of a list.
func (r *Reader) ItemString() string {
	b := r.bytes()
	s, ok := r.shared[string(b)]
	if ok {
		return s
	}
	if len(r.shared) >= keptStrings || r.shared == nil {
		r.shared = map[string]string{}
	}
	s = string(b)
	r.shared[s] = s
	return s
}

// Unique reads text that hardly any other record has.
func (r *Reader) Unique() string {
	r.is(protowire.BytesType)
	return string(r.bytes())
}

// Int reads a whole number.
func (r *Reader) Int() int64 {
	r.is(protowire.VarintType)
	return r.ItemInt()
}

// ItemInt is Int for an item of a list.
func (r *Reader) ItemInt() int64 { return protowire.DecodeZigZag(r.varint()) }

// Bool reads a truth value.
func (r *Reader) Bool() bool {
	r.is(protowire.VarintType)
	return protowire.DecodeBool(r.varint())
}

// Time reads an instant, in UTC.
func (r *Reader) Time() time.Time {
	r.is(protowire.BytesType)
	return r.ItemTime()
}

// ItemTime is Time for an item of a map.
func (r *Reader) ItemTime() time.Time {
	end := r.EnterItem()
	sec, nsec := protowire.DecodeZigZag(r.varint()), r.varint()
	if r.err != nil || r.at != end || nsec >= uint64(time.Second) {
		r.fail(errTime)
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// Addr reads an address.
func (r *Reader) Addr() netip.Addr {
	a, err := netip.ParseAddr(r.Unique())
	if err != nil {
		r.fail(err)
	}
	return a
}

// Prefix reads a range of addresses.
func (r *Reader) Prefix() netip.Prefix {
	p, err := netip.ParsePrefix(r.String())
	if err != nil {
		r.fail(err)
	}
	return p
}
