package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
	"longshore/internal/store/storetest"
)

// gate is an engine whose commits wait for a word: nil lets one pass, an error fails it.
type gate struct {
	memory.Engine
	word    chan error
	mu      sync.Mutex
	records map[string]store.Op
	rev     uint64
	batches []store.Batch
}

func newGate() *gate { return &gate{word: make(chan error), records: map[string]store.Op{}} }

func (g *gate) Commit(_ context.Context, b store.Batch) error {
	err := <-g.word
	if err != nil {
		return err
	}
	g.apply(b)
	return nil
}

func (g *gate) apply(b store.Batch) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batches = append(g.batches, b)
	g.rev = b.Revision
	for _, op := range b.Ops {
		delete(g.records, op.Table+op.Key)
		if op.Value != nil {
			g.records[op.Table+op.Key] = op
		}
	}
}

func (g *gate) Load(_ context.Context, yield func(string, string, []byte) error) (uint64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, op := range g.records {
		err := yield(op.Table, op.Key, op.Value)
		if err != nil {
			return 0, err
		}
	}
	return g.rev, nil
}

// putting starts an Update and gives where its answer will come.
func putting(t *testing.T, s *store.Store, name string) chan error {
	out := make(chan error, 1)
	go func() {
		out <- s.Update(t.Context(), func(tx *store.Tx) error {
			tx.Clusters().Put(storetest.Cluster(name, ""))
			return nil
		})
	}()
	synctest.Wait()
	return out
}

func pending(t *testing.T, answers ...chan error) {
	t.Helper()
	synctest.Wait()
	for _, a := range answers {
		select {
		case err := <-a:
			t.Errorf("an update was answered before its commit: %v", err)
		default:
		}
	}
}

func TestUpdatesAreAcknowledgedAndShownOnlyAfterTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := storetest.Open(t, g)
		first := putting(t, s, "a")
		second, third := putting(t, s, "b"), putting(t, s, "c")
		reader, refused := make(chan error, 1), make(chan error, 1)
		go func() { reader <- s.Update(t.Context(), func(*store.Tx) error { return nil }) }()
		boom := errors.New("b exists")
		go func() { refused <- s.Update(t.Context(), func(*store.Tx) error { return boom }) }()
		pending(t, first, second, third, reader, refused)
		if n := s.View().Clusters().Len(); n != 0 {
			t.Errorf("%d records are visible before any commit", n)
		}
		g.word <- nil
		synctest.Wait()
		if got := storetest.Names(s.View()); !slices.Equal(got, []string{"a"}) || <-first != nil {
			t.Errorf("after the first commit the view shows %v", got)
		}
		pending(t, second, third, reader, refused)
		g.word <- nil
		if err := errors.Join(<-second, <-third, <-reader); err != nil {
			t.Error(err)
		}
		if err := <-refused; !errors.Is(err, boom) {
			t.Errorf("the refusal came as %v", err)
		}
		if len(g.batches) != 2 {
			t.Errorf("three updates took %d commits: those that wait share one", len(g.batches))
		}
	})
}

func TestAFailedCommitDropsEverythingBuiltOnIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := storetest.Open(t, g)
		first, second := putting(t, s, "a"), putting(t, s, "b")
		g.word <- fmt.Errorf("commit: %w", store.ErrNoSpace)
		if err := <-first; !errors.Is(err, store.ErrNoSpace) {
			t.Errorf("the first update answered %v", err)
		}
		if err := <-second; !errors.Is(err, store.ErrNoSpace) {
			t.Errorf("the update built on it answered %v", err)
		}
		third := putting(t, s, "c")
		g.word <- nil
		if err := <-third; err != nil {
			t.Error(err)
		}
		if got := storetest.Names(s.View()); !slices.Equal(got, []string{"c"}) {
			t.Errorf("the view shows %v", got)
		}
		fourth := putting(t, s, "d")
		g.word <- errors.New("sync failed")
		if err := <-fourth; !errors.Is(err, store.ErrStopped) {
			t.Errorf("after a failed sync the update answered %v", err)
		}
		if err := <-putting(t, s, "e"); !errors.Is(err, store.ErrStopped) {
			t.Errorf("a stopped store answered %v", err)
		}
	})
}

func TestAConflictReloadsRunsAgainAndTellsWatchersTheDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		other := newGate()
		remote := storetest.Open(t, other)
		for _, n := range []string{"kept", "gone", "a"} {
			done := putting(t, remote, n)
			other.word <- nil
			<-done
		}
		for _, b := range other.batches[:2] {
			g.apply(b)
		}
		s := storetest.Open(t, g)
		w := s.View().Watch()
		runs := 0
		answer := make(chan error, 1)
		go func() {
			answer <- s.Update(t.Context(), func(tx *store.Tx) error {
				runs++
				_, exists := tx.Clusters().Get(storetest.Cluster("a", "").Key)
				if exists {
					return errors.New("a exists")
				}
				tx.Clusters().Put(storetest.Cluster("a", ""))
				return nil
			})
		}()
		built := putting(t, s, "b")
		g.apply(other.batches[2]) // another server writes a, and takes "gone" away
		g.apply(store.Batch{Revision: 9, Ops: []store.Op{{
			Table: "clusters", Key: string(storetest.Cluster("gone", "").Key)}}})
		g.word <- store.ErrConflict
		g.word <- nil // b, run again
		if err := <-answer; err == nil || err.Error() != "a exists" || runs != 2 {
			t.Errorf("after %d runs the update answered %v", runs, err)
		}
		if err := <-built; err != nil {
			t.Error(err)
		}
		changes, _, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, c := range changes {
			name := c.Key[strings.LastIndexByte(c.Key, '/')+1:]
			told = append(told, fmt.Sprint(name, " ", c.Old != nil, " ", c.New != nil))
		}
		if !slices.Equal(told, []string{"gone true false", "a false true"}) {
			t.Errorf("watchers were told %v", told)
		}
		if got := storetest.Names(s.View()); !slices.Equal(got, []string{"a", "b", "kept"}) {
			t.Errorf("the view shows %v", got)
		}
		if s.View().Revision() != 10 {
			t.Errorf("revision %d", s.View().Revision())
		}
	})
}

func TestAnUpdateWhoseContextEndsLeavesTheOutcomeOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := storetest.Open(t, g)
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error, 1)
		go func() {
			answer <- s.Update(ctx, func(tx *store.Tx) error {
				tx.Clusters().Put(storetest.Cluster("a", ""))
				return nil
			})
		}()
		synctest.Wait()
		cancel()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("the update answered %v", err)
		}
		g.word <- nil
		synctest.Wait()
		if s.View().Clusters().Len() != 1 {
			t.Error("the write that was under way is not there")
		}
	})
}

func TestARecordOfAnUnknownTableKeepsTheStoreShut(t *testing.T) {
	g := newGate()
	g.apply(store.Batch{Revision: 1, Ops: []store.Op{{Table: "spaceships", Key: "x", Value: []byte{0xf6}}}})
	_, err := store.Open(t.Context(), g)
	if err == nil || !strings.Contains(err.Error(), "spaceships") {
		t.Errorf("open answered %v", err)
	}
}

func TestEveryFieldOfARecordComesBack(t *testing.T) {
	g := newGate()
	close(g.word)
	s := storetest.Open(t, g)
	task := storetest.Task(1, "web")
	fill(task)
	def := &state.TaskDefinition{Key: task.TaskDefinition}
	fill(def)
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		tx.Tasks().Put(task)
		tx.TaskDefinitions().Put(def)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	again := storetest.Open(t, g)
	got, _ := again.View().Tasks().Get(task.Key)
	compare(t, task, got)
	gotDef, _ := again.View().TaskDefinitions().Get(def.Key)
	compare(t, def, gotDef)
}
