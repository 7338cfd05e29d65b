package storetest

import (
	"fmt"
	"slices"
	"testing"

	"longshore/internal/state"
	"longshore/internal/store"
)

// Task makes a waiting task of a service.
func Task(n int, service string) *state.Task {
	c := state.NewClusterKey(Scope(), "default")
	s := state.NewServiceKey(c, service)
	return &state.Task{
		Key:            state.NewTaskKey(c, fmt.Sprintf("%032x", n)),
		Service:        s,
		Deployment:     state.NewDeploymentKey(s, "1"),
		TaskDefinition: state.NewFamilyKey(Scope(), service).Revision(1),
		StartedBy:      "ecs-svc/1",
		Desired:        state.Running,
		Last:           state.Provisioning,
	}
}

func deleteIsWhole(t *testing.T, s *store.Store) {
	task := Task(1, "web")
	task.Instance = state.NewInstanceKey(task.Key.Cluster(), "i")
	for _, step := range []func(*store.Tx){
		func(tx *store.Tx) { tx.Tasks().Put(task) },
		func(tx *store.Tx) { tx.Tasks().Delete(task.Key) },
	} {
		err := s.Update(t.Context(), func(tx *store.Tx) error { step(tx); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	v := s.View().Tasks()
	n := len(slices.Collect(v.OfService(task.Service))) + len(slices.Collect(v.OfInstance(task.Instance))) +
		len(slices.Collect(v.OfDeployment(task.Deployment))) + len(slices.Collect(v.Unplaced("")))
	if n != 0 || v.Len() != 0 || v.UsesRevision(task.TaskDefinition) {
		t.Errorf("%d traces of the deleted task are left", n)
	}
}
