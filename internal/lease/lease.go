package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Cell is where the record lies.
type Cell interface {
	// Read answers the value and its version, nothing and 0 if there is none.
	Read(ctx context.Context) (value []byte, version int64, err error)
	// Swap writes if the version is still the given one, and answers the new version, or 0 if it was not.
	Swap(ctx context.Context, version int64, value []byte) (int64, error)
}

// Config of a candidate.
type Config struct {
	Cell Cell
	// Holder names this run of this server; no two may share a name.
	Holder string
	Now    func() time.Time
	Log    *slog.Logger
	// Changed, if set, is told when this server begins and ends to lead.
	Changed func(leads bool)
	// Beat is the time between two renewals, and between two looks of who waits; 0 = 250 ms.
	Beat time.Duration
	// Hold is how long a holder works on without a renewal; 0 = 900 ms.
	Hold time.Duration
	// Expire is how long a record must stand still before it is taken over; 0 = 1.2 s.
	Expire time.Duration
}

// record is what the cell holds. Beat makes every renewal another value.
type record struct {
	Holder string `json:"holder"` // empty: given back
	Epoch  uint64 `json:"epoch"`  // grows with every holder
	Beat   uint64 `json:"beat"`
}

// Run competes for the lease until ctx ends. While it holds it, lead runs, with a context that ends with the lease;
// Run waits for it to return before it gives the lease back. An error of lead that comes before that is Run's.
func Run(ctx context.Context, c Config, lead func(context.Context) error) error {
	if c.Beat == 0 {
		c.Beat = 250 * time.Millisecond
	}
	if c.Hold == 0 {
		c.Hold = 900 * time.Millisecond
	}
	if c.Expire == 0 {
		c.Expire = 1200 * time.Millisecond
	}
	f := candidate{Config: c}
	for {
		mine, err := f.try(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && mine != nil {
			err = f.reign(ctx, *mine, lead)
			if err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(c.Beat):
		}
	}
}

// candidate watches the record of another.
type candidate struct {
	Config
	version int64     // last seen
	since   time.Time // when it was first seen
}

// held is a lease of this server.
type held struct {
	record
	version int64
	renewed time.Time // before the renewal was sent: others may count from later on only
}

// try looks at the record and takes it over if nobody renews it.
func (f *candidate) try(ctx context.Context) (*held, error) {
	ctx, cancel := context.WithTimeout(ctx, f.Hold)
	defer cancel()
	value, version, err := f.Cell.Read(ctx)
	if err != nil {
		return nil, err
	}
	was, err := parse(value)
	if err != nil {
		return nil, err
	}
	now := f.Now()
	if version != f.version || f.since.IsZero() {
		f.version, f.since = version, now
	}
	// A record in this server's name is one whose answer was lost. It may be as old as any other: others count.
	if was.Holder != "" && was.Holder != f.Holder && now.Sub(f.since) < f.Expire {
		return nil, nil
	}
	mine := held{record: record{Holder: f.Holder, Epoch: was.Epoch + 1}, renewed: f.Now()}
	mine.version, err = f.Cell.Swap(ctx, version, mine.encode())
	if err != nil || mine.version == 0 {
		return nil, err
	}
	return &mine, nil
}

func parse(value []byte) (record, error) {
	var r record
	if len(value) == 0 {
		return r, nil
	}
	err := json.Unmarshal(value, &r)
	if err != nil {
		return r, fmt.Errorf("read lease: %w", err)
	}
	return r, nil
}

func (r record) encode() []byte {
	b, _ := json.Marshal(r) // cannot fail: three plain fields
	return b
}

// reign leads until the lease is lost or ctx ends.
func (f *candidate) reign(ctx context.Context, mine held, lead func(context.Context) error) error {
	f.Log.Info("this server leads", "op", "lease")
	f.tell(true)
	defer f.tell(false)
	work, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- lead(work) }()
	for {
		select {
		case err := <-done:
			f.giveBack(&mine)
			return err
		case <-ctx.Done():
			err := <-done
			f.giveBack(&mine)
			return err
		case <-time.After(f.Beat):
		}
		lost := f.renew(ctx, &mine)
		if lost != "" && ctx.Err() == nil {
			f.Log.Warn("this server does not lead any more", "op", "lease", "err", lost)
			stop()
			<-done // it was told to stop; what it says of that is nothing new
			f.version, f.since = 0, time.Time{}
			return nil
		}
	}
}

func (f *candidate) tell(leads bool) {
	if f.Changed != nil {
		f.Changed(leads)
	}
}

// renew rewrites the record until it succeeds or the lease is lost, and says why it is.
func (f *candidate) renew(ctx context.Context, mine *held) string {
	for {
		limit := mine.renewed.Add(f.Hold).Sub(f.Now())
		if limit <= 0 {
			return "the record of the lease could not be renewed in time"
		}
		tctx, cancel := context.WithTimeout(ctx, min(limit, f.Hold/2))
		taken, err := f.beat(tctx, mine)
		cancel()
		switch {
		case ctx.Err() != nil, err == nil && !taken:
			return ""
		case taken:
			return "another server took the lease over"
		}
		select {
		case <-ctx.Done():
			return ""
		case <-time.After(f.Beat / 10):
		}
	}
}

// beat makes one attempt at a renewal. The answer to an earlier one may have been lost: the record tells.
func (f *candidate) beat(ctx context.Context, mine *held) (taken bool, err error) {
	next := held{record: mine.record, renewed: f.Now()}
	next.Beat++
	next.version, err = f.Cell.Swap(ctx, mine.version, next.encode())
	if err != nil {
		return false, err
	}
	if next.version != 0 {
		*mine = next
		return false, nil
	}
	value, version, err := f.Cell.Read(ctx)
	if err != nil {
		return false, err
	}
	r, err := parse(value)
	if err != nil {
		return false, err
	}
	if r.Holder != mine.Holder || r.Epoch != mine.Epoch {
		return true, nil
	}
	mine.record, mine.version = r, version
	return false, errRace
}

// errRace: the record is ours, of another beat than thought; it is renewed again.
var errRace = errors.New("the lease was renewed by a request whose answer was lost")

// giveBack lets the next one begin at once. It is a courtesy: without it, the lease expires.
func (f *candidate) giveBack(mine *held) {
	ctx, cancel := context.WithTimeout(context.Background(), f.Hold)
	defer cancel()
	_, _ = f.Cell.Swap(ctx, mine.version, record{Epoch: mine.Epoch}.encode())
}
