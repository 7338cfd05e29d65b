package logstore

import (
	"context"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// Record is one stored event.
type Record struct {
	Stream   string
	Time     int64 // milliseconds since 1970
	Ingested int64 // when it was appended, milliseconds
	Seq      uint64
	Message  string
}

// ID names the event for ever: 56 digits that sort by time.
func (r Record) ID() string { return r.Position().String() }

// Position of the event in the order of reads.
func (r Record) Position() Position { return Position{Time: r.Time, Seq: r.Seq} }

// Position is a place in the order of reads: by time, then by arrival.
type Position struct {
	Time int64
	Seq  uint64
}

// String writes the position as 56 digits that sort as positions do (times before 1970 do not occur).
func (p Position) String() string { return fmt.Sprintf("%026d%030d", p.Time, p.Seq) }

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	var p Position
	if len(s) != 56 {
		return p, fmt.Errorf("parse position: %d digits instead of 56", len(s))
	}
	for i := range 56 {
		if s[i] < '0' || s[i] > '9' {
			return p, fmt.Errorf("parse position: not a digit")
		}
	}
	_, err := fmt.Sscanf(s[:26]+" "+s[26:], "%d %d", &p.Time, &p.Seq)
	if err != nil {
		return p, fmt.Errorf("parse position: %w", err)
	}
	return p, nil
}

func (p Position) before(q Position) bool {
	return p.Time < q.Time || (p.Time == q.Time && p.Seq < q.Seq)
}

// Query says what to read.
type Query struct {
	Group string
	// Streams to merge. Nil is every stream of the group.
	Streams []string
	// Start is the first millisecond wanted, End the first not wanted any more; End 0 is no end.
	Start, End int64
	// After is exclusive: reading goes on behind it, in the direction of the read. Nil begins at the edge.
	After *Position
	// Backward reads from the newest to the oldest.
	Backward bool
	// Limit is the most events of a page, MaxBytes the most bytes as AWS counts them. 0 is no limit.
	Limit, MaxBytes int
	// Match keeps events. Nil keeps all.
	Match func(message string) bool
	// MaxScan ends the page after so many events were looked at, matching or not. 0 is no limit.
	MaxScan int
}

// Page is one answer of Read.
type Page struct {
	// Records in the order of the read.
	Records []Record
	// Next is the last position looked at: hand it in as After to go on. Nil when nothing was.
	Next *Position
	// More says that events wait behind Next.
	More bool
}

// Read returns events in order. Reading goes on where it ended with After = &page.Next.
func (s *Store) Read(ctx context.Context, q Query) (Page, error) {
	release, err := s.use()
	if err != nil {
		return Page{}, err
	}
	defer release()
	if q.End == 0 {
		q.End = math.MaxInt64
	}
	if q.After != nil && q.Backward {
		q.End = min(q.End, q.After.Time+1)
	}
	if q.After != nil && !q.Backward {
		q.Start = max(q.Start, q.After.Time)
	}
	if q.Start >= q.End {
		return Page{}, nil
	}
	snap := s.db.NewSnapshot()
	defer snap.Close()
	streams, err := s.wanted(ctx, snap, q)
	if err != nil {
		return Page{}, err
	}
	prefix := groupPrefix(blockKey, q.Group)
	it, err := snap.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return Page{}, fmt.Errorf("read logs: %w", err)
	}
	defer it.Close()
	m := &merge{store: s, it: it, q: q}
	page, err := m.run(ctx, streams)
	if err != nil {
		return Page{}, fmt.Errorf("read logs: %w", err)
	}
	return page, nil
}

// wanted are the streams that can hold events of the query: a group of ten thousand finished tasks is
// followed at the cost of those that still write.
func (s *Store) wanted(ctx context.Context, snap *pebble.Snapshot, q Query) ([]string, error) {
	if q.Streams != nil {
		return q.Streams, nil
	}
	infos, err := s.streams(ctx, snap, q.Group)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, info := range infos {
		if info.Events > 0 && info.Last >= q.Start && info.First < q.End {
			names = append(names, info.Name)
		}
	}
	return names, nil
}
