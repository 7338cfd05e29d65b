package place

import (
	"fmt"
	"testing"

	"longshore/internal/state"
)

// BenchmarkChoose keeps 200 tasks an instance: 5,000 instances are a million tasks. One in ten requests has a
// memberOf or distinctInstance constraint.
func BenchmarkChoose(b *testing.B) {
	for _, instances := range []int{500, 5000} {
		b.Run(fmt.Sprint(instances, "_instances"), func(b *testing.B) { benchmark(b, instances) })
	}
}

const tasksEach = 200

func benchmark(b *testing.B, instances int) {
	w, board := newWorld(), NewBoard(firstOf)
	board.Sole()
	for i := range instances {
		w.add(fmt.Sprintf("i%05d", i), 1<<20, 1<<20, zone([]string{"a", "b", "c"}[i%3]),
			state.Attribute{Name: "rack", Value: fmt.Sprint(i % 10)})
	}
	session := w.begin(board)
	var all []*state.Task
	for i := range instances * tasksEach {
		all = append(all, benchTask(w, i))
		if why := session.Choose(Request{Task: all[i]}); why != nil {
			b.Fatal(why)
		}
		w.keep(all[i])
	}
	session.End()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N { // one task goes, one comes; a session a thousand
		if i%1000 == 0 {
			if i > 0 {
				session.End()
			}
			session = w.begin(board)
		}
		k := i % len(all)
		old := all[k]
		p, n := board.node(old.Instance)
		p.dropTask(n, old.Key)
		delete(w.on[old.Instance], old.Key)
		t := benchTask(w, i)
		if why := session.Choose(Request{Task: t}); why != nil {
			b.Fatal(why)
		}
		w.keep(t)
		all[k] = t
	}
	b.StopTimer()
	session.End()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "placements/s")
}

func benchTask(w *world, i int) *state.Task {
	t := w.task(fmt.Sprint("service:s", i/100%100), 128, 256)
	t.Service = "s"
	switch i % 20 {
	case 0:
		t.Constraints = []state.PlacementConstraint{{Type: "memberOf", Expression: "attribute:rack in [1,2,3]"}}
	case 10:
		t.Group = fmt.Sprint("service:d", i/100%100)
		t.Strategy = []state.PlacementStrategy{{Type: "spread", Field: "instanceId"}}
	}
	return t
}
