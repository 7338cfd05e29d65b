//go:build docker

package awsvpc

import (
	"slices"
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

func (r *rig) createStart(b *testing.B, network string) string {
	made, err := r.engine.c.ContainerCreate(b.Context(), client.ContainerCreateOptions{
		Config:     &container.Config{Image: r.image.ref, Labels: r.labels(nil)},
		HostConfig: &container.HostConfig{NetworkMode: container.NetworkMode(network)},
	})
	if err != nil {
		b.Fatal(err)
	}
	_, err = r.engine.c.ContainerStart(b.Context(), made.ID, client.ContainerStartOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return made.ID
}

func (r *rig) remove(b *testing.B, id string) {
	err := r.engine.RemovePause(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
}
