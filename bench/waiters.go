package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// Waiters as `aws ecs wait` has them: a process each, with a connection that it keeps, that asks at fixed intervals.
const (
	waitersOfEach = 5000
	servicesEvery = 15 * time.Second // services-stable
	tasksEvery    = 6 * time.Second  // tasks-running
	waitedFor     = 30 * time.Second
	writeEvery    = 100 * time.Millisecond // so that no answer is the one before
)

// waiter is one of them, and what it has seen.
type waiter struct {
	shot
	every, phase time.Duration
	took         []time.Duration
	failed       int
}

// waiters measures 10,000 of them against 10,000 running tasks of 100 services.
func waiters(b *bench) error {
	err := raiseFiles()
	if err != nil {
		return err
	}
	i, err := b.upHolding(held{100, 100, 0})
	if err != nil {
		return err
	}
	before, err := i.rss()
	if err != nil {
		return err
	}
	crowd, err := i.waiters(b)
	defer func() {
		for _, w := range crowd {
			_ = w.conn.Close() // its answers are read
		}
	}()
	if err != nil {
		return err
	}
	cost, err := i.costOf(func() error { return i.wait(b, crowd) })
	if err != nil {
		return err
	}
	after, err := i.rss()
	if err != nil {
		return err
	}
	var took []time.Duration
	failed := 0
	for _, w := range crowd {
		took, failed = append(took, w.took...), failed+w.failed
	}
	b.add(figure{Name: "10,000 waiters: answers a second", Value: float64(len(took)) / waitedFor.Seconds(), Unit: "calls/s"})
	b.add(figure{Name: "10,000 waiters: answers that failed", Value: float64(failed), Unit: "calls", Target: "0"})
	b.add(figure{Name: "10,000 waiters: an answer, p50", Value: quantile(took, 0.5), Unit: "ms"})
	b.add(figure{Name: "10,000 waiters: an answer, p99", Value: quantile(took, 0.99), Unit: "ms", Target: "≤ 50 ms"})
	b.add(figure{Name: "10,000 waiters: the daemon's processor time", Value: cost * 100 / waitedFor.Seconds(),
		Unit: "% of a core", Target: "≤ 25 %"})
	b.add(figure{Name: "10,000 waiters: the daemon's memory for them", Value: after - before, Unit: "MB", Target: "≤ 500 MB"})
	return i.down()
}

// waiters have a connection each and a call that is signed already: they would sign on machines of their own.
func (i *installation) waiters(ctx context.Context) ([]*waiter, error) {
	t := i.target()
	u, err := url.Parse(t.url)
	if err != nil {
		return nil, err
	}
	var crowd []*waiter
	for n := range 2 * waitersOfEach {
		w := &waiter{every: servicesEvery}
		op, in := "DescribeServices", m{"cluster": heldCluster, "services": []string{heldService(n / 2 % 100)}}
		if n%2 == 1 {
			w.every = tasksEvery
			op, in = "DescribeTasks", m{"cluster": heldCluster, "tasks": []string{heldTask(n/2%100, n/200%100).ID()}}
		}
		w.phase = w.every * time.Duration(n/2) / waitersOfEach
		w.text = make([]byte, 0, 8<<10)
		w.raw, err = t.signed(ctx, op, in)
		if err != nil {
			return crowd, err
		}
		w.conn, err = net.Dial("tcp", u.Host)
		if err != nil {
			return crowd, fmt.Errorf("connection %d: %w", n, err)
		}
		crowd = append(crowd, w)
		w.shoot()
		if w.err != nil || w.status != 200 {
			return crowd, fmt.Errorf("first call of waiter %d: status %d: %w", n, w.status, w.err)
		}
	}
	return crowd, nil
}

// wait lets the crowd wait, while somebody else writes.
func (i *installation) wait(ctx context.Context, crowd []*waiter) error {
	var wg sync.WaitGroup
	runtime.GC() // the waiters' own machines would not stand still for it
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	began := time.Now()
	for _, w := range crowd {
		wg.Go(func() { w.wait(began) })
	}
	t := i.target()
	for n := 0; time.Since(began) < waitedFor; n++ {
		err := t.call(ctx, "CreateCluster", m{"clusterName": fmt.Sprint("beside-", n)}, nil)
		if err != nil {
			return err
		}
		time.Sleep(writeEvery)
	}
	wg.Wait()
	return nil
}

func (w *waiter) wait(began time.Time) {
	for at := w.phase; at < waitedFor; at += w.every {
		time.Sleep(time.Until(began.Add(at)))
		w.shoot()
		w.took = append(w.took, w.shot.took)
		if w.err != nil || w.status != 200 {
			w.failed++
		}
	}
}
