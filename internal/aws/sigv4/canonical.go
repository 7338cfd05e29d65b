package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// appendStringToSign is step 2 of "Create a signed AWS API request" over the canonical request of step 1. b is room
// for both; what was in it is overwritten.
func appendStringToSign(b []byte, r *http.Request, s *Signature, payload []byte) []byte {
	b = append(b[:0], r.Method...)
	b = append(b, '\n')
	b = appendPath(b, receivedPath(r))
	b = append(b, '\n')
	b = appendQuery(b, r, s)
	b = append(b, '\n')
	for _, name := range s.SignedHeaders {
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, name)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range s.SignedHeaders {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	b = append(b, payload...)
	sum := sha256.Sum256(b)

	b = append(b[:0], algorithm+"\n"...)
	b = append(b, s.timeText...)
	b = append(b, '\n')
	for _, part := range []string{s.Date, s.Region, s.Service} {
		b = append(b, part...)
		b = append(b, '/')
	}
	b = append(b, "aws4_request\n"...)
	return hex.AppendEncode(b, sum[:])
}

// receivedPath is the path as it stood in the request line, without Go's cleaning.
func receivedPath(r *http.Request) string {
	path := r.RequestURI
	if path == "" || path[0] != '/' {
		path = r.URL.EscapedPath()
	}
	path, _, _ = strings.Cut(path, "?")
	if path == "" {
		return "/"
	}
	return path
}

// appendPath encodes the already encoded path once more, as every service but S3 wants it.
func appendPath(b []byte, path string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(path) {
		c := path[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '.' || c == '_' || c == '~' || c == '/'
		if plain {
			b = append(b, c)
			continue
		}
		b = append(b, '%', digits[c>>4], digits[c&15])
	}
	return b
}

// appendQuery sorts by encoded name, then by value, and encodes spaces as %20; the signature itself is left out.
func appendQuery(b []byte, r *http.Request, s *Signature) []byte {
	if r.URL.RawQuery == "" {
		return b
	}
	q := s.query
	if q == nil {
		// A query that cannot be read signs as far as it can; the operation refuses it later.
		q, _ = url.ParseQuery(r.URL.RawQuery)
	}
	pairs := make([]string, 0, len(q))
	for name, values := range q {
		if s.presigned && name == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			// Spaces become %20 before sorting: as + they would sort behind every other escape.
			pair := url.QueryEscape(name) + "\x00" + url.QueryEscape(v)
			pairs = append(pairs, strings.ReplaceAll(pair, "+", "%20"))
		}
	}
	// The zero byte sorts before every other, so that a name sorts before its own extensions.
	slices.Sort(pairs)
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, strings.Replace(p, "\x00", "=", 1)...)
	}
	return b
}

func appendHeader(b []byte, r *http.Request, name string) []byte {
	if name == "host" {
		return append(b, r.Host...)
	}
	values := r.Header[textproto.CanonicalMIMEHeaderKey(name)]
	if name == "content-length" && len(values) == 0 {
		return strconv.AppendInt(b, r.ContentLength, 10)
	}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCollapsed(b, strings.Trim(v, " \t"))
	}
	return b
}

// appendCollapsed turns runs of spaces into one.
func appendCollapsed(b []byte, v string) []byte {
	if !strings.Contains(v, "  ") {
		return append(b, v...)
	}
	for i := range len(v) {
		if v[i] == ' ' && v[i-1] == ' ' {
			continue
		}
		b = append(b, v[i])
	}
	return b
}
