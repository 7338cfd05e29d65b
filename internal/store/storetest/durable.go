package storetest

import (
	"fmt"
	"slices"
	"testing"

	"longshore/internal/state"
	"longshore/internal/store"
)

// RunDurable checks what engines that keep records promise: open is called again on the same place after the
// engine that it gave before was closed.
func RunDurable(t *testing.T, place func(t *testing.T) (open func() store.Engine)) {
	t.Run("everything is there after a restart", func(t *testing.T) { survives(t, place(t)) })
	t.Run("revisions go on after a restart", func(t *testing.T) { revisionsGoOn(t, place(t)) })
}

func survives(t *testing.T, open func() store.Engine) {
	odd := Task(7, "web")
	odd.StoppedReason = "exit \xff\xfe" // containers print what they like
	for round := range 3 {
		s := reopen(t, open())
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			tx.Tasks().Put(odd)
			tx.Clusters().Put(Cluster(fmt.Sprint("c", round), state.StatusActive))
			tx.Clusters().Delete(Cluster(fmt.Sprint("c", round-2), "").Key)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		closeStore(t, s)
	}
	s := reopen(t, open())
	defer closeStore(t, s)
	if got := Names(s.View()); !slices.Equal(got, []string{"c1", "c2"}) {
		t.Errorf("the view shows %v", got)
	}
	got, ok := s.View().Tasks().Get(odd.Key)
	if !ok || got.StoppedReason != odd.StoppedReason || got.Last != odd.Last {
		t.Errorf("the task came back as %+v", got)
	}
	if n := len(slices.Collect(s.View().Tasks().OfService(odd.Service))); n != 1 {
		t.Errorf("the index of services came back with %d tasks", n)
	}
}

func revisionsGoOn(t *testing.T, open func() store.Engine) {
	var last uint64
	for range 3 {
		s := reopen(t, open())
		if got := s.View().Revision(); got != last {
			t.Errorf("opened at revision %d, closed at %d", got, last)
		}
		Put(t, s, "a")
		if got := s.View().Revision(); got <= last {
			t.Errorf("revision %d came after %d", got, last)
		}
		last = s.View().Revision()
		closeStore(t, s)
	}
}

func reopen(t *testing.T, e store.Engine) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), e)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	return s
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	err := s.Close()
	if err != nil {
		t.Fatalf("close store: %v", err)
	}
}
