package ecs

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// crowd is a cluster with very many tasks, some of which come and go.
type crowd struct {
	t       *testing.T
	a       *API
	caller  front.Caller
	cluster state.ClusterKey
	rand    *rand.Rand
	tasks   []state.TaskKey
	stays   map[string]bool // ARNs of those that are left alone, and whether they have been listed
}

func newCrowd(t *testing.T, tasks int) *crowd {
	s, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c := &crowd{t: t, a: New(Config{Store: s, Now: time.Now}), cluster: state.NewClusterKey(testScope, "default"),
		caller: front.Caller{Account: testScope.Account, Region: testScope.Region},
		rand:   rand.New(rand.NewPCG(1, 2)), stays: map[string]bool{}}
	c.write(func(tx *store.Tx) {
		tx.Clusters().Put(&state.Cluster{Key: c.cluster, Status: state.StatusActive})
		tx.Services().Put(&state.Service{Key: state.NewServiceKey(c.cluster, "web"), Status: state.StatusActive})
		tx.Families().Put(&state.Family{Key: state.NewFamilyKey(testScope, "web"), Last: 1})
		for range tasks {
			c.add(tx)
		}
	})
	return c
}

func (c *crowd) write(fn func(*store.Tx)) {
	err := c.a.Store.Update(c.t.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *crowd) add(tx *store.Tx) state.TaskKey {
	k := state.NewTaskKey(c.cluster, fmt.Sprintf("%016x%016x", c.rand.Uint64(), c.rand.Uint64()))
	c.tasks = append(c.tasks, k)
	tx.Tasks().Put(&state.Task{Key: k, Desired: state.Running, Last: state.Running, StartedBy: "ci", LaunchType: state.LaunchEC2,
		TaskDefinition: state.NewFamilyKey(testScope, "web").Revision(1), Service: state.NewServiceKey(c.cluster, "web")})
	return k
}

// churn lets some tasks begin, some begin to stop, some end and some be forgotten.
func (c *crowd) churn() {
	c.write(func(tx *store.Tx) {
		for range 5 {
			c.add(tx)
		}
		for range 20 {
			k := c.tasks[c.rand.IntN(len(c.tasks))]
			old, ok := tx.Tasks().Get(k)
			if !ok || c.isStaying(k) {
				continue
			}
			now := *old
			switch {
			case old.Desired == state.Running:
				now.Desired = state.Stopped
			case old.Live():
				now.Last = state.Stopped
			default:
				tx.Tasks().Delete(k)
				continue
			}
			tx.Tasks().Put(&now)
		}
	})
}

func (c *crowd) isStaying(k state.TaskKey) bool { _, ok := c.stays[k.ARN()]; return ok }

// readThrough lists page by page while tasks come and go.
func (c *crowd) readThrough(in ecswire.ListTasksRequest) {
	seen := map[string]bool{}
	for {
		out, err := c.a.ListTasks(c.t.Context(), c.caller, &in)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, arn := range out.TaskArns {
			if seen[arn] {
				c.t.Fatalf("%s was listed twice", arn)
			}
			seen[arn] = true
		}
		if out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
		c.churn()
	}
	for arn := range c.stays {
		if !seen[arn] {
			c.t.Fatalf("%s was there all the time and was not listed", arn)
		}
	}
}

func TestPagesOfACrowdHaveNoGapAndNoDuplicateWhileTasksComeAndGo(t *testing.T) {
	for name, in := range map[string]ecswire.ListTasksRequest{
		"all": {}, "launch type": {LaunchType: ptr("EC2")}, "service": {ServiceName: ptr("web")},
		"family": {Family: ptr("web")}, "startedBy": {StartedBy: ptr("ci")},
	} {
		for _, kept := range []bool{false, true} { // with and without counts beside the store
			t.Run(fmt.Sprint(name, " ", kept), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCrowd(t, 5000)
					for _, k := range c.tasks[:2500] {
						c.stays[k.ARN()] = true
					}
					if kept {
						go func() { _ = c.a.Run(t.Context()) }() // until the test ends
						synctest.Wait()
					}
					c.readThrough(in)
				})
			})
		}
	}
}

func TestPagesOfWhatHasStoppedHaveNoGapAndNoDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 5000)
		c.write(func(tx *store.Tx) {
			for n, k := range c.tasks[:2000] {
				old, _ := tx.Tasks().Get(k)
				now := *old
				now.Desired = state.Stopped
				if n%2 == 0 { // the others are on their way
					now.Last = state.Stopped
				}
				tx.Tasks().Put(&now)
				c.stays[k.ARN()] = true
			}
		})
		go func() { _ = c.a.Run(t.Context()) }() // until the test ends
		synctest.Wait()
		c.readThrough(ecswire.ListTasksRequest{DesiredStatus: ptr("STOPPED")})
		c.readThrough(ecswire.ListTasksRequest{DesiredStatus: ptr("STOPPED"), Family: ptr("web")})
	})
}
