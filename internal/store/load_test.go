package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
	"longshore/internal/store/storetest"
)

// shelf is an engine with records on it, in any order.
type shelf struct {
	memory.Engine
	ops []store.Op
}

func (s *shelf) Commit(_ context.Context, b store.Batch) error {
	s.ops = append(s.ops, b.Ops...)
	return nil
}

func (s *shelf) Load(_ context.Context, yield func(table, key string, value []byte) error) (uint64, error) {
	var value []byte
	for _, op := range s.ops {
		value = append(value[:0], op.Value...) // valid while yield runs
		err := yield(op.Table, op.Key, value)
		if err != nil {
			return 0, err
		}
	}
	return 1, nil
}

// stocked is a shelf of running tasks of many services, as a store wrote them.
func stocked(t testing.TB, n int) *shelf {
	out := &shelf{}
	s, err := store.Open(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		for i := range n {
			tx.Tasks().Put(runningTask(i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// runningTask is a typical one: bridge mode, one container, started by a service.
func runningTask(n int) *state.Task {
	at := time.Unix(1_800_000_000, 0)
	t := storetest.Task(n, fmt.Sprint("service-", n%1000))
	t.Instance, t.LaunchType, t.Group = state.NewInstanceKey(t.Key.Cluster(), fmt.Sprintf("%032x", n%5000)), "EC2", "service:web"
	t.Last, t.Health, t.Connectivity, t.Zone = state.Running, state.HealthUnknown, "CONNECTED", "us-east-1a"
	t.CreatedAt, t.PullStartedAt, t.PullStoppedAt, t.StartedAt, t.ConnectivityAt = at, at, at, at, at
	t.Need, t.Version = state.Need{CPU: 256, Memory: 512}, 3
	t.Containers = []state.TaskContainer{{ID: fmt.Sprintf("00000000-0000-4000-8000-%012x", n), Name: "web",
		Image: "registry.example/web:1", RuntimeID: fmt.Sprintf("%064x", n), Last: state.Running,
		Health: state.HealthUnknown, Memory: 512}}
	return t
}

func TestLoadingGivesTheSameTablesInWhateverOrderRecordsCome(t *testing.T) {
	from := stocked(t, 3000)
	inOrder := storetest.Open(t, &shelf{ops: from.ops})
	slices.Reverse(from.ops)
	for i := 0; i+7 < len(from.ops); i += 7 {
		from.ops[i], from.ops[i+3] = from.ops[i+3], from.ops[i]
	}
	mixed := storetest.Open(t, from)
	for name, list := range map[string]func(store.Tasks) []*state.Task{
		"all":         func(x store.Tasks) []*state.Task { return slices.Collect(x.All()) },
		"of service":  func(x store.Tasks) []*state.Task { return slices.Collect(x.OfService(runningTask(7).Service)) },
		"of instance": func(x store.Tasks) []*state.Task { return slices.Collect(x.OfInstance(runningTask(7).Instance)) },
	} {
		a, b := list(inOrder.View().Tasks()), list(mixed.View().Tasks())
		compare(t, a, b)
		if len(a) == 0 {
			t.Errorf("%s: nothing was loaded", name)
		}
	}
}

func TestADamagedRecordEndsALoadWithItsName(t *testing.T) {
	from := stocked(t, 3000)
	bad := &from.ops[2000]
	bad.Value = bytes.Clone(bad.Value[:len(bad.Value)-3])
	_, err := store.Open(t.Context(), from)
	if err == nil || !strings.Contains(err.Error(), bad.Key) {
		t.Errorf("open answered %v", err)
	}
}

func TestALoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	from := stocked(t, 3000)
	cancel()
	_, err := store.Open(ctx, from)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("open answered %v", err)
	}
}

// A million tasks must fit into 2 GB with all else that the daemon holds.
func TestATaskTakesLittleMemory(t *testing.T) {
	const tasks, most = 20_000, 1700
	from := stocked(t, tasks)
	before := live()
	s := storetest.Open(t, from)
	used := (live() - before) / tasks
	t.Logf("%d bytes a task", used)
	if used > most {
		t.Errorf("a task takes %d bytes, want ≤ %d", used, most)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(from)
}

func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkLoading is what a start takes of a task, engine apart.
func BenchmarkLoading(b *testing.B) {
	from := stocked(b, b.N)
	runtime.GC()
	b.ResetTimer()
	s, err := store.Open(b.Context(), from)
	if err != nil {
		b.Fatal(err)
	}
	_ = s.Close()
}
