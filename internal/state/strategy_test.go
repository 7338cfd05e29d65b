package state

import (
	"testing"

	"pgregory.net/rapid"
)

func TestTheBaseIsFilledFirstAndTheRestFollowsTheWeights(t *testing.T) {
	for _, c := range []struct {
		name     string
		strategy []StrategyItem
		have     map[string]int
		n        int
		want     map[string]int
	}{
		{"base 2 of A, weights 1 and 3", []StrategyItem{{"A", 2, 1}, {"B", 0, 3}}, nil, 10, map[string]int{"A": 4, "B": 6}},
		{"weights 1 and 4", []StrategyItem{{"A", 0, 1}, {"B", 0, 4}}, nil, 5, map[string]int{"A": 1, "B": 4}},
		{"a weight of 0 takes its base alone", []StrategyItem{{"A", 1, 0}, {"B", 0, 1}}, nil, 4, map[string]int{"A": 1, "B": 3}},
		{"a single provider takes all", []StrategyItem{{"A", 0, 0}}, nil, 3, map[string]int{"A": 3}},
		{"what runs already counts", []StrategyItem{{"A", 0, 1}, {"B", 0, 1}}, map[string]int{"A": 2}, 2, map[string]int{"B": 2}},
		{"nobody has a weight", []StrategyItem{{"A", 0, 0}, {"B", 0, 0}}, nil, 2, map[string]int{}},
	} {
		got := map[string]int{}
		for _, p := range ShareOut(c.strategy, c.have, c.n) {
			got[p]++
		}
		for _, p := range []string{"A", "B"} {
			if got[p] != c.want[p] {
				t.Errorf("%s: %s got %d, want %d", c.name, p, got[p], c.want[p])
			}
		}
	}
}

func TestSharesStayWithinOneTaskOfTheirWeight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strategy := []StrategyItem{
			{"A", rapid.IntRange(0, 20).Draw(t, "base"), rapid.IntRange(1, 1000).Draw(t, "a")},
			{"B", 0, rapid.IntRange(1, 1000).Draw(t, "b")},
		}
		n := rapid.IntRange(0, 500).Draw(t, "n")
		got := map[string]int{}
		for _, p := range ShareOut(strategy, nil, n) {
			got[p]++
		}
		if got["A"]+got["B"] != n {
			t.Fatalf("%v of %d tasks", got, n)
		}
		rest := n - strategy[0].Base
		if rest <= 0 {
			return
		}
		exact := float64(rest) * float64(strategy[1].Weight) / float64(strategy[0].Weight+strategy[1].Weight)
		if d := float64(got["B"]) - exact; d < -1 || d > 1 {
			t.Fatalf("B has %d, its share is %.2f", got["B"], exact)
		}
	})
}
