package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/acs"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// fleet is two servers on one store, with one agent.
type fleet struct {
	*testing.T
	store *store.Store
	key   state.InstanceKey
	of    map[string]*Dispatch
	wg    sync.WaitGroup
	ctx   context.Context
}

func newFleet(t *testing.T) *fleet {
	s, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := &fleet{T: t, store: s, of: map[string]*Dispatch{}, ctx: ctx}
	t.Cleanup(func() { cancel(); f.wg.Wait() })
	cluster := state.NewClusterKey(state.Scope{Account: "000000000000", Region: "us-east-1"}, "prod")
	f.key = state.NewInstanceKey(cluster, "00000000000000000000000000000abc")
	f.edit(func(i *state.Instance) { i.Key, i.Status = f.key, state.StatusActive })
	for _, name := range []string{"a", "b"} {
		d := New(Config{Store: s, Minter: noKeys{}, Now: time.Now, Log: slog.New(slog.DiscardHandler), Server: name,
			NewID: func() string { return "0" }, Zones: func(r string) []string { return []string{r} }})
		f.of[name] = d
		f.wg.Go(func() { _ = d.Run(ctx) })
	}
	synctest.Wait()
	return f
}

func (f *fleet) edit(fn func(*state.Instance)) {
	f.Helper()
	err := f.store.Update(f.Context(), func(tx *store.Tx) error {
		i := state.Instance{}
		old, ok := tx.Instances().Get(f.key)
		if ok {
			i = *old
		}
		fn(&i)
		tx.Instances().Put(&i)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	synctest.Wait()
}

// connect opens a session with a server; the answer gives the error that it ended with.
func (f *fleet) connect(server string) (leave func(), ended chan error) {
	wire := line{make(chan acs.Message, 1000), make(chan acs.Message, 1000)}
	ctx, cancel := context.WithCancel(f.ctx)
	ended = make(chan error, 1)
	f.wg.Go(func() { ended <- f.of[server].serve(ctx, wire, f.key, greeting{}) })
	synctest.Wait()
	return func() { cancel(); synctest.Wait() }, ended
}

func (f *fleet) expect(connected bool, server string) {
	f.Helper()
	i, _ := f.store.View().Instances().Get(f.key)
	if i.Connected != connected || i.ConnectedTo != server {
		f.Errorf("connected %v to %q, want %v to %q", i.Connected, i.ConnectedTo, connected, server)
	}
}

func TestAnAgentThatMovesToAnotherServerStaysConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		_, ended := f.connect("a")
		f.expect(true, "a")
		f.connect("b")
		select {
		case err := <-ended:
			if !errors.Is(err, errReplaced) {
				t.Errorf("the session with a ended with %v", err)
			}
		default:
			t.Error("the session with a goes on")
		}
		f.expect(true, "b")
	})
}

func TestAServerThatStartsLeavesTheAgentsOfOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.connect("a")
		err := f.of["b"].disconnectAll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.expect(true, "a")
	})
}

func TestAgentsOfADeadServerAreDisconnectedAndThoseOfALivingOneAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.edit(func(i *state.Instance) { i.Connected, i.ConnectedTo = true, "dead" })
		f.wg.Go(func() {
			_ = f.of["a"].Reap(f.ctx, func(context.Context) (map[string]string, error) {
				return map[string]string{"a": "", "b": ""}, nil
			})
		})
		<-time.After(reapEvery + time.Second)
		f.expect(true, "dead") // missing once may be a server that just began
		<-time.After(reapEvery)
		f.expect(false, "dead")
		f.connect("b")
		<-time.After(3 * reapEvery)
		f.expect(true, "b")
	})
}

func TestAnAgentThatWasTakenForLostIsConnectedAfterAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.connect("a")
		f.edit(func(i *state.Instance) { i.Connected, i.DisconnectedAt = false, time.Now() })
		f.expect(true, "a")
	})
}

func TestAnAgentThatLeftWhileNothingCouldBeWrittenIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.edit(func(i *state.Instance) { i.Connected, i.ConnectedTo = true, "a" })
		<-time.After(tidyEvery + time.Second)
		f.expect(false, "a")
	})
}
