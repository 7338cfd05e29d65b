package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Logs streams a container's output as the engine stores it: multiplexed frames unless the container has a terminal,
// each line with its timestamp. It ends with the container's output or with ctx; the caller closes it.
func (e *Engine) Logs(ctx context.Context, id string, since time.Time, follow bool) (io.ReadCloser, error) {
	opts := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: follow}
	if !since.IsZero() {
		opts.Since = fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond())
	}
	res, err := e.c.ContainerLogs(ctx, id, opts)
	if err != nil {
		return nil, classify(ctx, "logs", err)
	}
	return res, nil
}

// Sample is one reading of a container's counters.
type Sample struct {
	At          time.Time
	CPUTotal    uint64 // ns
	SystemTotal uint64 // ns, all CPUs
	OnlineCPUs  uint32
	MemoryBytes uint64 // without inactive file cache, as docker stats shows it
	MemoryLimit uint64
	Network     NetworkCounters
	HasNetwork  bool // false in a shared or host namespace
	ReadBytes   uint64
	WriteBytes  uint64
	PIDs        uint64
	Raw         json.RawMessage // the engine's own answer, for the metadata service
}

// NetworkCounters sums every interface of a container.
type NetworkCounters struct {
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
}

// Stats calls hand about once a second until the container stops or ctx ends.
func (e *Engine) Stats(ctx context.Context, id string, hand func(Sample)) error {
	res, err := e.c.ContainerStats(ctx, id, client.ContainerStatsOptions{Stream: true})
	if err != nil {
		return classify(ctx, "stats", err)
	}
	defer res.Body.Close()
	dec := json.NewDecoder(res.Body)
	for {
		var raw json.RawMessage
		err = dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return classify(ctx, "stats", err)
		}
		var s container.StatsResponse
		err = json.Unmarshal(raw, &s)
		if err != nil {
			return fmt.Errorf("docker stats: %w", err)
		}
		if s.Read.Year() <= 1 {
			return nil // the engine's way to say that the container is not running
		}
		sample := sampleOf(s)
		sample.Raw = raw
		hand(sample)
	}
}

// Stat reads a running container's counters once; the engine takes about two seconds over it, because it measures.
func (e *Engine) Stat(ctx context.Context, id string) (Sample, error) {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "stat")
	defer cancel()
	var last Sample
	enough := errors.New("enough")
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	seen := 0
	err := e.Stats(ctx, id, func(s Sample) {
		last = s
		seen++
		if seen == 2 { // the first one has no previous reading to compare with
			stop(enough)
		}
	})
	if seen == 2 {
		return last, nil
	}
	if err == nil {
		err = fmt.Errorf("docker stat: %w: container is not running", ErrNotFound)
	}
	return Sample{}, err
}

func sampleOf(s container.StatsResponse) Sample {
	out := Sample{
		At:          s.Read,
		CPUTotal:    s.CPUStats.CPUUsage.TotalUsage,
		SystemTotal: s.CPUStats.SystemUsage,
		OnlineCPUs:  s.CPUStats.OnlineCPUs,
		MemoryBytes: workingSet(s.MemoryStats),
		MemoryLimit: s.MemoryStats.Limit,
		HasNetwork:  len(s.Networks) > 0,
		PIDs:        s.PidsStats.Current,
	}
	for _, n := range s.Networks {
		out.Network.RxBytes += n.RxBytes
		out.Network.RxPackets += n.RxPackets
		out.Network.RxErrors += n.RxErrors
		out.Network.RxDropped += n.RxDropped
		out.Network.TxBytes += n.TxBytes
		out.Network.TxPackets += n.TxPackets
		out.Network.TxErrors += n.TxErrors
		out.Network.TxDropped += n.TxDropped
	}
	for _, b := range s.BlkioStats.IoServiceBytesRecursive {
		switch b.Op {
		case "Read", "read":
			out.ReadBytes += b.Value
		case "Write", "write":
			out.WriteBytes += b.Value
		}
	}
	return out
}

// workingSet subtracts the page cache that can be dropped; cgroup v1 and v2 name it differently.
func workingSet(m container.MemoryStats) uint64 {
	for _, key := range []string{"total_inactive_file", "inactive_file"} {
		if v, ok := m.Stats[key]; ok && v < m.Usage {
			return m.Usage - v
		}
	}
	return m.Usage
}
