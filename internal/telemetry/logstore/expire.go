package logstore

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Expire forgets the events of a group older than before (milliseconds), whole blocks at a time: up to a
// minute of older events may stay, so readers clamp their start to the retention as well. It returns how many
// events went.
func (s *Store) Expire(ctx context.Context, group string, before int64) (int64, error) {
	release, err := s.use()
	if err != nil {
		return 0, err
	}
	defer release()
	infos, err := s.streams(ctx, s.db, group)
	if err != nil {
		return 0, err
	}
	var gone int64
	for _, info := range infos {
		if info.Events == 0 || info.First >= before {
			continue
		}
		n, err := s.expireStream(ctx, Stream{group, info.Name}, info, before)
		if err != nil {
			return gone, fmt.Errorf("expire log stream: %w", err)
		}
		gone += n
	}
	return gone, nil
}

// expireStream removes the blocks that begin more than a span before the limit: all their events are older.
func (s *Store) expireStream(ctx context.Context, stream Stream, info StreamInfo, before int64) (int64, error) {
	prefix := streamPrefix(blockKey, stream.Group, stream.Name)
	end := eventKey(prefix, before-maxSpan, 0)
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: prefix, UpperBound: end})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	batch := s.db.NewBatch()
	defer batch.Close()
	// The figures of the stream stay: AWS keeps the times of a stream whose events have expired.
	delta := StreamInfo{First: info.First, Last: info.Last, Ingested: info.Ingested}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return 0, err
		}
		h, _, err := readHeader(it.Key(), value)
		if err != nil {
			return 0, err
		}
		delta.Events -= int64(h.count)
		delta.Bytes -= int64(h.bytes)
		// One key at a time, not the range: an append that lands meanwhile must not vanish uncounted.
		err = batch.Delete(it.Key(), nil)
		if err != nil {
			return 0, err
		}
	}
	err = it.Error()
	if err != nil || delta.Events == 0 {
		return 0, err
	}
	err = batch.Merge(streamPrefix(infoKey, stream.Group, stream.Name), delta.encode(), nil)
	if err != nil {
		return 0, err
	}
	err = batch.Commit(pebble.NoSync)
	if err != nil {
		return 0, err
	}
	return -delta.Events, nil
}

// DeleteStream forgets a stream and its events.
func (s *Store) DeleteStream(ctx context.Context, stream Stream) error {
	return s.deletePrefixes(ctx, streamPrefix(blockKey, stream.Group, stream.Name),
		streamPrefix(infoKey, stream.Group, stream.Name))
}

// DeleteGroup forgets all streams of a group and their events.
func (s *Store) DeleteGroup(ctx context.Context, group string) error {
	return s.deletePrefixes(ctx, groupPrefix(blockKey, group), groupPrefix(infoKey, group))
}

func (s *Store) deletePrefixes(ctx context.Context, prefixes ...[]byte) error {
	err := ctx.Err()
	if err != nil {
		return err
	}
	release, err := s.use()
	if err != nil {
		return err
	}
	defer release()
	batch := s.db.NewBatch()
	defer batch.Close()
	for _, p := range prefixes {
		err := batch.DeleteRange(p, after(p), nil)
		if err != nil {
			return fmt.Errorf("delete logs: %w", err)
		}
	}
	err = batch.Commit(pebble.Sync)
	if err != nil {
		return fmt.Errorf("delete logs: %w", err)
	}
	return nil
}
