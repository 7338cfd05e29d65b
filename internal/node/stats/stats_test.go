package stats

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"longshore/internal/node/docker"
)

// steady is an engine whose container uses half a CPU of two and receives 100 bytes a second.
type steady struct{}

func (steady) Stats(ctx context.Context, _ string, hand func(docker.Sample)) error {
	start := time.Now()
	for i := uint64(1); ; i++ {
		hand(docker.Sample{
			At: start.Add(time.Duration(i) * time.Second), CPUTotal: i * 500, SystemTotal: i * 2000, OnlineCPUs: 2,
			MemoryBytes: 64 << 20, HasNetwork: true, Network: docker.NetworkCounters{RxBytes: i * 100},
		})
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestASetSumsUpTheSecondsBetweenTwoFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Engine: steady{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		go c.Run(ctx)
		c.Track("task", []Container{{ID: "abc", Name: "a", StartedAt: time.Now()}})
		time.Sleep(settle + 19*time.Second + time.Millisecond)
		got := c.Flush()["abc"]
		if got.CPU == nil || got.CPU.Min != 50 || got.CPU.Max != 50 || got.CPU.SampleCount != 19 {
			t.Fatalf("cpu %+v", got.CPU)
		}
		if got.Memory.Max != 64 || got.Network.RxBytesPerSecond.Max != 100 {
			t.Fatalf("%+v %+v", got.Memory, got.Network.RxBytesPerSecond)
		}
		last, ok := c.Last("abc")
		if !ok || last.RxRate != 100 {
			t.Fatalf("%+v", last)
		}
		c.Track("task", nil)
		time.Sleep(3 * time.Second)
		if len(c.Flush()) != 0 {
			t.Fatal("an ended container is still sampled")
		}
		cancel()
		synctest.Wait()
	})
}
