package wire

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Timestamp is a point in time: epoch seconds with milliseconds in JSON and CBOR, ISO 8601 in query and XML.
type Timestamp struct{ time.Time }

// Unit is the output of an operation that answers nothing.
type Unit struct{}

// Document is a free-form member, kept as the JSON text that arrived.
type Document []byte

var errTimestamp = errors.New("timestamp is neither a number of seconds nor ISO 8601")

// At wraps a time; the zero time is an absent member.
func At(t time.Time) *Timestamp {
	if t.IsZero() {
		return nil
	}
	return &Timestamp{t}
}

// AppendEpoch appends seconds with at most three decimals, as AWS prints them.
func (t Timestamp) AppendEpoch(b []byte) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		return strconv.AppendFloat(b, float64(ms)/1000, 'f', -1, 64)
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	ms %= 1000
	if ms == 0 {
		return b
	}
	b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// ISO prints the form of query parameters and XML.
func (t Timestamp) ISO() string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// MarshalJSON writes epoch seconds.
func (t Timestamp) MarshalJSON() ([]byte, error) { return t.AppendEpoch(nil), nil }

// UnmarshalJSON reads epoch seconds; some clients send ISO 8601 text, which AWS takes as well.
func (t *Timestamp) UnmarshalJSON(b []byte) error {
	if len(b) > 1 && b[0] == '"' {
		return t.parse(string(b[1 : len(b)-1]))
	}
	return t.parse(string(b))
}

// MarshalCBOR writes tag 1 (epoch time) as Smithy RPC v2 wants it.
func (t Timestamp) MarshalCBOR() ([]byte, error) {
	return cbor.Marshal(cbor.Tag{Number: 1, Content: float64(t.UnixMilli()) / 1000})
}

// UnmarshalCBOR reads tag 1 with an integer or a float, or the bare number.
func (t *Timestamp) UnmarshalCBOR(b []byte) error {
	tag := cbor.RawTag{}
	if len(b) > 0 && b[0]>>5 == 6 {
		err := cbor.Unmarshal(b, &tag)
		if err != nil || tag.Number != 1 {
			return errTimestamp
		}
		b = tag.Content
	}
	seconds := float64(0)
	err := cbor.Unmarshal(b, &seconds)
	if err != nil {
		return errTimestamp
	}
	return t.epoch(seconds)
}

func (t *Timestamp) parse(s string) error {
	seconds, err := strconv.ParseFloat(s, 64)
	if err == nil {
		return t.epoch(seconds)
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return errTimestamp
	}
	t.Time = at.UTC()
	return nil
}

func (t *Timestamp) epoch(seconds float64) error {
	// Years 1 to 9999; outside, formatting would not round-trip.
	if math.IsNaN(seconds) || seconds < -62135596800 || seconds > 253402300799 {
		return errTimestamp
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}

// MarshalJSON writes the text as it arrived.
func (d Document) MarshalJSON() ([]byte, error) {
	if len(d) == 0 {
		return []byte("null"), nil
	}
	return d, nil
}

// UnmarshalJSON keeps a copy of the text.
func (d *Document) UnmarshalJSON(b []byte) error {
	*d = bytes.Clone(b)
	return nil
}
