package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync"
	"testing"

	"longshore/internal/state"
	"longshore/internal/store"
)

// watchHasNoGap has writers, and watchers that start at any moment: view plus changes must give the end.
func watchHasNoGap(t *testing.T, s *store.Store) {
	const writers, each, watchers = 4, 50, 4
	var wg sync.WaitGroup
	for w := range watchers {
		wg.Go(func() {
			Put(t, s, fmt.Sprintf("start%d", w))
			v := s.View()
			seen := map[string]string{}
			for c := range v.Clusters().All() {
				seen[string(c.Key)] = c.Status
			}
			follow(t, v, seen, s)
		})
	}
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				Put(t, s, fmt.Sprintf("w%d-%d", w, i%7))
				err := s.Update(t.Context(), func(tx *store.Tx) error {
					tx.Clusters().Delete(Cluster(fmt.Sprintf("w%d-%d", w, (i+3)%7), "").Key)
					tx.Clusters().Put(Cluster("last", fmt.Sprint(w, i)))
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
			Put(t, s, fmt.Sprintf("done%d", w))
		})
	}
	wg.Wait()
}

// follow applies changes until every writer is done, and compares with the view of that revision.
func follow(t *testing.T, v store.View, seen map[string]string, s *store.Store) {
	w := v.Watch()
	rev := v.Revision()
	for {
		done := 0
		for k := range seen {
			if len(k) > 5 && k[len(k)-5:len(k)-1] == "done" {
				done++
			}
		}
		if done == 4 {
			break
		}
		changes, now, err := w.Next(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if now <= rev {
			t.Errorf("revision %d came after %d", now, rev)
		}
		if s.View().Revision() < now {
			t.Errorf("revision %d was announced before it was visible", now)
		}
		rev = now
		for _, c := range changes {
			if c.New == nil {
				delete(seen, c.Key)
				continue
			}
			seen[c.Key] = c.New.(*state.Cluster).Status
		}
	}
	end := map[string]string{}
	for c := range s.View().Clusters().All() {
		end[string(c.Key)] = c.Status
	}
	if s.View().Revision() == rev && !maps.Equal(seen, end) {
		t.Errorf("the watcher has %v, the view %v", seen, end)
	}
}

func watchEnds(t *testing.T, s *store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := s.View().Watch().Next(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("next answered %v", err)
	}
}

// viewsBesideUpdates writes and deletes records in pairs: every view must show whole pairs.
func viewsBesideUpdates(t *testing.T, s *store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				v := s.View()
				n := 0
				for range v.Tasks().Prefix("") {
					n++
				}
				if n != v.Tasks().Len() || n%2 != 0 {
					t.Errorf("a view shows %d tasks and counts %d: half of an update", n, v.Tasks().Len())
				}
				runtime.Gosched() // an engine in this process needs the processors, too
			}
		})
	}
	for i := range 200 {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			for _, k := range []int{2 * i, 2*i + 1} {
				tx.Tasks().Put(Task(k, "web"))
				tx.Tasks().Delete(Task(k-20, "web").Key)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	cancel()
	wg.Wait()
}
