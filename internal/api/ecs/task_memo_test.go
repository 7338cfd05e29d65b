package ecs

import (
	"encoding/json"
	"fmt"
	"testing"

	"longshore/internal/state"
	"longshore/internal/store"
)

func TestARememberedTaskIsTheOneThatTheRecordsTell(t *testing.T) {
	r := newRig(t)
	cluster := state.NewClusterKey(scopeOf(r.caller), "default")
	td := state.NewFamilyKey(cluster.Scope(), "f").Revision(1)
	memo := &shownTasks{}
	arch := "x86_64"
	for round := range 3 * maxShownTasks / 500 {
		r.put(func(tx *store.Tx) {
			host := state.NewInstanceKey(cluster, "i")
			tx.Instances().Put(&state.Instance{Key: host, Attributes: []state.Attribute{{Name: attributeArch, Value: arch}}})
			for n := range 500 {
				tx.Tasks().Put(&state.Task{Key: state.NewTaskKey(cluster, fmt.Sprint("t", n)), TaskDefinition: td, Instance: host,
					Version: int64(round), Last: state.Running})
			}
		})
		arch = fmt.Sprint("other-", round)
		v := r.api.Store.View()
		for task := range v.Tasks().All() {
			for range 2 {
				got, want := show(t, memo.task(v, task)), show(t, renderTask(v, task))
				if got != want {
					t.Fatalf("remembered %s, the records say %s", got, want)
				}
			}
		}
		if len(memo.of) > maxShownTasks {
			t.Fatalf("%d tasks are remembered", len(memo.of))
		}
	}
}

func show(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
