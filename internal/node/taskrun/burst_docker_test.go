//go:build docker

package taskrun_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
	"longshore/internal/node/docker/dockertest"
	"longshore/internal/node/taskrun"
)

// BenchmarkBurstAgainstBareEngineCalls compares fifty tasks at once with fifty create and start calls by four callers.
func BenchmarkBurstAgainstBareEngineCalls(b *testing.B) {
	const n = 50
	e := dockertest.Engine(b)
	own := dockertest.Installation(b, e)
	clear := func() {
		list, err := e.List(b.Context(), map[string]string{docker.LabelInstallation: own})
		for _, c := range list {
			err = errors.Join(err, e.Remove(b.Context(), c.ID))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("engine", func(b *testing.B) {
		for i := range b.N {
			var wg sync.WaitGroup
			work := make(chan int)
			for range 4 {
				wg.Go(func() {
					for j := range work {
						made, err := e.Create(b.Context(), docker.Spec{
							Name: own + strconv.Itoa(i) + "x" + strconv.Itoa(j), Image: dockertest.Image, NetworkMode: "bridge",
							MemoryBytes: 64 << 20, Labels: map[string]string{docker.LabelInstallation: own},
						})
						if errors.Join(err, e.Start(b.Context(), made.ID)) != nil {
							b.Error("start failed")
						}
					}
				})
			}
			for j := range n {
				work <- j
			}
			close(work)
			wg.Wait()
			b.StopTimer()
			clear()
			b.StartTimer()
		}
	})
	b.Run("tasks", func(b *testing.B) {
		for i := range b.N {
			var running sync.WaitGroup
			running.Add(n)
			var mu sync.Mutex
			seen := map[string]bool{}
			ctx, cancel := context.WithCancel(b.Context())
			m := taskrun.New(benchConfig(b, e, own, func(s taskrun.Snapshot) {
				mu.Lock()
				defer mu.Unlock()
				if s.Status == acs.StatusRunning && !seen[s.TaskARN] {
					seen[s.TaskARN] = true
					running.Done()
				}
			}))
			done := make(chan struct{})
			go func() { _ = m.Run(ctx); close(done) }()
			for j := range n {
				m.Apply(task(strconv.Itoa(i)+"b"+strconv.Itoa(j), container("a")))
			}
			running.Wait()
			b.StopTimer()
			cancel()
			<-done
			clear()
			b.StartTimer()
		}
	})
}
