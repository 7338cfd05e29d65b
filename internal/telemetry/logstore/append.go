package logstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// eventOverhead is what CloudWatch Logs counts for an event beside its message.
const eventOverhead = 26

// Stream names where events go. Group is unique over accounts and regions: the key of the group's record.
type Stream struct {
	Group string
	Name  string
}

// Event is one log event as it was sent.
type Event struct {
	Time    int64 // milliseconds since 1970
	Message string
}

func (e Event) size() int { return len(e.Message) + eventOverhead }

// Append stores events of one stream. When it returns nil they survive a crash of the process and the machine.
// Events may come in any order and may be older than what the stream holds.
func (s *Store) Append(ctx context.Context, stream Stream, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	err := check(stream, events)
	if err != nil {
		return err
	}
	err = ctx.Err()
	if err != nil {
		return err
	}
	release, err := s.use()
	if err != nil {
		return err
	}
	defer release()
	if !slices.IsSortedFunc(events, byTime) {
		events = slices.Clone(events)
		slices.SortStableFunc(events, byTime)
	}
	seq, err := s.seq.take(s.db, uint64(len(events)))
	if err != nil {
		return err
	}
	ingested := s.cfg.Now().UnixMilli()
	err = s.write(stream, events, seq, ingested)
	if err != nil {
		return fmt.Errorf("append to log stream: %w", err)
	}
	s.tails.publish(stream, events, seq, ingested)
	return nil
}

func check(stream Stream, events []Event) error {
	if strings.ContainsRune(stream.Group, 0) || strings.ContainsRune(stream.Name, 0) {
		return fmt.Errorf("append to log stream: NUL in the name")
	}
	for _, e := range events {
		if len(e.Message) > maxBlock-blockBytes-1024 {
			return fmt.Errorf("append to log stream: event of %d bytes", len(e.Message))
		}
	}
	return nil
}

func byTime(a, b Event) int {
	if a.Time < b.Time {
		return -1
	}
	if a.Time > b.Time {
		return 1
	}
	return 0
}

// write commits the blocks and the stream's figures together. Commit joins concurrent writers in one fsync.
func (s *Store) write(stream Stream, events []Event, seq uint64, ingested int64) error {
	batch := s.db.NewBatch()
	defer batch.Close()
	prefix := streamPrefix(blockKey, stream.Group, stream.Name)
	for rest := events; len(rest) > 0; {
		n := blockLen(rest)
		err := batch.Set(eventKey(prefix, rest[0].Time, seq), pack(s.enc, rest[:n], ingested), nil)
		if err != nil {
			return err
		}
		seq += uint64(n)
		rest = rest[n:]
	}
	delta := StreamInfo{
		First: events[0].Time, Last: events[len(events)-1].Time, Ingested: ingested, Events: int64(len(events)),
	}
	for _, e := range events {
		delta.Bytes += int64(e.size())
	}
	err := batch.Merge(streamPrefix(infoKey, stream.Group, stream.Name), delta.encode(), nil)
	if err != nil {
		return err
	}
	return batch.Commit(pebble.Sync)
}

// blockLen is how many of the events make the next block.
func blockLen(events []Event) int {
	size := 0
	for i, e := range events {
		size += len(e.Message) + 8
		if i > 0 && (size > blockBytes || e.Time-events[0].Time > maxSpan) {
			return i
		}
	}
	return len(events)
}
