package record

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// AppendString writes a field of text.
func AppendString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

// AppendInt writes a field of a whole number.
func AppendInt(b []byte, field protowire.Number, n int64) []byte {
	return ItemInt(protowire.AppendTag(b, field, protowire.VarintType), n)
}

// AppendBool writes a field of a truth value.
func AppendBool(b []byte, field protowire.Number, v bool) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), protowire.EncodeBool(v))
}

// AppendTime writes a field of an instant; its zone and monotonic reading are not kept.
func AppendTime(b []byte, field protowire.Number, t time.Time) []byte {
	return ItemTime(protowire.AppendTag(b, field, protowire.BytesType), t)
}

// AppendAddr writes a field of an address.
func AppendAddr(b []byte, field protowire.Number, a netip.Addr) []byte {
	return AppendString(b, field, a.String())
}

// AppendPrefix writes a field of a range of addresses.
func AppendPrefix(b []byte, field protowire.Number, p netip.Prefix) []byte {
	return AppendString(b, field, p.String())
}

// Begin opens a field whose length is not known yet, and gives the place that End wants.
func Begin(b []byte, field protowire.Number) ([]byte, int) {
	return BeginItem(protowire.AppendTag(b, field, protowire.BytesType))
}

// BeginItem is Begin for an item of a list.
func BeginItem(b []byte) ([]byte, int) { return append(b, 0), len(b) }

// End writes the length of what was appended since Begin. Most things are shorter than 128 bytes, so one byte was
// kept free; longer ones move.
func End(b []byte, at int) []byte {
	n := len(b) - at - 1
	if n < 1<<7 {
		b[at] = byte(n)
		return b
	}
	size := protowire.SizeVarint(uint64(n))
	for range size - 1 {
		b = append(b, 0)
	}
	copy(b[at+size:], b[at+1:at+1+n])
	protowire.AppendVarint(b[:at], uint64(n))
	return b
}

// EndUnlessEmpty is End for a part that is left out when all of it is zero; field must be what Begin was given.
func EndUnlessEmpty(b []byte, at int, field protowire.Number) []byte {
	if len(b) == at+1 {
		return b[:at-protowire.SizeTag(field)]
	}
	return End(b, at)
}

// Count opens the items of a list.
func Count(b []byte, n int) []byte { return protowire.AppendVarint(b, uint64(n)) }

// ItemString writes an item of text.
func ItemString(b []byte, s string) []byte { return protowire.AppendString(b, s) }

// ItemInt writes an item that is a whole number; small ones of either sign are short.
func ItemInt(b []byte, n int64) []byte { return protowire.AppendVarint(b, protowire.EncodeZigZag(n)) }

// ItemTime writes an item that is an instant.
func ItemTime(b []byte, t time.Time) []byte {
	b, at := BeginItem(b)
	b = protowire.AppendVarint(b, protowire.EncodeZigZag(t.Unix()))
	b = protowire.AppendVarint(b, uint64(t.Nanosecond()))
	return End(b, at)
}

// Keys of a map in order: equal records have equal bytes.
func Keys[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
