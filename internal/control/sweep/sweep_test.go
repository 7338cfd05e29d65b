package sweep

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

var (
	scope   = state.Scope{Account: "123456789012", Region: "us-east-1"}
	cluster = state.NewClusterKey(scope, "c")
	web     = state.NewServiceKey(cluster, "web")
)

type rig struct {
	t  *testing.T
	st *store.Store
}

// ages of the tests: days are long when they are looked through by the minute.
var ages = Ages{Events: 6 * time.Hour, Deployments: 6 * time.Hour}

// run starts the loop with a limit of 50 records an Update.
func run(t *testing.T, test func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), memory.Engine{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_ = loop.Run(ctx, loop.Config{Store: st, Promise: New(Config{Store: st, Now: time.Now, Limit: 50, Ages: ages}),
				Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		}()
		synctest.Wait()
		test(&rig{t, st})
		cancel()
		synctest.Wait()
	})
}

func (r *rig) update(fn func(tx *store.Tx)) {
	r.t.Helper()
	err := r.st.Update(r.t.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		r.t.Fatal(err)
	}
}

// pass lets time go by and the loop finish.
func (r *rig) pass(d time.Duration) store.View {
	time.Sleep(d)
	synctest.Wait()
	return r.st.View()
}

func TestStoppedTasksAreForgottenAfterAnHourHoweverManyThereAre(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) {
			for n := range 230 {
				tx.Tasks().Put(&state.Task{Key: state.NewTaskKey(cluster, fmt.Sprintf("s%03d", n)), Last: state.Stopped,
					StoppedAt: time.Now()})
			}
			tx.Tasks().Put(&state.Task{Key: state.NewTaskKey(cluster, "r"), Last: state.Running})
		})
		if n := r.pass(time.Hour - time.Second).Tasks().Len(); n != 231 {
			r.t.Errorf("%d tasks are left before the hour", n)
		}
		if n := r.pass(2 * time.Minute).Tasks().Len(); n != 1 {
			r.t.Errorf("%d tasks are left", n)
		}
	})
}

func TestAServiceKeepsItsNewestHundredEvents(t *testing.T) {
	run(t, func(r *rig) {
		other := state.NewServiceKey(cluster, "web-2")
		r.update(func(tx *store.Tx) {
			for _, k := range []state.ServiceKey{web, other} {
				tx.Services().Put(&state.Service{Key: k, Status: state.StatusActive})
				for n := range 130 {
					tx.Events().Put(&state.Event{Key: fmt.Sprintf("%s/0000/%03d", k, n), Service: k, At: time.Now()})
				}
			}
		})
		v := r.pass(2 * time.Minute)
		if v.Events().Len() != 200 {
			r.t.Errorf("%d events are left", v.Events().Len())
		}
		for e := range v.Events().Prefix(string(web) + "/") {
			if e.Key != string(web)+"/0000/030" {
				r.t.Errorf("the oldest is %s", e.Key)
			}
			break
		}
		if n := r.pass(6 * time.Hour).Events().Len(); n != 0 {
			r.t.Errorf("%d events are left after their age", n)
		}
	})
}

func TestADeletedServiceIsForgottenWithAllThatSpokeOfIt(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) {
			tx.Clusters().Put(&state.Cluster{Key: cluster, Status: state.StatusInactive, DeletedAt: time.Now()})
			tx.Services().Put(&state.Service{Key: web, Status: state.StatusInactive, DeletedAt: time.Now()})
			tx.Deployments().Put(&state.Deployment{Key: state.NewDeploymentKey(web, "1"), Service: web,
				Revision: state.NewRevisionKey(web, "r")})
			tx.ServiceDeployments().Put(&state.ServiceDeployment{Key: state.NewServiceDeploymentKey(web, "d"), Service: web,
				Target: state.NewRevisionKey(web, "r"), Status: state.ServiceDeploymentSuccessful})
			tx.ServiceRevisions().Put(&state.ServiceRevision{Key: state.NewRevisionKey(web, "r"), Service: web})
			tx.Events().Put(&state.Event{Key: string(web) + "/0000/1", Service: web, At: time.Now()})
			tx.Instances().Put(&state.Instance{Key: state.NewInstanceKey(cluster, "i"), Status: state.StatusInactive,
				DisconnectedAt: time.Now()})
		})
		v := r.pass(59 * time.Minute)
		if v.Services().Len() != 1 || v.Clusters().Len() != 1 || v.ServiceRevisions().Len() != 1 {
			r.t.Error("forgotten too early")
		}
		v = r.pass(10 * time.Minute)
		if v.Services().Len()+v.Deployments().Len()+v.ServiceDeployments().Len()+v.ServiceRevisions().Len()+
			v.Events().Len()+v.Instances().Len()+v.Clusters().Len() != 0 {
			r.t.Errorf("left: %d services, %d deployments, %d service deployments, %d revisions, %d events, %d instances, %d clusters",
				v.Services().Len(), v.Deployments().Len(), v.ServiceDeployments().Len(), v.ServiceRevisions().Len(),
				v.Events().Len(), v.Instances().Len(), v.Clusters().Len())
		}
	})
}

func TestADefinitionGoesWhenItsLastUserIsGone(t *testing.T) {
	run(t, func(r *rig) {
		family := state.NewFamilyKey(scope, "f")
		deleted := func(n int) *state.TaskDefinition {
			return &state.TaskDefinition{Key: family.Revision(n), Status: state.StatusDeleteInProgress}
		}
		r.update(func(tx *store.Tx) {
			tx.Families().Put(&state.Family{Key: family, Last: 5})
			for n := 1; n <= 4; n++ {
				tx.TaskDefinitions().Put(deleted(n))
			}
			tx.TaskDefinitions().Put(&state.TaskDefinition{Key: family.Revision(5), Status: state.StatusInactive})
			tx.Tasks().Put(&state.Task{Key: state.NewTaskKey(cluster, "t"), TaskDefinition: family.Revision(2), Last: state.Running})
			tx.Services().Put(&state.Service{Key: web, Status: state.StatusActive, TaskDefinition: family.Revision(3)})
			tx.Deployments().Put(&state.Deployment{Key: state.NewDeploymentKey(web, "1"), Service: web,
				TaskDefinition: family.Revision(4)})
		})
		v := r.pass(2 * time.Minute)
		_, gone := v.TaskDefinitions().Get(family.Revision(1))
		if v.TaskDefinitions().Len() != 4 || gone {
			r.t.Errorf("%d definitions are left", v.TaskDefinitions().Len())
		}
		r.update(func(tx *store.Tx) {
			tx.Tasks().Put(&state.Task{Key: state.NewTaskKey(cluster, "t"), TaskDefinition: family.Revision(2),
				Last: state.Stopped, StoppedAt: time.Now()})
		})
		v = r.pass(2 * time.Minute)
		f, ok := v.Families().Get(family)
		if v.TaskDefinitions().Len() != 3 || !ok || f.Last != 5 {
			r.t.Errorf("%d definitions are left, family %v", v.TaskDefinitions().Len(), f)
		}
	})
}

func TestServiceDeploymentsAreKeptWhileTheyAreNewOrInUse(t *testing.T) {
	run(t, func(r *rig) {
		start := time.Now()
		put := func(tx *store.Tx, n int, status string) {
			tx.ServiceDeployments().Put(&state.ServiceDeployment{Key: state.NewServiceDeploymentKey(web, fmt.Sprintf("d%03d", n)),
				Service: web, CreatedAt: start.Add(time.Duration(n)), FinishedAt: start, Status: status,
				Target: state.NewRevisionKey(web, fmt.Sprint(n))})
			tx.ServiceRevisions().Put(&state.ServiceRevision{Key: state.NewRevisionKey(web, fmt.Sprint(n)), Service: web})
		}
		r.update(func(tx *store.Tx) {
			tx.Services().Put(&state.Service{Key: web, Status: state.StatusActive})
			put(tx, 0, state.ServiceDeploymentInProgress)
			for n := 1; n < 120; n++ {
				put(tx, n, state.ServiceDeploymentSuccessful)
			}
			tx.Deployments().Put(&state.Deployment{Key: state.NewDeploymentKey(web, "1"), Service: web,
				ServiceDeployment: state.NewServiceDeploymentKey(web, "d001"), Revision: state.NewRevisionKey(web, "1")})
		})
		v := r.pass(5 * time.Minute)
		if v.ServiceDeployments().Len() != 102 || v.ServiceRevisions().Len() != 102 {
			r.t.Errorf("%d service deployments, %d revisions", v.ServiceDeployments().Len(), v.ServiceRevisions().Len())
		}
		v = r.pass(6 * time.Hour)
		if v.ServiceDeployments().Len() != 2 || v.ServiceRevisions().Len() != 2 {
			r.t.Errorf("%d service deployments, %d revisions", v.ServiceDeployments().Len(), v.ServiceRevisions().Len())
		}
	})
}

func TestTokensAreForgottenAfterADay(t *testing.T) {
	run(t, func(r *rig) {
		r.update(func(tx *store.Tx) { tx.ClientTokens().Put(&state.ClientToken{Key: "k", CreatedAt: time.Now()}) })
		if r.pass(24*time.Hour-time.Minute).ClientTokens().Len() != 1 {
			r.t.Error("forgotten too early")
		}
		if r.pass(2*time.Minute).ClientTokens().Len() != 0 {
			r.t.Error("still there")
		}
	})
}

func TestAgesThatAreNotSetHaveTheirDefaults(t *testing.T) {
	got := Ages{Tasks: 2 * time.Hour}.withDefaults()
	want := Ages{2 * time.Hour, 90 * 24 * time.Hour, time.Hour, 24 * time.Hour, 90 * 24 * time.Hour}
	if got != want {
		t.Errorf("got %+v", got)
	}
}
