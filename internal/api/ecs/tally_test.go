package ecs

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// What is kept beside the store is what one would count by looking, whatever was written.
func TestKeptCountsAreThoseOfTheRecords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) { keptCounts(t, rt) })
	})
}

func keptCounts(t *testing.T, rt *rapid.T) {
	s, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	a := New(Config{Store: s, Now: time.Now})
	scope := state.Scope{Account: "0", Region: "r"}
	write := func() {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			for range rapid.IntRange(1, 4).Draw(rt, "records") {
				scribble(rt, tx, scope)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range rapid.IntRange(0, 3).Draw(rt, "before") {
		write()
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	synctest.Wait()
	for range rapid.IntRange(1, 10).Draw(rt, "after") {
		write()
		v := s.View()
		for _, name := range []string{"a", "b"} {
			k := state.NewClusterKey(scope, name)
			got, want := a.tally.counts(v, k), countCluster(v, k)
			if got != want {
				rt.Fatalf("kept %+v, the records say %+v", got, want)
			}
			compareLists(rt, a, v, k)
			compareShown(rt, a, v, k)
			compareServices(rt, a, v, k)
		}
	}
	cancel()
	<-ended
}

// scribble writes or deletes one record of one of two clusters.
func scribble(rt *rapid.T, tx *store.Tx, scope state.Scope) {
	cluster := state.NewClusterKey(scope, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "cluster"))
	n := rapid.IntRange(0, 5).Draw(rt, "n")
	gone := rapid.IntRange(0, 4).Draw(rt, "gone") == 0
	launch := rapid.SampledFrom([]string{"EC2", "FARGATE", "EXTERNAL"}).Draw(rt, "launch")
	switch rapid.IntRange(0, 6).Draw(rt, "kind") {
	case 5:
		tell(rt, tx, state.NewServiceKey(cluster, fmt.Sprint("s", n%2)), gone)
	case 6:
		k := state.NewServiceKey(cluster, fmt.Sprint("s", n%2))
		d := state.NewDeploymentKey(k, rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "deployment"))
		if gone {
			tx.Deployments().Delete(d)
			return
		}
		status := rapid.SampledFrom([]string{"PRIMARY", "ACTIVE", "INACTIVE"}).Draw(rt, "status")
		tx.Deployments().Put(&state.Deployment{Key: d, Service: k, Status: status, DesiredCount: n})
	case 0:
		k := state.NewServiceKey(cluster, fmt.Sprint("s", n))
		if gone {
			tx.Services().Delete(k)
			return
		}
		status := rapid.SampledFrom([]string{"ACTIVE", "DRAINING", "INACTIVE"}).Draw(rt, "status")
		tx.Services().Put(&state.Service{Key: k, Status: status, LaunchType: launch})
	case 1:
		k := state.NewInstanceKey(cluster, fmt.Sprint("i", n))
		if gone {
			tx.Instances().Delete(k)
			return
		}
		status := rapid.SampledFrom([]string{"ACTIVE", "DRAINING", "INACTIVE"}).Draw(rt, "status")
		tx.Instances().Put(&state.Instance{Key: k, Status: status,
			Attributes: []state.Attribute{{Name: attributeArch, Value: status}}})
	default:
		k := state.NewTaskKey(cluster, fmt.Sprint("t", n))
		if gone {
			tx.Tasks().Delete(k)
			return
		}
		family := state.NewFamilyKey(scope, rapid.SampledFrom([]string{"f", "g"}).Draw(rt, "family"))
		tx.Families().Put(&state.Family{Key: family, Last: 1})
		last := rapid.SampledFrom([]state.Status{state.Pending, state.Running, state.Stopping, state.Stopped}).Draw(rt, "last")
		desired := state.Stopped
		if last != state.Stopped {
			desired = rapid.SampledFrom([]state.Status{state.Running, state.Stopped}).Draw(rt, "desired")
		}
		tx.Tasks().Put(&state.Task{Key: k, LaunchType: launch, Last: last, Desired: desired, TaskDefinition: family.Revision(1),
			Service:   state.NewServiceKey(cluster, rapid.SampledFrom([]string{"s0", "s1"}).Draw(rt, "service")),
			Instance:  state.NewInstanceKey(cluster, rapid.SampledFrom([]string{"i0", "i1"}).Draw(rt, "instance")),
			StartedBy: rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "by")})
	}
}

// compareLists expects the short ways to tasks to end where the long one does.
func compareLists(rt *rapid.T, a *API, v store.View, k state.ClusterKey) {
	plain := New(Config{Store: a.Store})
	for _, desired := range []state.Status{state.Running, state.Stopped, state.Pending} {
		for _, f := range []taskFilter{{}, {launch: "EC2"}, {family: "f"}, {service: state.NewServiceKey(k, "s0")}, {by: "x"},
			{instance: state.NewInstanceKey(k, "i0")}, {family: "f", launch: "EC2"},
			{service: state.NewServiceKey(k, "s0"), family: "f"}, {service: state.NewServiceKey(k+"x", "s0")}} {
			f.desired = desired
			p := paging{limit: rapid.SampledFrom([]int{1, 2, 100}).Draw(rt, "limit"),
				after: rapid.SampledFrom([]string{"", string(state.NewTaskKey(k, "t2"))}).Draw(rt, "after")}
			got, _ := cut(p, a.collect(f, v, k, p), func(k state.TaskKey) string { return string(k) })
			want, _ := cut(p, plain.collect(f, v, k, p), func(k state.TaskKey) string { return string(k) })
			if !slices.Equal(got, want) {
				rt.Fatalf("%+v: ListTasks gives %s, the records say %s", f, got, want)
			}
			if f.wide() && f.desired != state.Pending && p.after == "" && a.tally.none(v, k, desired, f.launch) != (len(want) == 0) {
				rt.Fatalf("none is wrong about %s", want)
			}
		}
	}
}

// compareShown expects tasks to be described as their records are.
func compareShown(rt *rapid.T, a *API, v store.View, k state.ClusterKey) {
	keys := []state.TaskKey{}
	for n := range 6 {
		keys = append(keys, state.NewTaskKey(k, fmt.Sprint("t", n)))
	}
	got := a.describeTasks(k, keys, true).Tasks
	want := []ecswire.Task{}
	for t := range v.Tasks().OfCluster(k) {
		want = append(want, describeTask(v, t, true))
	}
	if !reflect.DeepEqual(got, want) {
		rt.Fatalf("DescribeTasks gives %+v, the records say %+v", got, want)
	}
}

// tell adds a line to a service's story, or takes its first one away.
func tell(rt *rapid.T, tx *store.Tx, k state.ServiceKey, gone bool) {
	if !gone {
		text := rapid.StringMatching("[a-z]{4}").Draw(rt, "line")
		tx.Tell(k, time.Now(), text, text)
		return
	}
	for e := range tx.Events().Prefix(string(k) + "/") {
		tx.Events().Delete(e.Key)
		return
	}
}

// compareServices expects services to be described as their records are, whether they were asked for before or not.
func compareServices(rt *rapid.T, a *API, v store.View, k state.ClusterKey) {
	keys := []state.ServiceKey{}
	for n := range 6 {
		keys = append(keys, state.NewServiceKey(k, fmt.Sprint("s", n)))
	}
	for _, tags := range []bool{false, true, false} {
		got := a.describeServices(k, keys, tags).Services
		want := []ecswire.Service{}
		for s := range v.Services().OfCluster(k) {
			want = append(want, describeService(v, s, tags))
		}
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("DescribeServices gives %+v, the records say %+v", got, want)
		}
	}
}
