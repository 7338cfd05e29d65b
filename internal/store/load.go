package store

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"longshore/internal/store/record"
)

// chunk is how many records are decoded at once; they are kept together in memory of their own, because what an
// engine yields is valid for a moment only.
const chunk = 512

// filler fills one empty table.
type filler interface {
	// decode is called by many goroutines, add by one, in the order in which the engine yielded.
	decode(r *record.Reader, p *parcel) (any, error)
	add(keys []string, decoded any)
	// end is called once everything was added.
	end()
}

// parcel is some records of one table, one behind the other, on their way to a decoding goroutine, to the builder and
// back: its memory is used again and again, because fresh memory costs more than what is done to it.
type parcel struct {
	to      filler
	keys    []string
	bytes   []byte
	ends    []int
	decoded any
	err     error
	done    chan struct{} // has room for one
}

func newParcel() *parcel {
	return &parcel{keys: make([]string, 0, chunk), done: make(chan struct{}, 1)}
}

// empty makes a parcel ready for other records.
func (p *parcel) empty() {
	p.keys = make([]string, 0, chunk) // a table with indexes keeps them until its end
	p.bytes, p.ends = p.bytes[:0], p.ends[:0]
	p.to, p.decoded, p.err = nil, nil, nil
}

// value is the n-th record.
func (p *parcel) value(n int) []byte {
	if n == 0 {
		return p.bytes[:p.ends[0]]
	}
	return p.bytes[p.ends[n-1]:p.ends[n]]
}

// load reads everything that the engine holds: one goroutine reads, as many as there are processors decode, one
// builds the tables.
func load(ctx context.Context, e Engine) (*tables, uint64, error) {
	t := newTables()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ahead := 4 * runtime.GOMAXPROCS(0)
	l := &loading{ctx: ctx, tables: byName(), fillers: map[string]filler{}, to: t,
		work: make(chan *parcel), order: make(chan *parcel, ahead), free: make(chan *parcel, ahead)}
	var decoders, builder sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		decoders.Go(l.decode)
	}
	builder.Go(func() { l.build(cancel) })
	rev, err := e.Load(ctx, l.take)
	if err == nil {
		err = l.send()
	}
	close(l.work)
	close(l.order)
	decoders.Wait()
	builder.Wait()
	if context.Cause(ctx) != nil {
		err = context.Cause(ctx) // also when the engine did not notice
	}
	if err != nil {
		return nil, 0, fmt.Errorf("load records: %w", err)
	}
	return t, rev, nil
}

// loading is a load under way.
type loading struct {
	ctx     context.Context
	tables  map[string]table
	to      *tables
	fillers map[string]filler
	name    string  // table of the open parcel
	open    *parcel // being filled by take
	work    chan *parcel
	order   chan *parcel
	free    chan *parcel // empty ones
}

// take copies one record into the open parcel.
func (l *loading) take(name, key string, value []byte) error {
	if l.open == nil || l.name != name || len(l.open.keys) == chunk {
		err := l.begin(name, key)
		if err != nil {
			return err
		}
	}
	p := l.open
	p.keys = append(p.keys, key)
	p.bytes = append(p.bytes, value...)
	p.ends = append(p.ends, len(p.bytes))
	return nil
}

func (l *loading) begin(name, key string) error {
	err := l.send()
	if err != nil {
		return err
	}
	f, ok := l.fillers[name]
	if !ok {
		t, known := l.tables[name]
		if !known {
			return fmt.Errorf("read record %q: table %q is unknown to this version", key, name)
		}
		f = t.filler(l.to)
		l.fillers[name] = f
	}
	select {
	case l.open = <-l.free:
	default:
		l.open = newParcel()
	}
	l.name, l.open.to = name, f
	return nil
}

// send gives the open parcel to the decoders and, in order, to the builder.
func (l *loading) send() error {
	p := l.open
	l.open = nil
	if p == nil {
		return nil
	}
	for _, to := range []chan *parcel{l.order, l.work} {
		select {
		case to <- p:
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
	}
	return nil
}

func (l *loading) decode() {
	r := &record.Reader{}
	for p := range l.work {
		p.decoded, p.err = p.to.decode(r, p)
		p.done <- struct{}{}
	}
}

// build adds what was decoded. After an error it goes on emptying the channel.
func (l *loading) build(cancel context.CancelCauseFunc) {
	for p := range l.order {
		select {
		case <-p.done:
		case <-l.ctx.Done():
			continue
		}
		if p.err != nil {
			cancel(p.err)
			continue
		}
		p.to.add(p.keys, p.decoded)
		p.empty()
		select {
		case l.free <- p:
		default:
		}
	}
	if l.ctx.Err() != nil {
		return
	}
	for _, f := range l.fillers {
		f.end()
	}
}
