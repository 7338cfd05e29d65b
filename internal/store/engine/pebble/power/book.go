package power

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"longshore/internal/store"
	"longshore/internal/store/engine/pebble"
)

// dir is deep, so that the names above it can be lost as well.
const dir = "var/lib/longshore/records"

// book is what an engine was asked to keep: batch i has revision i+1.
type book struct {
	batches      []store.Batch
	begun, acked atomic.Uint64
	seed         maphash.Seed
}

func newBook() *book { return &book{seed: maphash.MakeSeed()} }

// add writes a random batch into the book.
func (b *book) add(rng *rand.Rand, large bool) store.Batch {
	batch := store.Batch{Base: uint64(len(b.batches)), Revision: uint64(len(b.batches)) + 1}
	for range 1 + rng.IntN(5) {
		op := store.Op{Table: []string{"tasks", "services"}[rng.IntN(2)], Key: fmt.Sprintf("key-%02d", rng.IntN(60))}
		if slices.ContainsFunc(batch.Ops, func(o store.Op) bool { return o.Table == op.Table && o.Key == op.Key }) {
			continue
		}
		if rng.IntN(6) > 0 {
			op.Value = value(rng, large)
		}
		batch.Ops = append(batch.Ops, op)
	}
	b.batches = append(b.batches, batch)
	return batch
}

func value(rng *rand.Rand, large bool) []byte {
	size := 1 + rng.IntN(200)
	switch n := rng.IntN(40); {
	case n == 0 && large:
		size = 20_000 // more than a log's block, and than some tables of memory
	case n < 4:
		size = 1 + rng.IntN(3000)
	}
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

// digest is that of the records as they were at a revision.
func (b *book) digest(rev uint64) uint64 {
	records := map[string][]byte{}
	for _, batch := range b.batches[:rev] {
		b.apply(records, batch)
	}
	return b.sum(records)
}

func (b *book) apply(records map[string][]byte, batch store.Batch) {
	for _, op := range batch.Ops {
		if op.Value == nil {
			delete(records, op.Table+"\x00"+op.Key)
			continue
		}
		records[op.Table+"\x00"+op.Key] = op.Value
	}
}

func (b *book) sum(records map[string][]byte) uint64 {
	var total uint64
	for k, v := range records {
		total += b.one(k, v)
	}
	return total
}

// one is a record's share; the shares are added, so that order does not matter.
func (b *book) one(key string, value []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(b.seed)
	_, _ = h.WriteString(key)
	_ = h.WriteByte(0)
	_, _ = h.Write(value)
	return h.Sum64()
}

// read loads everything and answers its revision and digest.
func (b *book) read(e *pebble.Engine) (rev, digest uint64, err error) {
	rev, err = e.Load(context.Background(), func(table, key string, value []byte) error {
		digest += b.one(table+"\x00"+key, value)
		return nil
	})
	return rev, digest, err
}

func open(f vfs.FS, memTable uint64) (*pebble.Engine, error) {
	return pebble.Open(pebble.Config{Dir: dir, FS: f, MemTable: memTable, Log: slog.New(slog.DiscardHandler)})
}
