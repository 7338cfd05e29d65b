package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// Connections that a server must bear: most do nothing, some read a large answer a byte a second, some send a
// request a byte a second.
const (
	idleConnections = 9000
	slowReaders     = 500
	slowWriters     = 500
)

// slowClients holds 10,000 connections open, and measures what they cost and whether others are served.
func (b *bench) slowClients(i *installation) error {
	err := raiseFiles()
	if err != nil {
		return err
	}
	t := i.target()
	body, err := json.Marshal(m{"clusters": []string{heldCluster}})
	if err != nil {
		return err
	}
	alone, err := i.readsInTurns(b, "DescribeClusters", body)
	if err != nil {
		return err
	}
	before, err := i.rss()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b)
	crowd := &crowd{target: t}
	defer func() { stop(); crowd.wg.Wait() }()
	err = crowd.gather(ctx)
	if err != nil {
		return err
	}
	time.Sleep(15 * time.Second) // longer than a slow request's header may take
	after, err := i.rss()
	if err != nil {
		return err
	}
	crowded, err := i.readsInTurns(b, "DescribeClusters", body)
	if err != nil {
		return err
	}
	b.add(figure{Name: "memory of 10,000 connections: idle, reading or writing a byte a second", Value: after - before, Unit: "MB",
		Target: "bounded: ≤ 500 MB"})
	b.add(figure{Name: "DescribeClusters beside 10,000 slow connections", Value: crowded,
		Unit: "calls per processor second", Peer: "alone",
		PeerValue: alone, Target: "≥ 0.8×"})
	return nil
}

// readsInTurns is the mean of what readsOf says.
func (i *installation) readsInTurns(ctx context.Context, op string, body []byte) (float64, error) {
	var rates []float64
	for range readTurns {
		rate, err := i.readsOf(ctx, op, body)
		if err != nil {
			return 0, err
		}
		rates = append(rates, rate)
	}
	return meanRate(rates), nil
}

// raiseFiles lets the bench hold its end of the connections.
func raiseFiles() error {
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
	if err != nil {
		return err
	}
	l.Cur = l.Max
	if l.Max < idleConnections+slowReaders+slowWriters+1000 {
		return fmt.Errorf("only %d files may be open", l.Max)
	}
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}

// crowd is the slow clients.
type crowd struct {
	target
	wg sync.WaitGroup
}

func (c *crowd) gather(ctx context.Context) error {
	u, err := url.Parse(c.url)
	if err != nil {
		return err
	}
	var tasks []string
	for n := range 100 {
		tasks = append(tasks, heldTask(0, n).ID())
	}
	body, err := json.Marshal(m{"cluster": heldCluster, "tasks": tasks})
	if err != nil {
		return err
	}
	r, err := c.request(ctx, "DescribeTasks", body)
	if err != nil {
		return err
	}
	var raw bytes.Buffer
	err = r.Write(&raw)
	if err != nil {
		return err
	}
	for n := range idleConnections + slowReaders + slowWriters {
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			return fmt.Errorf("connection %d: %w", n, err)
		}
		switch {
		case n < idleConnections:
			c.keep(ctx, conn, func() error { return nil }, time.Hour)
		case n < idleConnections+slowReaders:
			err = conn.(*net.TCPConn).SetReadBuffer(4 << 10) // the answer does not fit into buffers on the way
			if err == nil {
				_, err = conn.Write(raw.Bytes())
			}
			if err != nil {
				return err
			}
			one := make([]byte, 1)
			c.keep(ctx, conn, func() error { _, err := conn.Read(one); return err }, time.Second)
		default:
			sent := 0
			c.keep(ctx, conn, func() error {
				sent++
				_, err := conn.Write(raw.Bytes()[sent-1 : sent])
				return err
			}, time.Second)
		}
	}
	return nil
}

// keep does one small thing after each wait until ctx ends or the server has had enough.
func (c *crowd) keep(ctx context.Context, conn net.Conn, do func() error, every time.Duration) {
	c.wg.Go(func() {
		defer conn.Close()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if do() != nil {
				return
			}
		}
	})
}
