package logship

import (
	"bytes"
	"context"
	"strings"
	"time"
)

const (
	// maxMessage is the largest message that agents send: 256 KiB with what the service counts beside it.
	maxMessage = 256<<10 - eventOverhead
	// multilineQuiet is how long a multi-line event waits for another line.
	multilineQuiet = time.Second
)

// assembler makes events of entries: parts become lines, and lines multi-line events.
type assembler struct {
	opts options
	out  *queue
	seen progress // of all entries read
	open map[byte]*building
}

// building is an event that may still grow.
type building struct {
	before Mark // everything up to here belongs to earlier events
	at     time.Time
	text   []byte
	part   bool // the last line has not ended yet
	start  int  // where the last line begins
	lines  int64
}

func newAssembler(opts options, mark Mark, out *queue) *assembler {
	return &assembler{opts: opts, out: out, seen: resume(mark), open: map[byte]*building{}}
}

// run takes the entries of one stream and answers how many were new.
func (a *assembler) run(ctx context.Context, entries <-chan entry) int {
	n := 0
	a.seen.rewind()
	quiet := time.NewTimer(multilineQuiet)
	defer quiet.Stop()
	for {
		select {
		case e, ok := <-entries:
			if !ok {
				return n
			}
			before := a.seen.mark
			if !a.seen.advance(e.at) {
				continue // shipped before
			}
			n++
			a.take(ctx, e, before)
			if a.opts.begins != nil {
				quiet.Reset(multilineQuiet)
			}
		case <-quiet.C:
			a.flushEnded(ctx)
		case <-ctx.Done():
			return n
		}
	}
}

// take adds an entry to what its channel is building.
func (a *assembler) take(ctx context.Context, e entry, before Mark) {
	b := a.open[e.channel]
	if b == nil {
		b = &building{before: before, at: e.at}
		a.open[e.channel] = b
	}
	if !b.part {
		if b.lines > 0 {
			b.text = append(b.text, '\n')
		}
		b.start = len(b.text)
		b.lines++
	}
	b.text = append(b.text, e.text...)
	b.part = !e.ends
	if b.part {
		a.cut(ctx, e.channel, b)
		return
	}
	if a.opts.begins == nil {
		a.finish(ctx, e.channel, nil)
		return
	}
	a.separate(ctx, e, b, before)
}

// separate ends a multi-line event when the line just completed begins the next one.
func (a *assembler) separate(ctx context.Context, e entry, b *building, before Mark) {
	line := b.text[b.start:]
	if b.start > 0 && a.opts.begins.Match(line) {
		next := &building{before: before, at: e.at, text: bytes.Clone(line), lines: 1}
		b.text, b.lines = b.text[:b.start-1], b.lines-1
		a.finish(ctx, e.channel, next)
		b = next
	}
	a.cut(ctx, e.channel, b)
}

// cut sends the full part of an event that has outgrown the largest message.
func (a *assembler) cut(ctx context.Context, channel byte, b *building) {
	if len(b.text) <= maxMessage {
		return
	}
	var rest *building
	if b.part {
		// The rest of the line comes as an event of its own.
		rest = &building{before: a.seen.mark, at: b.at, part: true}
	}
	a.finish(ctx, channel, rest)
}

// finish puts what a channel has built in the queue; next is what the channel goes on with, if anything.
func (a *assembler) finish(ctx context.Context, channel byte, next *building) {
	b := a.open[channel]
	delete(a.open, channel)
	if next != nil {
		a.open[channel] = next
	}
	mark := a.safe()
	text := strings.ToValidUTF8(string(b.text), "\uFFFD")
	for len(text) > maxMessage {
		n := maxMessage
		for text[n]&0xc0 == 0x80 {
			n-- // not inside a character
		}
		// The mark moves with the last piece only.
		a.out.push(ctx, queued{Event: Event{b.at.UnixMilli(), text[:n]}, mark: b.before})
		text = text[n:]
	}
	if text == "" {
		return // the service takes no empty events
	}
	a.out.push(ctx, queued{Event: Event{b.at.UnixMilli(), text}, mark: mark, lines: b.lines})
}

// safe is the mark behind which nothing unsent was read: the beginning of the oldest event that is still open.
func (a *assembler) safe() Mark {
	mark := a.seen.mark
	for _, b := range a.open {
		if b.before.before(mark) {
			mark = b.before
		}
	}
	return mark
}

// flushEnded ends multi-line events whose last line is complete.
func (a *assembler) flushEnded(ctx context.Context) {
	for _, channel := range []byte{0, 1, 2} {
		if b := a.open[channel]; b != nil && !b.part {
			a.finish(ctx, channel, nil)
		}
	}
}

// flush ends everything: the container has nothing more to say.
func (a *assembler) flush(ctx context.Context) {
	if ctx.Err() != nil {
		return // read again by the next Follow
	}
	for _, channel := range []byte{0, 1, 2} {
		if a.open[channel] != nil {
			a.finish(ctx, channel, nil)
		}
	}
}
