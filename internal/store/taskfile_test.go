package store_test

import (
	"slices"
	"testing"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

func TestAFileOfTasksGivesTheKeysBehindAnother(t *testing.T) {
	s, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	scope := state.Scope{Account: "1", Region: "r"}
	here, there := state.NewClusterKey(scope, "b"), state.NewClusterKey(scope, "a")
	web := state.NewServiceKey(here, "web")
	td := state.NewFamilyKey(scope, "f").Revision(1)
	key := func(id string) state.TaskKey { return state.NewTaskKey(here, id) }
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		for id, last := range map[string]state.Status{"1": state.Running, "2": state.Stopped, "3": state.Running, "4": state.Stopped} {
			tx.Tasks().Put(&state.Task{Key: key(id), Last: last, Service: web, StartedBy: "x", TaskDefinition: td})
			tx.Tasks().Put(&state.Task{Key: state.NewTaskKey(there, id), Last: last, StartedBy: "x", TaskDefinition: td})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	tasks := s.View().Tasks()
	for name, f := range map[string]store.TaskFile{"service": store.FileOfService(web),
		"startedBy": store.FileStartedBy(here, "x"), "family": store.FileOfFamily(here, "f")} {
		for after, want := range map[state.TaskKey][2][]state.TaskKey{
			"":       {{key("1"), key("3")}, {key("2"), key("4")}},
			key("1"): {{key("3")}, {key("2"), key("4")}},
			key("3"): {nil, {key("4")}},
			key("9"): {nil, nil},
		} {
			live, past := slices.Collect(tasks.Live(f, after)), slices.Collect(tasks.Past(f, after))
			if !slices.Equal(live, want[0]) || !slices.Equal(past, want[1]) {
				t.Errorf("%s behind %q: live %q, past %q", name, after, live, past)
			}
		}
	}
	none := slices.Collect(tasks.Live(store.FileOfInstance(state.NewInstanceKey(here, "i")), ""))
	if len(none) != 0 {
		t.Errorf("tasks of no instance: %q", none)
	}
}
