// Package storetest is the one suite that every engine passes: what the store promises on top of it.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"longshore/internal/state"
	"longshore/internal/store"
)

// Scope of every record that the suite writes.
func Scope() state.Scope { return state.Scope{Account: "000000000000", Region: "us-east-1"} }

// Cluster makes a small record under a name.
func Cluster(name, status string) *state.Cluster {
	return &state.Cluster{Key: state.NewClusterKey(Scope(), name), Status: status}
}

// Names of the clusters in a view, in order.
func Names(v store.View) []string {
	var out []string
	for c := range v.Clusters().All() {
		out = append(out, c.Key.Name())
	}
	return out
}

// Increment adds one to a counter: a lost Update shows in it.
func Increment(tx *store.Tx) {
	c, ok := tx.Clusters().Get(Cluster("counter", "").Key)
	tx.Clusters().Put(Cluster("counter", strconv.Itoa(number(c, ok)+1)))
}

// Counter is what Increment has made of it.
func Counter(v store.View) int { return number(v.Clusters().Get(Cluster("counter", "").Key)) }

func number(c *state.Cluster, ok bool) int {
	if !ok {
		return 0
	}
	n, _ := strconv.Atoi(c.Status) // Increment alone writes it
	return n
}

// Put writes clusters in one Update.
func Put(t *testing.T, s *store.Store, names ...string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for _, n := range names {
			tx.Clusters().Put(Cluster(n, state.StatusActive))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("put %v: %v", names, err)
	}
}

// Run checks the promises of the store over engines that open makes, each time an empty one.
func Run(t *testing.T, open func(t *testing.T) store.Engine) {
	for name, test := range map[string]func(*testing.T, *store.Store){
		"a view never changes":                             viewNeverChanges,
		"an update is visible as a whole or not at all":    updateIsAtomic,
		"an error leaves no trace":                         errorLeavesNoTrace,
		"a closure reads its own writes":                   closureReadsOwnWrites,
		"the body of a range loop may write":               rangeMayWrite,
		"a deleted record is gone from every index":        deleteIsWhole,
		"pages of a table follow each other":               pagesFollow,
		"a watcher misses nothing under concurrent writes": watchHasNoGap,
		"a watcher ends with its context":                  watchEnds,
		"views go on beside updates":                       viewsBesideUpdates,
		"a closed store refuses updates and is readable":   closedRefuses,
	} {
		t.Run(name, func(t *testing.T) { test(t, Open(t, open(t))) })
	}
}

// Open opens a store and closes it with the test.
func Open(t *testing.T, e store.Engine) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), e)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		err := s.Close()
		if err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

func viewNeverChanges(t *testing.T, s *store.Store) {
	Put(t, s, "a", "b")
	before := s.View()
	Put(t, s, "c")
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		tx.Clusters().Delete(Cluster("a", "").Key)
		tx.Clusters().Put(Cluster("b", state.StatusInactive))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := Names(before); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the old view shows %v", got)
	}
	b, _ := before.Clusters().Get(Cluster("b", "").Key)
	if b.Status != state.StatusActive {
		t.Errorf("the old view shows status %s", b.Status)
	}
	if got := Names(s.View()); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("the new view shows %v", got)
	}
	if s.View().Revision() <= before.Revision() {
		t.Errorf("revision went from %d to %d", before.Revision(), s.View().Revision())
	}
}

func updateIsAtomic(t *testing.T, s *store.Store) {
	w := s.View().Watch()
	Put(t, s, "a", "b", "c")
	changes, rev, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 3 || rev != s.View().Revision() {
		t.Errorf("one update came as %d changes at revision %d", len(changes), rev)
	}
}

func errorLeavesNoTrace(t *testing.T, s *store.Store) {
	Put(t, s, "a")
	rev := s.View().Revision()
	boom := errors.New("boom")
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		tx.Clusters().Put(Cluster("b", ""))
		tx.Clusters().Delete(Cluster("a", "").Key)
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("update answered %v", err)
	}
	if got := Names(s.View()); !slices.Equal(got, []string{"a"}) || s.View().Revision() != rev {
		t.Errorf("the view shows %v at revision %d", got, s.View().Revision())
	}
}

func closureReadsOwnWrites(t *testing.T, s *store.Store) {
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		tx.Tasks().Put(Task(1, "web"))
		got := slices.Collect(tx.Tasks().OfService(Task(1, "web").Service))
		if len(got) != 1 {
			t.Errorf("the closure sees %d tasks of the service", len(got))
		}
		if tx.View().Tasks().Len() != 1 {
			t.Error("the closure's view does not see the task")
		}
		tx.Tasks().Delete(Task(1, "web").Key)
		if tx.Tasks().Len() != 0 {
			t.Error("the closure still sees the deleted task")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func rangeMayWrite(t *testing.T, s *store.Store) {
	Put(t, s, "a", "b", "c")
	var seen []string
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		seen = nil
		for c := range tx.Clusters().All() {
			seen = append(seen, c.Key.Name())
			tx.Clusters().Delete(c.Key)
			tx.Clusters().Put(Cluster(c.Key.Name()+"2", ""))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []string{"a", "b", "c"}) {
		t.Errorf("the loop saw %v", seen)
	}
	if got := Names(s.View()); !slices.Equal(got, []string{"a2", "b2", "c2"}) {
		t.Errorf("the view shows %v", got)
	}
}

func pagesFollow(t *testing.T, s *store.Store) {
	var all []string
	for i := range 25 {
		all = append(all, fmt.Sprintf("c%02d", i))
	}
	Put(t, s, all...)
	prefix := Scope().String() + "/"
	var got []string
	var last state.ClusterKey
	for range 9 {
		n := 0
		for c := range s.View().Clusters().After(prefix, last) {
			got, last = append(got, c.Key.Name()), c.Key
			n++
			if n == 3 {
				break
			}
		}
	}
	if !slices.Equal(got, all) {
		t.Errorf("pages hold %v", got)
	}
	var back []string
	for c := range s.View().Clusters().Backward(prefix) {
		back = append(back, c.Key.Name())
	}
	slices.Reverse(back)
	if !slices.Equal(back, all) {
		t.Errorf("backward gives %v", back)
	}
}

func closedRefuses(t *testing.T, s *store.Store) {
	Put(t, s, "a")
	err := s.Close()
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(*store.Tx) error { return nil })
	if !errors.Is(err, store.ErrClosed) {
		t.Errorf("update after close answered %v", err)
	}
	if got := Names(s.View()); !slices.Equal(got, []string{"a"}) {
		t.Errorf("the view shows %v", got)
	}
}
