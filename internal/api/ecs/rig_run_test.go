package ecs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/place"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// rig is an API over a memory store with a cluster "default", a bridge definition web:1 and an awsvpc one net:1.
type rig struct {
	t      testing.TB
	api    *API
	caller front.Caller
	now    time.Time
	ids    int
}

var testScope = state.Scope{Account: "111122223333", Region: "us-east-1"}

func newRig(t testing.TB) *rig {
	t.Helper()
	s, err := store.Open(context.Background(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		caller: front.Caller{Account: testScope.Account, Region: testScope.Region,
			Principal: "arn:aws:iam::111122223333:root"}}
	r.api = New(Config{Store: s, Now: func() time.Time { return r.now }, NewID: r.id,
		NewUUID: func() string { return r.id() + "-uid" }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Board: place.NewBoard(func(int) int { return 0 })})
	followBoard(t, r.api)
	r.put(func(tx *store.Tx) {
		tx.Clusters().Put(&state.Cluster{Key: r.cluster(), Status: state.StatusActive,
			CapacityProviders: []string{providerFargate, providerFargateSpot, "asg"}})
		tx.Providers().Put(&state.CapacityProvider{Key: state.NewProviderKey(testScope, "asg"),
			Status: state.StatusActive})
		tx.TaskDefinitions().Put(definition("web", 1, ""))
		tx.TaskDefinitions().Put(definition("web", 2, ""))
		tx.TaskDefinitions().Put(definition("net", 1, state.NetworkAWSVPC))
		store.EnsureNetwork(tx, testScope, r.id, nil)
	})
	return r
}

func definition(family string, revision int, mode string) *state.TaskDefinition {
	return &state.TaskDefinition{Key: state.NewFamilyKey(testScope, family).Revision(revision),
		Status: state.StatusActive, NetworkMode: mode, CPU: 256, Memory: 512,
		Compatibilities: []string{state.LaunchEC2, state.LaunchFargate, state.LaunchExternal},
		Containers:      []state.Container{{Name: "app", Image: "img", Essential: true, CPU: 100}},
		Tags:            state.Tags{"from": "definition"}}
}

func (r *rig) cluster() state.ClusterKey { return state.NewClusterKey(testScope, "default") }

func (r *rig) id() string {
	r.ids++
	return fmt.Sprintf("%08x%024x", uint32(r.ids)*0x9e3779b1, r.ids)
}

// put writes records as other parts of Longshore would.
func (r *rig) put(fn func(tx *store.Tx)) {
	r.t.Helper()
	err := r.api.Store.Update(context.Background(), func(tx *store.Tx) error {
		fn(tx)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// followBoard tells the Board of every commit, as the daemon does.
func followBoard(t testing.TB, a *API) {
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	view := a.Store.View()
	a.Board.Reached(view.Revision())
	watch := view.Watch()
	go func() {
		for {
			changes, rev, err := watch.Next(ctx)
			if err != nil {
				return
			}
			for _, c := range changes {
				a.Board.Note(c.Old, c.New)
			}
			a.Board.Reached(rev)
		}
	}()
}

// instance adds a connected container instance of 1 vCPU and 2 GiB.
func (r *rig) instance(kind string) state.InstanceKey {
	cluster := r.cluster()
	if kind == state.KindFargate {
		cluster = state.NewClusterKey(testScope, state.FargateCluster)
	}
	key := state.NewInstanceKey(cluster, r.id())
	r.put(func(tx *store.Tx) {
		tx.Instances().Put(&state.Instance{Key: key, Kind: kind, Status: state.StatusActive, Connected: true,
			CPU: 1024, Memory: 2048, RegisteredAt: r.now, ReservedTCP: []int{22},
			Attributes: []state.Attribute{{Name: "ecs.availability-zone", Value: "us-east-1a"},
				{Name: "ecs.cpu-architecture", Value: "x86_64"}}})
	})
	return key
}

func (r *rig) subnets() []string {
	out := []string{}
	for s := range r.api.Store.View().Subnets().All() {
		out = append(out, s.Key.ID())
	}
	return out
}

func (r *rig) task(key state.TaskKey) *state.Task {
	t, ok := r.api.Store.View().Tasks().Get(key)
	if !ok {
		r.t.Fatalf("task %s is not there", key)
	}
	return t
}

// change edits a task as control or dispatch would.
func (r *rig) change(arn string, fn func(*state.Task)) {
	r.t.Helper()
	key, err := taskKey(r.cluster(), arn)
	if err != nil {
		r.t.Fatal(err)
	}
	r.put(func(tx *store.Tx) {
		old, ok := tx.Tasks().Get(key)
		if !ok {
			r.t.Fatalf("task %s is not there", key)
		}
		t := old.Clone()
		fn(t)
		tx.Tasks().Put(t)
	})
}

// call fails the test when an operation is refused.
func call[In, Out any](r *rig, op func(context.Context, front.Caller, *In) (*Out, error), in *In) *Out {
	r.t.Helper()
	out, err := op(context.Background(), r.caller, in)
	if err != nil {
		r.t.Fatalf("%T is refused: %v", in, err)
	}
	return out
}

// refused wants a fault whose code and text hold want ("Code: part of the text").
func refused[In, Out any](r *rig, op func(context.Context, front.Caller, *In) (*Out, error), in *In, want string) {
	r.t.Helper()
	rev := r.api.Store.View().Revision()
	_, err := op(context.Background(), r.caller, in)
	f := (*fault.Error)(nil)
	if !errors.As(err, &f) {
		r.t.Errorf("want %q, got %v", want, err)
		return
	}
	code, text, _ := strings.Cut(want, ": ")
	if f.Code != code || !strings.Contains(f.Message, text) {
		r.t.Errorf("want %q, got %q", want, f.Error())
	}
	if now := r.api.Store.View().Revision(); now != rev {
		r.t.Errorf("%q: the refused call wrote", want)
	}
}
