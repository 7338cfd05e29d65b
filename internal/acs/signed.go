package acs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"sort"
)

// ErrSignedShape says that a TCS frame is not a block of headers followed by JSON.
var ErrSignedShape = errors.New("telemetry frame has no header block")

const (
	maxSignedHeaderBytes = 16 << 10
	maxSignedHeaders     = 32
)

// SignedFrame is an agent's TCS frame: SigV4 headers, a blank line, then the ordinary JSON frame. The signature is
// that of a GET of the session's URL with Body as payload.
type SignedFrame struct {
	Header http.Header
	Body   []byte
}

// ParseSigned splits a TCS frame. A frame that starts with "{" has no header block and comes back with an empty
// Header; the caller decides whether it insists on a signature.
func ParseSigned(data []byte, l Limits) (SignedFrame, error) {
	if len(data) > l.MaxBytes()+maxSignedHeaderBytes {
		return SignedFrame{}, ErrFrameTooLarge
	}
	if bytes.HasPrefix(data, []byte("{")) {
		return SignedFrame{Header: http.Header{}, Body: data}, nil
	}
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 || end > maxSignedHeaderBytes {
		return SignedFrame{}, ErrSignedShape
	}
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(data[:end+4])))
	h, err := r.ReadMIMEHeader()
	if err != nil {
		return SignedFrame{}, fmt.Errorf("%w: %w", ErrSignedShape, err)
	}
	if len(h) == 0 || len(h) > maxSignedHeaders {
		return SignedFrame{}, ErrSignedShape
	}
	return SignedFrame{Header: http.Header(h), Body: data[end+4:]}, nil
}

// Bytes writes the frame with its headers in alphabetical order, as agents do.
func (f SignedFrame) Bytes() []byte {
	names := make([]string, 0, len(f.Header))
	for name := range f.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	var b bytes.Buffer
	for _, name := range names {
		for _, value := range f.Header[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	b.Write(f.Body)
	return b.Bytes()
}
