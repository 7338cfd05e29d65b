//go:build docker

package awsvpc

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// BenchmarkCreateAndStart compares what a task waits for: Attach from the pool, create and start in that
// namespace, against raw create and start on Docker's bridge. The rounds alternate, so that both see the
// same machine; refilling happens between rounds, as it does on a node that is not flooded.
func BenchmarkCreateAndStart(b *testing.B) {
	r := newRig(b, func(c *Config) { c.PoolSize = 4 })
	r.run(b)
	waitPool(b, r.Manager, 4)
	var pooled, bridge, attach []time.Duration
	for b.Loop() {
		waitPool(b, r.Manager, 4)
		start := time.Now()
		a, err := r.Attach(b.Context(), r.request("bench", 10))
		if err != nil {
			b.Fatal(err)
		}
		attach = append(attach, time.Since(start))
		one := r.createStart(b, "container:"+a.PauseID)
		pooled = append(pooled, time.Since(start))
		r.remove(b, one)
		err = r.Detach(b.Context(), "bench")
		if err != nil {
			b.Fatal(err)
		}
		waitPool(b, r.Manager, 4)
		start = time.Now()
		two := r.createStart(b, "bridge")
		bridge = append(bridge, time.Since(start))
		r.remove(b, two)
	}
	b.ReportMetric(median(attach), "attach-ms")
	b.ReportMetric(median(pooled), "pooled-ms")
	b.ReportMetric(median(bridge), "bridge-ms")
	b.ReportMetric(median(pooled)/median(bridge), "ratio")
}

// BenchmarkBurst starts 24 tasks four at a time, most of them beyond what the pool holds, against the same
// number of containers on Docker's bridge.
func BenchmarkBurst(b *testing.B) {
	r := newRig(b, nil)
	const tasks = 24
	var awsvpc, bridge time.Duration
	for b.Loop() {
		// A pool of its own a round, because a burst makes it grow.
		p := newRig(b, func(c *Config) { c.PoolSize = 4 })
		end := p.run(b)
		waitPool(b, p.Manager, 4)
		start := time.Now()
		ids := four(tasks, func(i int) string {
			task := "burst" + strconv.Itoa(i)
			a, err := p.Attach(b.Context(), p.request(task, byte(10+i)))
			if err != nil {
				b.Error(err)
				return ""
			}
			return p.createStart(b, "container:"+a.PauseID)
		})
		awsvpc += time.Since(start)
		four(tasks, func(i int) string { p.remove(b, ids[i]); return "" })
		end()
		err := p.Teardown(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		ids = four(tasks, func(int) string { return r.createStart(b, "bridge") })
		bridge += time.Since(start)
		four(tasks, func(i int) string { r.remove(b, ids[i]); return "" })
	}
	b.ReportMetric(awsvpc.Seconds()/float64(b.N), "awsvpc-s")
	b.ReportMetric(bridge.Seconds()/float64(b.N), "bridge-s")
	b.ReportMetric(bridge.Seconds()/awsvpc.Seconds(), "rate-ratio")
}

// four runs f for 0 to n-1, four at a time.
func four(n int, f func(int) string) []string {
	out := make([]string, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range next {
				out[i] = f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}

func (r *rig) createStart(b *testing.B, network string) string {
	made, err := r.engine.c.ContainerCreate(b.Context(), client.ContainerCreateOptions{
		Config:     &container.Config{Image: r.image.ref, Labels: r.labels(nil)},
		HostConfig: &container.HostConfig{NetworkMode: container.NetworkMode(network)},
	})
	if err != nil {
		b.Error(err)
		return ""
	}
	_, err = r.engine.c.ContainerStart(b.Context(), made.ID, client.ContainerStartOptions{})
	if err != nil {
		b.Error(err)
	}
	return made.ID
}

func (r *rig) remove(b *testing.B, id string) {
	err := r.engine.RemovePause(b.Context(), id)
	if err != nil {
		b.Error(err)
	}
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
}
