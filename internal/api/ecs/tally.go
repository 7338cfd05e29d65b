package ecs

import (
	"context"
	"slices"
	"sync"

	"longshore/internal/state"
	"longshore/internal/store"
)

// tally keeps the counts of every cluster beside the store, commit by commit, so that DescribeClusters does not look
// at every task. It is as new as the newest view that anybody asked about; without Run nobody keeps it, and
// counts are taken by looking.
type tally struct {
	mu       sync.Mutex
	commits  *store.Watcher // nil: not kept
	revision uint64
	of       map[state.ClusterKey]*clusterTally
	shown    map[state.TaskKey]*knownTask // at most maxShownTasks
	services map[shownService]*knownService
}

// clusterTally is what is known of one cluster without looking.
type clusterTally struct {
	clusterCounts
	// wanted counts tasks by desired status: RUNNING, then STOPPED.
	wanted [2]perLaunch
	// leaving are the live tasks whose desired status is STOPPED; all others of that status are filed as past.
	leaving map[state.TaskKey]bool
}

// Run keeps counts until ctx ends.
func (a *API) Run(ctx context.Context) error {
	v := a.Store.View()
	a.tally.begin(v)
	defer a.tally.end()
	commits := v.Watch()
	for {
		_, revision, err := commits.Next(ctx)
		if err != nil {
			return err
		}
		a.tally.mu.Lock()
		a.tally.advance(revision)
		a.tally.mu.Unlock()
	}
}

func (t *tally) begin(v store.View) {
	of := map[state.ClusterKey]*clusterTally{}
	fresh := &tally{of: of}
	for i := range v.Instances().All() {
		fresh.countInstance(i, 1)
	}
	for s := range v.Services().All() {
		fresh.countService(s, 1)
	}
	for task := range v.Tasks().All() {
		fresh.countTask(task, 1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of, t.revision, t.commits = of, v.Revision(), v.Watch()
	t.shown, t.services = map[state.TaskKey]*knownTask{}, map[shownService]*knownService{}
}

// end lets go of the commits: a watcher that nobody moves would hold all that follow.
func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commits, t.of, t.shown, t.services = nil, nil, nil, nil
}

// advance to a revision that a view has shown: its commit is linked, or will be in a moment.
func (t *tally) advance(to uint64) {
	for t.commits != nil && t.revision < to {
		changes, revision, err := t.commits.Next(context.Background())
		if err != nil {
			t.commits = nil // cannot be: this context does not end
			return
		}
		for _, c := range changes {
			t.apply(c.Old, -1)
			t.apply(c.New, 1)
		}
		t.revision = revision
	}
}

func (t *tally) apply(record any, by int) {
	switch r := record.(type) {
	case *state.Task:
		t.countTask(r, by)
		t.forgetTask(r)
		if r != nil {
			t.forgetService(r.Service)
		}
	case *state.Service:
		t.countService(r, by)
		if r != nil {
			t.forgetService(r.Key)
		}
	case *state.Deployment:
		if r != nil {
			t.forgetService(r.Service)
		}
	case *state.Event:
		if r != nil {
			t.forgetService(r.Service)
		}
	case *state.Instance:
		t.countInstance(r, by)
		t.forgetHost(r)
	}
}

func (t *tally) cluster(k state.ClusterKey) *clusterTally {
	c := t.of[k]
	if c == nil {
		c = &clusterTally{leaving: map[state.TaskKey]bool{}}
		t.of[k] = c
	}
	return c
}

func (t *tally) countTask(r *state.Task, by int) {
	if r == nil {
		return
	}
	c := t.cluster(r.Key.Cluster())
	c.task(r, by)
	if r.Desired != state.Stopped {
		c.wanted[0].add(r.LaunchType, by)
		return
	}
	c.wanted[1].add(r.LaunchType, by)
	switch {
	case by < 0:
		delete(c.leaving, r.Key)
	case r.Live():
		c.leaving[r.Key] = true
	}
}

func (t *tally) countService(r *state.Service, by int) {
	if r != nil {
		t.cluster(r.Key.Cluster()).service(r, by)
	}
}

func (t *tally) countInstance(r *state.Instance, by int) {
	if r != nil {
		t.cluster(r.Key.Cluster()).instance(r, by)
	}
}

// counts of a cluster, as v shows it or newer.
func (t *tally) counts(v store.View, k state.ClusterKey) clusterCounts {
	t.mu.Lock()
	t.advance(v.Revision())
	if t.commits == nil {
		t.mu.Unlock()
		return countCluster(v, k)
	}
	defer t.mu.Unlock()
	c := t.of[k]
	if c == nil {
		return clusterCounts{}
	}
	return c.clusterCounts
}

// none says that, as v shows it or newer, no task of the cluster has the desired status and the launch type.
func (t *tally) none(v store.View, k state.ClusterKey, desired state.Status, launch string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance(v.Revision())
	if t.commits == nil {
		return false
	}
	c := t.of[k]
	if c == nil {
		return true
	}
	w := c.wanted[0]
	if desired == state.Stopped {
		w = c.wanted[1]
	}
	return launch == "" && w.sum() == 0 || launch != "" && w.of(launch) == 0
}

// leaving are the live tasks whose desired status is STOPPED, sorted, as v shows them or newer; false = not known, or
// more than most.
func (t *tally) leaving(v store.View, k state.ClusterKey, most int) ([]state.TaskKey, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance(v.Revision())
	if t.commits == nil {
		return nil, false
	}
	c := t.of[k]
	if c == nil {
		return nil, true
	}
	if len(c.leaving) > most {
		return nil, false
	}
	out := make([]state.TaskKey, 0, len(c.leaving))
	for key := range c.leaving {
		out = append(out, key)
	}
	slices.Sort(out)
	return out, true
}
