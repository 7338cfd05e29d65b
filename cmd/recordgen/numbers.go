package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// numbers remembers which number every field of every type ever had, and what it held.
type numbers struct {
	of   map[string]number // by type and field, "Task.Service"
	last map[string]int    // highest number of a type
}

type number struct {
	n    int
	kind string
}

func parseNumbers(text string) (*numbers, error) {
	n := &numbers{of: map[string]number{}, last: map[string]int{}}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var name, kind string
		var at int
		_, err := fmt.Sscanf(line, "%s %d %s", &name, &at, &kind)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		owner, _, _ := strings.Cut(name, ".")
		n.of[name] = number{at, kind}
		n.last[owner] = max(n.last[owner], at)
	}
	return n, nil
}

// field gives the number of a field, a new one if it never had any. A field whose kind changed would misread
// what was written before.
func (n *numbers) field(owner, name, kind string) (int, error) {
	full := owner + "." + name
	was, ok := n.of[full]
	if ok && was.kind != kind {
		return 0, fmt.Errorf("%s was %s and is %s: give it another name, or older records are misread", full, was.kind, kind)
	}
	if !ok {
		n.last[owner]++
		was = number{n.last[owner], kind}
		n.of[full] = was
	}
	return was.n, nil
}

func (n *numbers) text() string {
	out := strings.Builder{}
	out.WriteString("# Written by cmd/recordgen: the number and kind of every field that a record ever had. Never reuse one.\n")
	names := slices.SortedFunc(maps.Keys(n.of), func(a, b string) int {
		x, _, _ := strings.Cut(a, ".")
		y, _, _ := strings.Cut(b, ".")
		if x != y {
			return strings.Compare(x, y)
		}
		return n.of[a].n - n.of[b].n
	})
	for _, name := range names {
		fmt.Fprintf(&out, "%s %d %s\n", name, n.of[name].n, n.of[name].kind)
	}
	return out.String()
}
