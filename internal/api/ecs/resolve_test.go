package ecs

import (
	"strings"
	"testing"

	"longshore/internal/aws/fault"
	"longshore/internal/state"
	"longshore/internal/store"
)

func TestReferencesAreReadByNameAndARN(t *testing.T) {
	r := newRig(t)
	cluster := r.cluster()
	id := strings.Repeat("a", 32)
	arn := "arn:aws:ecs:us-east-1:111122223333:"
	for ref, want := range map[string]string{
		id:                              "",
		arn + "task/default/" + id:      "",
		arn + "task/" + id:              "", // the form before 2021
		"0123":                          "taskId length should be one of [32,36]",
		arn + "task/default":            "taskId length should be one of [32,36]",
		arn + "task/a/b/" + id:          "Unexpected number of separators",
		arn + "service/default/" + id:   "Unexpected number of separators",
		"arn:aws:ecs:task":              "Unexpected number of separators",
		"default/" + id:                 "Unexpected number of separators",
		"arn:aws:s3:::bucket/" + id:     "Unexpected number of separators",
		arn + "task/default/" + "short": "taskId length should be one of [32,36]",
	} {
		key, err := taskKey(cluster, ref)
		f, _ := fault.As(err)
		switch {
		case want == "" && (err != nil || key != state.NewTaskKey(cluster, id)):
			t.Errorf("%s is %s, %v", ref, key, err)
		case want != "" && (f == nil || f.Message != want || f.Code != "InvalidParameterException"):
			t.Errorf("%s is %s, %v; want %s", ref, key, err, want)
		}
	}
}

func TestADefinitionIsFoundInEverySpelling(t *testing.T) {
	r := newRig(t)
	r.put(func(tx *store.Tx) {
		old := definition("web", 3, "")
		old.Status = state.StatusInactive
		tx.TaskDefinitions().Put(old)
	})
	v := r.api.Store.View()
	for ref, want := range map[string]int{"web": 2, "web:1": 1, "web:3": 3, "web:9": 0, "we": 0,
		"arn:aws:ecs:us-east-1:111122223333:task-definition/web:1": 1,
		"arn:aws:ecs:us-east-1:111122223333:task-definition/web":   2} {
		td, err := findTaskDefinition(v, r.caller, ref)
		got := 0
		if td != nil {
			got = td.Key.Revision()
		}
		if err != nil || got != want {
			t.Errorf("%s is revision %d, %v; want %d", ref, got, err, want)
		}
	}
	for ref, want := range map[string]string{
		"web:3":   "ClientException: TaskDefinition is inactive",
		"web:9":   "ClientException: TaskDefinition not found.",
		"nobody":  "ClientException: TaskDefinition not found.",
		"web:0":   "InvalidParameterException: Invalid revision number. Number: 0",
		"web:1:2": "InvalidParameterException: Invalid revision number. Number: 1:2",
		"a b":     "InvalidParameterException: Invalid task definition identifier: a b",
		"arn:aws:ecs:us-east-1:222233334444:task-definition/web:1": "InvalidParameterException: Identifier is for " +
			"222233334444. Your accountId is 111122223333",
		"arn:aws:ecs:us-east-1:111122223333:task/web": "InvalidParameterException: Unexpected number of separators",
	} {
		_, err := usableTaskDefinition(v, r.caller, ref)
		if err == nil || err.Error() != want {
			t.Errorf("%s gives %v, want %s", ref, err, want)
		}
	}
}

func FuzzReferences(f *testing.F) {
	for _, s := range []string{"", "web:1", "arn:aws:ecs:us-east-1:111122223333:task/default/x", "arn:", "a/b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		r := newRig(t)
		v := r.api.Store.View()
		_, err := findTaskDefinition(v, r.caller, ref)
		modelled(t, err)
		_, err = activeCluster(v, r.caller, &ref)
		modelled(t, err)
		key, err := taskKey(r.cluster(), ref)
		modelled(t, err)
		// A reference may never reach into another record's key.
		if err == nil && strings.Count(string(key), "/") != 3 {
			t.Errorf("%q is read as %s", ref, key)
		}
		_, err = serviceKey(r.cluster(), ref)
		modelled(t, err)
		_, err = findHolder(v, r.caller, ref)
		modelled(t, err)
	})
}

func modelled(t *testing.T, err error) {
	t.Helper()
	_, ok := fault.As(err)
	if err != nil && !ok {
		t.Errorf("not a modelled error: %v", err)
	}
}

func TestRevisionsAreNeverGivenTwice(t *testing.T) {
	d := newDoor(t)
	body := rule{}.body()
	d.call("RegisterTaskDefinition", body)
	d.call("DeregisterTaskDefinition", `{"taskDefinition":"web:1"}`)
	d.call("DeleteTaskDefinitions", `{"taskDefinitions":["web:1"]}`)
	err := d.api.Store.Update(t.Context(), func(tx *store.Tx) error {
		tx.TaskDefinitions().Delete(state.NewFamilyKey(testScope, "web").Revision(1))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, answer := d.call("RegisterTaskDefinition", body)
	if !strings.Contains(string(answer), "task-definition/web:2") {
		t.Errorf("after the last revision was deleted: %s", answer)
	}
}

func FuzzRegisterTaskDefinition(f *testing.F) {
	f.Add(rule{top: fargateTop}.body())
	f.Add(`{"family":"x","containerDefinitions":[{"name":"a","image":"b","memory":9,"dependsOn":[{}]}]}`)
	f.Add(`{"family":"x","containerDefinitions":[{"name":"a","image":"b","memory":9,"healthCheck":{"command":[]}}]}`)
	d := newDoor(f)
	f.Fuzz(func(t *testing.T, body string) {
		status, answer := d.call("RegisterTaskDefinition", body)
		if status >= 500 {
			t.Errorf("%s\n%d %s", body, status, answer)
		}
	})
}
