package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxSpan bounds the time between the first and the last event of a block, in milliseconds.
	maxSpan = 60_000
	// blockBytes is the size at which a block is closed, before compression.
	blockBytes = 64 << 10
	// maxBlock bounds what a block may unpack to: one event of the largest size beside a nearly full block.
	maxBlock = 4 << 20
	// compressFrom is the size under which zstd's frame costs more than it saves.
	compressFrom = 256
)

const (
	blockKey byte = 'b' // events
	infoKey  byte = 'i' // what is known of a stream
	seqKey   byte = 'q' // upper end of the sequence numbers in use
)

const (
	codecRaw  byte = 0
	codecZstd byte = 1
)

var errDamaged = errors.New("damaged log block")

// header is what a block tells without being unpacked.
type header struct {
	first, last int64 // milliseconds
	seq         uint64
	count       int
	ingested    int64
	bytes       int // as AWS counts: messages and 26 bytes each
	codec       byte
}

// groupPrefix starts the keys of a group. Names hold no NUL, so no name is a prefix of another's keys.
func groupPrefix(kind byte, group string) []byte {
	key := make([]byte, 0, 2+len(group))
	key = append(key, kind)
	key = append(key, group...)
	return append(key, 0)
}

func streamPrefix(kind byte, group, stream string) []byte {
	key := append(groupPrefix(kind, group), stream...)
	return append(key, 0)
}

func eventKey(prefix []byte, time int64, seq uint64) []byte {
	key := make([]byte, 0, len(prefix)+16)
	key = append(key, prefix...)
	key = binary.BigEndian.AppendUint64(key, uint64(time)^1<<63)
	return binary.BigEndian.AppendUint64(key, seq)
}

// after is the smallest key that is larger than every key with the prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	end[len(end)-1]++ // the last byte is the NUL that ends a name
	return end
}

// pack appends a block's value: header, then the events, each as time since the one before, length, bytes.
func pack(enc *zstd.Encoder, events []Event, ingested int64) []byte {
	raw := make([]byte, 0, blockBytes)
	at, bytes := events[0].Time, 0
	for _, e := range events {
		raw = binary.AppendUvarint(raw, uint64(e.Time-at))
		raw = binary.AppendUvarint(raw, uint64(len(e.Message)))
		raw = append(raw, e.Message...)
		at = e.Time
		bytes += e.size()
	}
	value := make([]byte, 0, 32+len(raw)/2)
	value = append(value, codecRaw)
	value = binary.AppendUvarint(value, uint64(at-events[0].Time))
	value = binary.AppendUvarint(value, uint64(len(events)))
	value = binary.AppendUvarint(value, uint64(bytes))
	value = binary.AppendVarint(value, ingested)
	if len(raw) < compressFrom {
		return append(value, raw...)
	}
	value[0] = codecZstd
	return enc.EncodeAll(raw, value)
}

// readHeader returns the header of a block and the events behind it, still packed.
func readHeader(key, value []byte) (header, []byte, error) {
	if len(key) < 16 || len(value) == 0 {
		return header{}, nil, errDamaged
	}
	tail := key[len(key)-16:]
	h := header{
		first: int64(binary.BigEndian.Uint64(tail) ^ 1<<63),
		seq:   binary.BigEndian.Uint64(tail[8:]),
		codec: value[0],
	}
	rest := value[1:]
	var fields [3]uint64
	for i := range fields {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return header{}, nil, errDamaged
		}
		fields[i], rest = v, rest[n:]
	}
	ingested, n := binary.Varint(rest)
	if n <= 0 || fields[0] > maxSpan || fields[1] > maxBlock || fields[2] > 32*maxBlock {
		return header{}, nil, errDamaged
	}
	h.last = h.first + int64(fields[0])
	h.count, h.bytes, h.ingested = int(fields[1]), int(fields[2]), ingested
	return h, rest[n:], nil
}

// unpack returns a block's events. The messages share one string.
func unpack(dec *zstd.Decoder, h header, packed []byte) ([]Event, error) {
	raw := packed
	if h.codec == codecZstd {
		var err error
		raw, err = dec.DecodeAll(packed, nil)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	if h.count > len(raw)/2 {
		return nil, errDamaged
	}
	var text strings.Builder
	text.Write(raw)
	events := make([]Event, 0, h.count)
	at, pos := h.first, 0
	for range h.count {
		delta, n := binary.Uvarint(raw[pos:])
		if n <= 0 {
			return nil, errDamaged
		}
		pos += n
		size, n := binary.Uvarint(raw[pos:])
		if n <= 0 || size > uint64(len(raw)-pos-n) {
			return nil, errDamaged
		}
		pos += n
		at += int64(delta)
		events = append(events, Event{Time: at, Message: text.String()[pos : pos+int(size)]})
		pos += int(size)
	}
	return events, nil
}
