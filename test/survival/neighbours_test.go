//go:build e2e

package survival

import (
	"strings"
	"testing"
	"time"

	"longshore/test/rig"
)

func TestDaemonsOnOneMachineLeaveEachOtherAlone(t *testing.T) {
	rig.RootOnly(t)
	leaves, stays := start(t), start(t)
	taken := map[string]string{}
	for _, d := range []*daemon{leaves, stays} {
		d.Cluster("twin")
		d.Serve("twin", "vpc", d.Register(rig.Fargate(rig.Definition("vpc", rig.Web()))), 2, d.Network())
		d.Serve("twin", "disk", d.Register(rig.WithVolume(rig.Definition("disk", rig.Web()))), 1, nil)
	}
	for _, d := range []*daemon{leaves, stays} {
		d.Stable("twin", "vpc", 40*time.Second)
		d.Stable("twin", "disk", 40*time.Second)
		for _, address := range d.Addresses("twin", "vpc") {
			if taken[address] != "" {
				t.Errorf("%s belongs to tasks of both daemons", address)
			}
			taken[address] = d.ID
			err := rig.Answers(t.Context(), "http://"+address+"/")
			if err != nil {
				t.Errorf("a task of %s: %v", d.ID, err)
			}
		}
	}
	untouched := stays.Births("twin", "vpc", "disk")
	before := stays.Footprint()
	if f := leaves.Footprint(); f == before || !strings.Contains(f, "volume") || !strings.Contains(f, "claim") {
		t.Errorf("the daemon that leaves has taken nothing: %s", f)
	}
	said, err := leaves.Longshore("down")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(said)
	if f := leaves.Footprint(); f != "" {
		t.Errorf("longshore down left:\n%s", f)
	}
	leaves.SearchHost(t.Context())
	if f := stays.Footprint(); f != before {
		t.Errorf("longshore down of one daemon changed what another has:\n%s\nbefore:\n%s", f, before)
	}
	err = stays.Unharmed(untouched)
	if err != nil {
		t.Error(err)
	}
	for _, address := range stays.Addresses("twin", "vpc") {
		err := rig.Answers(t.Context(), "http://"+address+"/")
		if err != nil {
			t.Errorf("after its neighbour left: %v", err)
		}
	}
	err = stays.Agree(t.Context(), "twin")
	if err != nil {
		t.Error(err)
	}
}
