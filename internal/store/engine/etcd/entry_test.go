package etcd

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"longshore/internal/store"
)

func TestAnEntryComesBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ops []store.Op
		for range rapid.IntRange(0, 5).Draw(t, "operations") {
			op := store.Op{Table: rapid.String().Draw(t, "table"), Key: rapid.String().Draw(t, "key")}
			if rapid.Bool().Draw(t, "set") {
				op.Value = rapid.SliceOf(rapid.Byte()).Draw(t, "value")
			}
			ops = append(ops, op)
		}
		x := entry{id: rapid.String().Draw(t, "id"), base: rapid.Uint64().Draw(t, "base"), ops: packOps(ops)}
		y, err := decodeEntry(x.encode())
		if err != nil || y.id != x.id || y.base != x.base || y.pieces != 0 {
			t.Fatalf("%+v came back as %+v, %v", x, y, err)
		}
		got, err := unpackOps(y.ops)
		if err != nil || len(got) != len(ops) {
			t.Fatalf("%v came back as %v, %v", ops, got, err)
		}
		for i, op := range ops {
			if got[i].Table != op.Table || got[i].Key != op.Key || !bytes.Equal(got[i].Value, op.Value) ||
				(got[i].Value == nil) != (op.Value == nil) {
				t.Fatalf("%v came back as %v", op, got[i])
			}
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add(entry{id: "a", base: 7, ops: packOps([]store.Op{{Table: "t", Key: "k", Value: []byte("v")}, {Table: "t"}})}.encode())
	f.Add(entry{id: "a", pieces: 3}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := decodeEntry(b)
		if err != nil {
			return
		}
		ops, err := unpackOps(x.ops)
		if err != nil {
			return
		}
		again, err := unpackOps(packOps(ops))
		if err != nil || len(again) != len(ops) {
			t.Fatalf("%d operations, written again, are %d: %v", len(ops), len(again), err)
		}
	})
}
