package workload_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/daemon"
	"longshore/internal/sim/oracle"
	"longshore/internal/sim/workload"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// plane is a control plane over memory, with hands that do what tasks ask for in an instant.
type plane struct {
	t      *testing.T
	store  *store.Store
	api    http.Handler
	judge  sync.Mutex // of the oracle
	oracle *oracle.Oracle
	drop   func() bool // lose the answer of a call

	mu     sync.Mutex
	ids    int
	broken []string
}

func newPlane(t *testing.T, ctx context.Context, wg *sync.WaitGroup) *plane {
	s, err := store.Open(ctx, memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	p := &plane{t: t, store: s, drop: func() bool { return false }}
	p.oracle = oracle.New(oracle.Config{Now: time.Now, Violate: p.violate, Doomed: workload.Usual().Doomed})
	c, err := daemon.NewPlane(daemon.PlaneConfig{
		Installation: daemon.Installation{ID: "sim", MasterKey: bytes.Repeat([]byte{7}, 32), Account: "111122223333",
			Region: "us-east-1"},
		Store: s, Now: time.Now, NewID: p.id, NewUUID: p.uuid, Chance: func(int) int { return 0 },
		Entropy: rand.NewChaCha8([32]byte{}), Hosts: []string{"example.com"}, AcceptAny: true,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.api = c.Handler()
	watch := s.View().Watch()
	wg.Go(func() { p.hands(ctx, watch) })
	p.furnish(ctx)
	for _, part := range c.Parts() {
		if part.Name != "logs" && part.Name != "dispatch" {
			wg.Go(func() { _ = part.Run(ctx) })
		}
	}
	return p
}

func (p *plane) violate(invariant, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = append(p.broken, invariant+": "+text)
}

func (p *plane) id() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids++
	return fmt.Sprintf("%032x", p.ids)
}

func (p *plane) uuid() string {
	id := p.id()
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func (p *plane) furnish(ctx context.Context) {
	scope := state.Scope{Account: "111122223333", Region: "us-east-1"}
	cluster := state.NewClusterKey(scope, "default")
	err := p.store.Update(ctx, func(tx *store.Tx) error {
		tx.Clusters().Put(&state.Cluster{Key: cluster, Status: state.StatusActive})
		for i := range 3 {
			tx.Instances().Put(&state.Instance{Key: state.NewInstanceKey(cluster, fmt.Sprintf("%032x", 0xa0+i)),
				Kind: state.KindEC2, Status: state.StatusActive, Connected: true, CPU: 4096, Memory: 8192, Version: 1,
				AgentVersion: "1.105.1", Attributes: capabilities(i)})
		}
		return nil
	})
	if err != nil {
		p.t.Error(err)
	}
}

func capabilities(zone int) []state.Attribute {
	out := []state.Attribute{{Name: "ecs.availability-zone", Value: "us-east-1" + string(rune('a'+zone))}}
	for _, name := range []string{"com.amazonaws.ecs.capability.docker-remote-api.1.17",
		"com.amazonaws.ecs.capability.docker-remote-api.1.18", "com.amazonaws.ecs.capability.docker-remote-api.1.19",
		"com.amazonaws.ecs.capability.docker-remote-api.1.21", "com.amazonaws.ecs.capability.docker-remote-api.1.24",
		"com.amazonaws.ecs.capability.docker-remote-api.1.29", "ecs.capability.container-health-check",
		"ecs.capability.container-ordering", "ecs.os-type"} {
		out = append(out, state.Attribute{Name: name})
	}
	return out
}

// hands tells the oracle of every commit, and does what tasks ask for.
func (p *plane) hands(ctx context.Context, w *store.Watcher) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		changes, rev, err := w.Next(ctx)
		if err != nil {
			return
		}
		p.judge.Lock()
		p.oracle.Commit(rev, changes)
		p.judge.Unlock()
		for _, c := range changes {
			t, ok := c.New.(*state.Task)
			if ok && t.Instance != "" && t.Live() {
				wg.Go(func() { p.work(ctx, t.Key) })
			}
		}
	}
}

func (p *plane) work(ctx context.Context, k state.TaskKey) {
	_ = p.store.Update(ctx, func(tx *store.Tx) error {
		t, ok := tx.Tasks().Get(k)
		if !ok || t.Last == state.Running && t.Desired == state.Running || !t.Live() || t.Last.Rank() < 2 {
			return nil
		}
		t = t.Clone()
		t.Version++
		now := time.Now()
		next := state.Running
		t.Health = state.HealthHealthy
		if t.Desired == state.Stopped {
			next, t.StoppedAt, t.Released = state.Stopped, now, now
		} else {
			t.StartedAt = now
		}
		t.Last = next
		for i := range t.Containers {
			t.Containers[i].Last = next
		}
		tx.Tasks().Put(t)
		return nil
	})
}

func (p *plane) call(ctx context.Context, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	p.judge.Lock()
	p.oracle.Asked(op, body)
	p.judge.Unlock()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+op)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/ecs/aws4_request, "+
		"SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	p.api.ServeHTTP(w, r)
	if p.drop() || w.Code >= 500 {
		return errors.New("the answer was lost")
	}
	if w.Code != http.StatusOK {
		refusal := struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}{}
		err := json.Unmarshal(w.Body.Bytes(), &refusal)
		return errors.Join(err, &workload.Refusal{Code: refusal.Type, Message: refusal.Message})
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(w.Body.Bytes(), out)
}

func TestASoundControlPlaneViolatesNothing(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { sound(t, seed) }) })
	}
}

func sound(t *testing.T, seed uint64) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	p := newPlane(t, ctx, &wg)
	dice := rand.New(rand.NewPCG(seed, 1))
	if seed%2 == 1 {
		p.drop = func() bool { p.mu.Lock(); defer p.mu.Unlock(); return dice.IntN(10) == 0 }
	}
	l := workload.New(workload.Config{Call: p.call, Rand: rand.New(rand.NewPCG(seed, 2)), Now: time.Now,
		Violate: p.violate, Pause: time.Second})
	load, done := context.WithTimeout(ctx, 5*time.Minute)
	defer done()
	l.Run(load)
	p.drop = func() bool { return false }
	time.Sleep(2 * time.Minute)
	p.oracle.Tick()
	p.oracle.Quiet()
	err := l.Settle(ctx)
	if err != nil {
		t.Error(err)
	}
	n := l.Counts()
	if len(n.Calls) < 25 || n.Answers < 1000 || n.Tasks < 20 {
		t.Errorf("too little load: %+v", n)
	}
	slices.Sort(p.broken)
	p.broken = slices.Compact(p.broken)
	for i, line := range p.broken {
		if i < 12 {
			t.Error(line)
		}
	}
	if len(p.broken) > 12 {
		t.Errorf("and %d more", len(p.broken)-12)
	}
	t.Logf("%d kinds, %+v, %+v", len(n.Calls), n, p.oracle.Counts())
}
