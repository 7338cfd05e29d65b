package main

import (
	"slices"
	"time"

	"longshore/internal/state"
)

// scanner places by a look at every instance: how it is done without an index. Choices only, kept in plain
// slices and maps; nothing is written anywhere.
type scanner struct {
	nodes  []scanned
	zones  map[string]map[string]int // by group
	placed int
}

type scanned struct {
	instance          *state.Instance
	zone, rack        string
	cpu, memory, gpus int
	tasks             int
	groups            map[string]int
	ports             map[int]bool
}

func newScanner(w *placing) *scanner {
	s := &scanner{zones: map[string]map[string]int{}}
	for n := range w.nodes {
		i := w.instance(n)
		s.nodes = append(s.nodes, scanned{instance: i, zone: i.Zone(), rack: i.Attribute("rack"), cpu: i.CPU, memory: i.Memory,
			gpus: len(i.GPUs), groups: map[string]int{}, ports: map[int]bool{}})
	}
	return s
}

// naive is how many tasks a second a scanner places, for as long as it may.
func (w *placing) naive(limit time.Duration) float64 {
	s := newScanner(w)
	began := time.Now()
	for n := 0; n < w.tasks && time.Since(began) < limit; n++ {
		s.place(w.task(n, w.nodes))
	}
	return float64(s.placed) / time.Since(began).Seconds()
}

// bestFit is on how many instances a scanner puts all tasks of the shape.
func (w *placing) bestFit() int {
	s := newScanner(w)
	for n := range w.tasks {
		s.place(w.task(n, w.nodes))
	}
	used := 0
	for i := range s.nodes {
		if s.nodes[i].tasks > 0 {
			used++
		}
	}
	return used
}

func (s *scanner) place(t *state.Task) {
	apart := slices.ContainsFunc(t.Constraints, func(c state.PlacementConstraint) bool { return c.Type == "distinctInstance" })
	racks := slices.ContainsFunc(t.Constraints, func(c state.PlacementConstraint) bool { return c.Type == "memberOf" })
	zones := s.zones[t.Group]
	if zones == nil {
		zones = map[string]int{}
		s.zones[t.Group] = zones
	}
	best, least := -1, [2]int{}
	for i := range s.nodes {
		n := &s.nodes[i]
		if !n.fits(t) || apart && n.groups[t.Group] > 0 || racks && n.rack != "1" && n.rack != "2" && n.rack != "3" {
			continue
		}
		score := [2]int{zones[n.zone], n.tasks}
		if len(t.Strategy) > 0 {
			score = n.score(t)
		}
		if best < 0 || slices.Compare(score[:], least[:]) < 0 {
			best, least = i, score
		}
	}
	if best < 0 {
		return
	}
	zones[s.nodes[best].zone]++
	s.nodes[best].take(t)
	s.placed++
}

// score by the task's one strategy, which is binpack by memory or spread by instance.
func (n *scanned) score(t *state.Task) [2]int {
	if t.Strategy[0].Type == "binpack" {
		return [2]int{n.memory}
	}
	return [2]int{n.groups[t.Group], n.tasks}
}

func (n *scanned) fits(t *state.Task) bool {
	if n.cpu < t.Need.CPU || n.memory < t.Need.Memory || n.gpus < t.Need.GPUs {
		return false
	}
	for _, p := range t.Need.TCP {
		if n.ports[p] {
			return false
		}
	}
	return true
}

func (n *scanned) take(t *state.Task) {
	n.cpu, n.memory, n.gpus = n.cpu-t.Need.CPU, n.memory-t.Need.Memory, n.gpus-t.Need.GPUs
	n.tasks++
	n.groups[t.Group]++
	for _, p := range t.Need.TCP {
		n.ports[p] = true
	}
}
