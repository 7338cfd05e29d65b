package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// fillMiB is what is written before the churn to each of the daemon's two stores. Their newest writes are held in
// memory, in tables that double up to their full size: churn alone would take an hour to bring them there, and look
// like a leak meanwhile.
const fillMiB = 24

// filledFrom is how many minutes a run takes whose slopes are judged.
const filledFrom = 10

// fill brings the memory of the stores to its level, and leaves nothing behind but one record and an empty group.
func (w *world) fill(ctx context.Context) error {
	err := w.fillRecords(ctx)
	if err != nil {
		return fmt.Errorf("fill the record store: %w", err)
	}
	err = w.fillLogs(ctx)
	if err != nil {
		return fmt.Errorf("fill the log store: %w", err)
	}
	return nil
}

// fillRecords writes one cluster's tags again and again.
func (w *world) fillRecords(ctx context.Context) error {
	var a struct{ Cluster struct{ ClusterArn string } }
	err := w.ecs(ctx, "CreateCluster", m{"clusterName": "fill"}, &a)
	if err != nil {
		return err
	}
	const tags, size = 45, 250
	for n := 0; n*tags*size < fillMiB<<20; n++ {
		list := make([]m, tags)
		for i := range list {
			list[i] = m{"key": fmt.Sprint("tag-", i), "value": fmt.Sprintf("%0*d", size, n)}
		}
		err = w.ecs(ctx, "TagResource", m{"resourceArn": a.Cluster.ClusterArn, "tags": list}, nil)
		if err != nil {
			return err
		}
	}
	return w.ecs(ctx, "DeleteCluster", m{"cluster": "fill"}, nil)
}

// fillLogs writes a stream of lines that do not compress, and deletes it.
func (w *world) fillLogs(ctx context.Context) error {
	stream := m{"logGroupName": group, "logStreamName": "fill"}
	err := w.logs(ctx, "CreateLogStream", stream, nil)
	const events, size = 100, 5000
	for n := 0; err == nil && n*events*size < fillMiB<<20; n++ {
		list := make([]m, events)
		for i := range list {
			var line strings.Builder
			for line.Len() < size {
				fmt.Fprintf(&line, "%016x", w.rand.Uint64())
			}
			list[i] = m{"timestamp": time.Now().UnixMilli(), "message": line.String()}
		}
		err = w.logs(ctx, "PutLogEvents", m{"logGroupName": group, "logStreamName": "fill", "logEvents": list}, nil)
	}
	if err != nil {
		return err
	}
	return w.logs(ctx, "DeleteLogStream", stream, nil)
}
