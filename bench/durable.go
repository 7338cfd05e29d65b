package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
	"longshore/internal/store/engine/pebble"
)

// durableFor is how long each turn of durable writes lasts.
const durableFor = 3 * time.Second

// durable compares acknowledged Updates of one task each with Puts of the same bytes into an etcd in this process:
// same disk, same writers, no network between, in turns.
func durable(b *bench) error {
	peer, stop, err := b.etcd()
	if err != nil {
		return err
	}
	defer stop()
	for _, row := range []struct {
		writers int
		goal    string
	}{{64, "≥ 30,000/s and ≥ 2×"}, {256, "≥ 70,000/s and ≥ 3×"}} {
		var ours, theirs []float64
		for range 3 {
			o, err := b.ourPuts(row.writers)
			if err != nil {
				return err
			}
			e, err := b.etcdPuts(peer, row.writers)
			if err != nil {
				return err
			}
			ours, theirs = append(ours, o), append(theirs, e)
		}
		slices.Sort(ours)
		slices.Sort(theirs)
		b.add(figure{Name: fmt.Sprintf("acknowledged durable writes, %d writers", row.writers), Value: ours[1], Unit: "writes/s",
			Peer: "embedded etcd, same record", PeerValue: theirs[1], Target: row.goal})
	}
	return nil
}

// durableTask is the record that is written: a task that starts.
func durableTask(n int) *state.Task {
	at := time.Unix(1_800_000_000, 0)
	td := state.NewFamilyKey(heldKey().Scope(), "held").Revision(1)
	s := state.NewServiceKey(heldKey(), heldService(n%1000))
	return heldTaskOf(s, state.NewDeploymentKey(s, "1000000000000000001"), n, heldTask(n%1000, n/1000), td, at)
}

// ourPuts writes into a new store until the time is over and answers writes per second.
func (b *bench) ourPuts(writers int) (float64, error) {
	dir, err := os.MkdirTemp(b.dir, "puts")
	if err != nil {
		return 0, err
	}
	engine, err := pebble.Open(pebble.Config{Dir: dir})
	if err != nil {
		return 0, err
	}
	s, err := store.Open(b, engine)
	if err != nil {
		return 0, err
	}
	rate, err := b.hammer(writers, func(ctx context.Context, n int) error {
		task := durableTask(n) // made outside, as the peer's bytes are: the closure holds the store
		return s.Update(ctx, func(tx *store.Tx) error {
			tx.Tasks().Put(task)
			return nil
		})
	})
	if err != nil {
		return 0, err
	}
	return rate, s.Close()
}

// etcdPuts writes the same key and bytes as ourPuts does.
func (b *bench) etcdPuts(peer *clientv3.Client, writers int) (float64, error) {
	value, err := encoded(b)
	if err != nil {
		return 0, err
	}
	return b.hammer(writers, func(ctx context.Context, n int) error {
		_, err := peer.Put(ctx, "tasks/"+string(heldTask(n%1000, n/1000)), value)
		return err
	})
}

// hammer calls put from many goroutines, each time with another number, and answers calls per second.
func (b *bench) hammer(writers int, put func(ctx context.Context, n int) error) (float64, error) {
	var next, done atomic.Int64
	errs := make([]error, writers)
	until := time.Now().Add(durableFor)
	began := time.Now()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for time.Now().Before(until) && errs[w] == nil {
				errs[w] = put(b, int(next.Add(1)))
				done.Add(1)
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(done.Load()) / took.Seconds(), nil
}

// tap is an engine that keeps the bytes of the last record.
type tap struct {
	memory.Engine
	value []byte
}

func (t *tap) Commit(_ context.Context, b store.Batch) error {
	t.value = b.Ops[0].Value
	return nil
}

// encoded is what the store gives an engine for a task.
func encoded(ctx context.Context) (string, error) {
	t := &tap{}
	s, err := store.Open(ctx, t)
	if err != nil {
		return "", err
	}
	err = s.Update(ctx, func(tx *store.Tx) error {
		tx.Tasks().Put(durableTask(1))
		return nil
	})
	if err != nil {
		return "", err
	}
	return string(t.value), s.Close()
}

// etcd starts a single member in this process and gives a client that calls it directly.
func (b *bench) etcd() (*clientv3.Client, func(), error) {
	dir, err := os.MkdirTemp(b.dir, "etcd")
	if err != nil {
		return nil, nil, err
	}
	c := embed.NewConfig()
	c.Dir, c.LogLevel, c.Logger = dir, "panic", "zap"
	c.QuotaBackendBytes = 8 << 30
	for _, urls := range []*[]url.URL{&c.ListenPeerUrls, &c.ListenClientUrls} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		*urls = []url.URL{{Scheme: "http", Host: l.Addr().String()}}
		err = l.Close()
		if err != nil {
			return nil, nil, err
		}
	}
	c.AdvertisePeerUrls, c.AdvertiseClientUrls = c.ListenPeerUrls, c.ListenClientUrls
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, nil, fmt.Errorf("start the embedded etcd: %w", err)
	}
	select {
	case <-e.Server.ReadyNotify():
	case <-time.After(30 * time.Second):
		e.Close()
		return nil, nil, fmt.Errorf("the embedded etcd is not ready after 30 s")
	}
	return v3client.New(e.Server), e.Close, nil
}
