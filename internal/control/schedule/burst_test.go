package schedule

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// gate is an engine whose commits wait for a word once it is shut: nil lets one pass, an error fails it.
type gate struct {
	memory.Engine
	shut bool
	word chan error
}

func (g *gate) Commit(ctx context.Context, b store.Batch) error {
	if g.shut {
		err := <-g.word
		if err != nil {
			return err
		}
	}
	return g.Engine.Commit(ctx, b)
}

// gated is a promise over a gate, with seven tasks that wait, three to a burst, and room for one on each of
// seven instances.
func gated(t *testing.T) (*Schedule, *gate) {
	g := &gate{word: make(chan error)}
	st, err := store.Open(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	board := place.NewBoard(func(int) int { return 0 })
	board.Sole()
	go func() { _ = Follow(t.Context(), st, board) }()
	id := 0
	s := New(Config{Store: st, Board: board, Now: time.Now, Batch: 3,
		NewID: func() string { id++; return fmt.Sprint("id", id) }})
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		tx.Services().Put(&state.Service{Key: web, Status: state.StatusActive})
		for n := range 7 {
			tx.Tasks().Put(task(n, 1024))
			tx.Instances().Put(instance(fmt.Sprint("i", n), 1024))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	g.shut = true
	return s, g
}

func (s *Schedule) reconciling(t *testing.T) chan error {
	done := make(chan error, 1)
	go func() {
		_, err := s.Reconcile(t.Context(), string(cluster))
		done <- err
	}()
	synctest.Wait()
	return done
}

func (s *Schedule) waitingTasks() int {
	n := 0
	for range s.Store.View().Tasks().Unplaced(cluster) {
		n++
	}
	return n
}

func TestTheNextBurstIsDecidedWhileOneIsMadeDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := gated(t)
		done := s.reconciling(t)
		head := 0
		err := errors.New("only looking")
		answer := make(chan error, 1)
		go func() {
			answer <- s.Store.Update(t.Context(), func(tx *store.Tx) error {
				for range tx.Tasks().Unplaced(cluster) {
					head++
				}
				return err
			})
		}()
		synctest.Wait()
		if head != 1 || s.waitingTasks() != 7 {
			t.Errorf("%d wait in the newest state and %d in the durable one, want 1 and 7", head, s.waitingTasks())
		}
		for was := 7; was > 0; was = s.waitingTasks() { // a burst that is decided in time joins the one before
			g.word <- nil
			synctest.Wait()
			if now := s.waitingTasks(); now > max(0, was-3) {
				t.Fatalf("%d wait after a commit, %d before", now, was)
			}
		}
		if err := errors.Join(<-done); err != nil || s.waitingTasks() != 0 {
			t.Errorf("%d wait in the end, %v", s.waitingTasks(), err)
		}
		<-answer
	})
}

func TestBurstsThatAFullDiskRefusedArePlacedOnceThereIsSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := gated(t)
		done := s.reconciling(t)
		g.word <- store.ErrNoSpace
		if err := <-done; !errors.Is(err, store.ErrNoSpace) {
			t.Fatalf("got %v", err)
		}
		if s.waitingTasks() != 7 {
			t.Errorf("%d wait after nothing was written", s.waitingTasks())
		}
		g.shut = false
		if err := <-s.reconciling(t); err != nil {
			t.Fatal(err)
		}
		on := map[state.InstanceKey]int{}
		for x := range s.Store.View().Tasks().OfCluster(cluster) {
			on[x.Instance]++
		}
		if len(on) != 7 || on[""] != 0 {
			t.Errorf("got %v", on)
		}
	})
}

func TestAServiceIsToldOnceOverAllBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := gated(t)
		g.shut = false
		err := s.Store.Update(t.Context(), func(tx *store.Tx) error {
			for n := 10; n < 40; n++ {
				tx.Tasks().Put(task(n, 1024))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-s.reconciling(t); err != nil {
			t.Fatal(err)
		}
		if s.waitingTasks() != 30 || s.Store.View().Events().Len() != 1 {
			t.Errorf("%d wait and %d events tell of it, want 30 and 1", s.waitingTasks(), s.Store.View().Events().Len())
		}
	})
}
