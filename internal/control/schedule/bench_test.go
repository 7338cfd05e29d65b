package schedule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// BenchmarkPlace places bursts of 10,000 tasks of ten services over three zones, from the waiting records to
// the written ones; the engine keeps nothing.
func BenchmarkPlace(b *testing.B) {
	for _, instances := range []int{500, 5000} {
		b.Run(fmt.Sprint(instances, "_instances"), func(b *testing.B) { benchmark(b, instances) })
	}
}

const benchBurst = 10_000

func benchmark(b *testing.B, instances int) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	st, err := store.Open(ctx, memory.Engine{})
	if err != nil {
		b.Fatal(err)
	}
	board := place.NewBoard(func(int) int { return 0 })
	board.Sole()
	go func() { _ = Follow(ctx, st, board) }()
	s := New(Config{Store: st, Board: board, Now: time.Now, NewID: func() string { return "id" }})
	update(b, st, func(tx *store.Tx) {
		for i := range instances {
			x := instance(fmt.Sprintf("i%05d", i), 1<<30)
			x.Memory = 1 << 30
			x.Attributes = []state.Attribute{{Name: "ecs.availability-zone", Value: []string{"a", "b", "c"}[i%3]}}
			tx.Instances().Put(x)
		}
	})
	var spent time.Duration
	for round := range b.N {
		update(b, st, func(tx *store.Tx) {
			for n := range benchBurst {
				t := task(n, 10)
				id := sha256.Sum256(fmt.Append(nil, round, n)) // ids of real tasks have no order
				t.Key = state.NewTaskKey(cluster, hex.EncodeToString(id[:16]))
				t.Service = state.NewServiceKey(cluster, fmt.Sprint("s", n%10))
				t.Group = "service:" + t.Service.Name()
				tx.Tasks().Put(t)
			}
		})
		start := time.Now()
		_, err := s.Reconcile(ctx, string(cluster))
		spent += time.Since(start)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*benchBurst)/spent.Seconds(), "placements/s")
}

func update(b *testing.B, st *store.Store, fn func(tx *store.Tx)) {
	b.Helper()
	err := st.Update(b.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		b.Fatal(err)
	}
}
