package store_test

import (
	"fmt"
	"testing"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
	"longshore/internal/store/storetest"
)

// held is a store of n waiting tasks in many services.
func held(b *testing.B, n int) (*store.Store, []state.TaskKey) {
	s, err := store.Open(b.Context(), memory.Engine{})
	if err != nil {
		b.Fatal(err)
	}
	var keys []state.TaskKey
	for from := 0; from < n; from += 1000 {
		err = s.Update(b.Context(), func(tx *store.Tx) error {
			for i := from; i < from+1000; i++ {
				t := storetest.Task(i*2654435761%(1<<40), fmt.Sprint("service", i%1000))
				t.Containers = []state.TaskContainer{{ID: "00000000-0000-4000-8000-000000000000", Name: "web",
					Image: "web:1", Last: state.Pending, Health: state.HealthUnknown, Memory: 20}}
				tx.Tasks().Put(t)
				keys = append(keys, t.Key)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s, keys
}

// BenchmarkPlacing is what the store takes of a placement: read the task, give it an instance, write it.
func BenchmarkPlacing(b *testing.B) {
	const batch = 1000
	s, keys := held(b, 100_000)
	var instances []state.InstanceKey
	for i := range 5000 {
		instances = append(instances, state.NewInstanceKey(keys[0].Cluster(), fmt.Sprintf("%032x", i)))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += batch {
		err := s.Update(b.Context(), func(tx *store.Tx) error {
			for i := n; i < min(n+batch, b.N); i++ {
				t, _ := tx.Tasks().Get(keys[i%len(keys)])
				c := *t
				c.Instance, c.Zone, c.Version = instances[i%len(instances)], "us-east-1a", c.Version+1
				tx.Tasks().Put(&c)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
