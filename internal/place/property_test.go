package place

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"longshore/internal/state"
)

// Every chain against the step-by-step choice over all instances, which is how the guide words it; and after
// every step nothing is overcommitted.
func TestLanesChooseAsWellAsTheWholeChainOverAllInstances(t *testing.T) {
	chains := [][]state.PlacementStrategy{
		nil,
		{{Type: "spread", Field: "attribute:ecs.availability-zone"}},
		{{Type: "spread", Field: "attribute:ecs.availability-zone"}, {Type: "spread", Field: "instanceId"}},
		{{Type: "spread", Field: "attribute:ecs.availability-zone"}, {Type: "binpack", Field: "memory"}},
		{{Type: "spread", Field: "attribute:ecs.availability-zone"}, {Type: "spread", Field: "attribute:rack"}},
		{{Type: "spread", Field: "host"}}, {{Type: "binpack", Field: "cpu"}}, {{Type: "random"}},
		{{Type: "spread", Field: "instanceId"}, {Type: "spread", Field: "attribute:rack"}},
	}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		b := NewBoard(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "chance") })
		for i := range rapid.IntRange(1, 12).Draw(t, "instances") {
			w.add(fmt.Sprint("i", i), rapid.IntRange(0, 8).Draw(t, "cpu"), rapid.IntRange(0, 8).Draw(t, "memory"),
				zone(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "zone")),
				state.Attribute{Name: "rack", Value: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "rack")})
		}
		var placed []*state.Task
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if len(placed) > 0 && rapid.IntRange(0, 3).Draw(t, "stop") == 0 {
				i := rapid.IntRange(0, len(placed)-1).Draw(t, "which")
				w.stop(b, placed[i])
				placed = slices.Delete(placed, i, i+1)
				continue
			}
			task := w.task(rapid.SampledFrom([]string{"service:a", "service:b"}).Draw(t, "group"),
				rapid.IntRange(0, 4).Draw(t, "need cpu"), rapid.IntRange(0, 4).Draw(t, "need memory"))
			task.Strategy = rapid.SampledFrom(chains).Draw(t, "chain")
			if rapid.Bool().Draw(t, "distinct") {
				task.Constraints = []state.PlacementConstraint{{Type: "distinctInstance"}}
			}
			if checkChoice(t, w, b, task) {
				placed = append(placed, task)
			}
			checkRoom(t, w)
		}
	})
}

// checkChoice chooses, and compares the scores of what was chosen with the best ones.
func checkChoice(t *rapid.T, w *world, b *Board, task *state.Task) bool {
	fresh := NewBoard(firstOf)
	s := w.begin(fresh)
	p := s.pool(testCluster)
	pl := fresh.plan(Request{Task: task})
	want := p.pickSlowly(pl, Request{Task: task})
	s.End()
	why := w.run(b, task)
	if (want == nil) != (why != nil) {
		t.Fatalf("chosen %q, refused %v, best %v", task.Instance, why, want)
	}
	if want == nil {
		return false
	}
	got := p.nodes[task.Instance]
	for i, x := range pl.strategy {
		score := p.score(pl, i)
		if score != nil && score(got) != score(want) {
			t.Fatalf("%v: chose %s with %d, best is %s with %d", x, got.instance.Key, score(got), want.instance.Key,
				score(want))
		}
	}
	return true
}

func checkRoom(t *rapid.T, w *world) {
	for k, i := range w.instances {
		cpu, memory := 0, 0
		for x := range (tasksOf{w}).OfInstance(k) {
			cpu += x.Need.CPU
			memory += x.Need.Memory
		}
		if cpu > i.CPU || memory > i.Memory {
			t.Fatalf("%s is overcommitted: %d of %d cpu, %d of %d memory", k, cpu, i.CPU, memory, i.Memory)
		}
	}
}

// Bursts whose transaction writes at its end, some of them failing, on a board that is told late or never.
func TestBurstsNeverOvercommitWhateverTheBoardWasTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, b := newWorld(), NewBoard(firstOf)
		if rapid.Bool().Draw(t, "sole") {
			b.Sole()
		}
		for i := range rapid.IntRange(1, 4).Draw(t, "instances") {
			w.add(fmt.Sprint("i", i), rapid.IntRange(1, 8).Draw(t, "cpu"), 8)
		}
		var placed []*state.Task
		for range rapid.IntRange(1, 12).Draw(t, "bursts") {
			s := w.begin(b)
			var chosen []*state.Task
			for range rapid.IntRange(1, 8).Draw(t, "tasks") {
				task := w.task("family:f", rapid.IntRange(0, 4).Draw(t, "need"), 1)
				if s.Choose(Request{Task: task}) == nil {
					chosen = append(chosen, task)
				}
			}
			s.End()
			if rapid.IntRange(0, 4).Draw(t, "fails") == 0 {
				continue
			}
			for _, x := range chosen {
				w.keep(x)
			}
			checkRoom(t, w)
			placed = append(placed, chosen...)
			for len(placed) > 0 && rapid.Bool().Draw(t, "stops") {
				gone := placed[0].Clone()
				gone.Last = state.Stopped
				gone.Version++
				w.keep(gone)
				if rapid.Bool().Draw(t, "told") {
					b.Note(placed[0], gone)
				}
				placed = placed[1:]
			}
		}
	})
}

func TestZoneSkewStaysAtOneWhereEveryZoneHasRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, b := newWorld(), NewBoard(firstOf)
		zones := []string{"a", "b", "c"}
		for i := range rapid.IntRange(3, 30).Draw(t, "instances") {
			w.add(fmt.Sprint("i", i), math.MaxInt32, math.MaxInt32, zone(zones[i%3]))
		}
		s := w.begin(b)
		defer s.End()
		for range rapid.IntRange(1, 100).Draw(t, "tasks") {
			task := w.task("service:s", 1, 1)
			task.Service = "s"
			if why := s.Choose(Request{Task: task}); why != nil {
				t.Fatal(why)
			}
			w.keep(task)
		}
		counts := map[string]int{}
		for _, x := range w.tasks {
			counts[x.Zone]++
		}
		if skew(counts, zones) > 1 {
			t.Fatalf("got %v", counts)
		}
	})
}

func TestBinpackUsesNoMoreInstancesThanExactBestFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, b := newWorld(), NewBoard(firstOf)
		room := map[state.InstanceKey]int{}
		for i := range 60 {
			room[w.add(fmt.Sprint("i", i), math.MaxInt32, 100).Key] = 100
		}
		s := w.begin(b)
		defer s.End()
		used := map[state.InstanceKey]bool{}
		for range rapid.IntRange(1, 100).Draw(t, "tasks") {
			task := w.task("family:f", 1, rapid.IntRange(1, 60).Draw(t, "memory"))
			task.Strategy = []state.PlacementStrategy{{Type: "binpack", Field: "memory"}}
			if s.Choose(Request{Task: task}) != nil {
				continue
			}
			used[task.Instance] = true
			bestFit(room, task.Need.Memory)
		}
		best := 0
		for _, r := range room {
			if r < 100 {
				best++
			}
		}
		if len(used) > best {
			t.Fatalf("used %d instances, best fit %d", len(used), best)
		}
	})
}

func bestFit(room map[state.InstanceKey]int, need int) {
	var best state.InstanceKey
	for k, r := range room {
		if r >= need && (best == "" || r < room[best]) {
			best = k
		}
	}
	room[best] -= need
}

func TestScaleInKeepsTheZonesEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		var tasks []*state.Task
		for i := range rapid.IntRange(1, 60).Draw(t, "tasks") {
			task := w.task("service:s", 1, 1)
			task.Zone = []string{"a", "b", "c"}[i%3]
			tasks = append(tasks, task)
		}
		n := rapid.IntRange(0, len(tasks)).Draw(t, "n")
		out := LeastWanted(n, tasks, nil, instancesOf{w}, tasksOf{w})
		left := slices.DeleteFunc(slices.Clone(tasks), func(x *state.Task) bool { return slices.Contains(out, x) })
		counts := countBy(slices.Values(left), func(t *state.Task) string { return t.Zone })
		if len(out) != n || (len(tasks) >= 3 && skew(counts, []string{"a", "b", "c"}) > 1) {
			t.Fatalf("%d of %d left %v", n, len(tasks), counts)
		}
	})
}
