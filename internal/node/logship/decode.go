package logship

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// partialBytes is where the engine cuts lines.
	partialBytes = 16 << 10
	// maxFrame bounds a frame: the engine's largest line, its timestamp and some room.
	maxFrame = 4 << 20
)

var errFrame = errors.New("damaged log frame")

// entry is one line, or the part of one, as the engine keeps it.
type entry struct {
	at      time.Time
	channel byte // 1 stdout, 2 stderr; 0 for a terminal
	text    []byte
	ends    bool // the line ends here
}

// decode reads entries until the stream ends. A frame begins with its channel (0 to 2), a terminal's raw stream with
// the digit of a timestamp, so the first byte tells which it is.
func decode(ctx context.Context, stream io.Reader, out chan<- entry) error {
	r := bufio.NewReaderSize(stream, partialBytes)
	first, err := r.Peek(1)
	if err != nil {
		return err
	}
	next := frame
	if first[0] > 2 {
		next = rawLine
	}
	for {
		e, err := next(r)
		if err != nil {
			return err
		}
		select {
		case out <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// frame reads channel, three zeros, length, then timestamp, space, text; no newline at the end means a part.
func frame(r *bufio.Reader) (entry, error) {
	var head [8]byte
	_, err := io.ReadFull(r, head[:])
	if err != nil {
		return entry{}, err
	}
	size := binary.BigEndian.Uint32(head[4:])
	if head[0] > 2 || size > maxFrame {
		return entry{}, errFrame
	}
	payload := make([]byte, size)
	_, err = io.ReadFull(r, payload)
	if err != nil {
		return entry{}, fmt.Errorf("read log frame: %w", io.ErrUnexpectedEOF)
	}
	stamp, text, found := bytes.Cut(payload, []byte{' '})
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if !found || err != nil {
		return entry{}, errFrame
	}
	text, ends := bytes.CutSuffix(text, []byte{'\n'})
	return entry{at: at, channel: head[0], text: text, ends: ends}, nil
}

// rawLine reads a terminal's line: timestamp, space, text up to a newline. A line of the engine's largest size may be
// a part; what follows then has a timestamp of its own.
func rawLine(r *bufio.Reader) (entry, error) {
	stamp, err := r.ReadSlice(' ')
	if err != nil && len(stamp) == 0 {
		return entry{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, string(bytes.TrimSuffix(stamp, []byte{' '})))
	if err != nil {
		return entry{}, errFrame
	}
	e := entry{at: at}
	for len(e.text) < partialBytes {
		c, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			return e, nil
		}
		if err != nil {
			return entry{}, err
		}
		if c == '\n' {
			e.text, e.ends = bytes.TrimSuffix(e.text, []byte{'\r'}), true
			return e, nil
		}
		e.text = append(e.text, c)
	}
	next, err := r.Peek(1)
	if err == nil && next[0] == '\n' {
		_, _ = r.Discard(1)
		e.text, e.ends = bytes.TrimSuffix(e.text, []byte{'\r'}), true
	}
	return e, nil
}
