package logstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// StreamInfo is what the store knows of a stream without reading its events.
type StreamInfo struct {
	Name     string
	First    int64 // time of the oldest event ever stored, milliseconds
	Last     int64 // time of the newest
	Ingested int64 // when an append last came
	Events   int64 // how many are kept
	Bytes    int64 // messages and 26 bytes each, as AWS counts
}

// Info returns the figures of one stream; false when it never got an event.
func (s *Store) Info(_ context.Context, stream Stream) (StreamInfo, bool, error) {
	release, err := s.use()
	if err != nil {
		return StreamInfo{}, false, err
	}
	defer release()
	value, closer, err := s.db.Get(streamPrefix(infoKey, stream.Group, stream.Name))
	if errors.Is(err, pebble.ErrNotFound) {
		return StreamInfo{}, false, nil
	}
	if err != nil {
		return StreamInfo{}, false, fmt.Errorf("read log stream: %w", err)
	}
	defer closer.Close()
	info, err := decodeInfo(value)
	info.Name = stream.Name
	return info, err == nil, err
}

// Streams lists the figures of every stream of a group that ever got an event, by name.
func (s *Store) Streams(ctx context.Context, group string) ([]StreamInfo, error) {
	release, err := s.use()
	if err != nil {
		return nil, err
	}
	defer release()
	return s.streams(ctx, s.db, group)
}

func (s *Store) streams(ctx context.Context, from pebble.Reader, group string) ([]StreamInfo, error) {
	prefix := groupPrefix(infoKey, group)
	it, err := from.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return nil, fmt.Errorf("list log streams: %w", err)
	}
	defer it.Close()
	var out []StreamInfo
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, fmt.Errorf("list log streams: %w", err)
		}
		info, err := decodeInfo(value)
		if err != nil {
			return nil, err
		}
		key := it.Key()
		info.Name = string(key[len(prefix) : len(key)-1])
		out = append(out, info)
	}
	err = it.Error()
	if err != nil {
		return nil, fmt.Errorf("list log streams: %w", err)
	}
	return out, nil
}

func (i StreamInfo) encode() []byte {
	b := binary.AppendVarint(nil, i.First)
	b = binary.AppendVarint(b, i.Last)
	b = binary.AppendVarint(b, i.Ingested)
	b = binary.AppendVarint(b, i.Events)
	return binary.AppendVarint(b, i.Bytes)
}

func decodeInfo(b []byte) (StreamInfo, error) {
	var fields [5]int64
	for i := range fields {
		v, n := binary.Varint(b)
		if n <= 0 {
			return StreamInfo{}, fmt.Errorf("read log stream: damaged figures")
		}
		fields[i], b = v, b[n:]
	}
	return StreamInfo{
		First: fields[0], Last: fields[1], Ingested: fields[2], Events: fields[3], Bytes: fields[4],
	}, nil
}

// infoMerger joins figures in whatever order appends are committed, so that no append reads before it writes.
func infoMerger() *pebble.Merger {
	return &pebble.Merger{Name: "longshore.logstore.info", Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		sum, err := decodeInfo(value)
		return &infoSum{sum}, err
	}}
}

type infoSum struct{ sum StreamInfo }

var _ pebble.ValueMerger = (*infoSum)(nil)

func (m *infoSum) MergeNewer(value []byte) error {
	d, err := decodeInfo(value)
	if err != nil {
		return err
	}
	m.sum.Events += d.Events
	m.sum.Bytes += d.Bytes
	m.sum.First = min(m.sum.First, d.First)
	m.sum.Last = max(m.sum.Last, d.Last)
	m.sum.Ingested = max(m.sum.Ingested, d.Ingested)
	return nil
}

func (m *infoSum) MergeOlder(value []byte) error { return m.MergeNewer(value) }

func (m *infoSum) Finish(bool) ([]byte, io.Closer, error) { return m.sum.encode(), nil, nil }
