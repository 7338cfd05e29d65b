package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is what a verifier is handed.
type Config struct {
	Keys Keys
	Now  func() time.Time
}

// Verifier checks signatures. It is safe for concurrent use.
type Verifier struct {
	keys Keys
	now  func() time.Time

	mu      sync.RWMutex
	derived map[scope]*signer // signing keys, which cost four HMACs each and live a day

	scratch sync.Pool // of *[]byte
}

type scope struct{ secret, date, region, service string }

const (
	window     = 15 * time.Minute
	maxDerived = 4096
)

// NewVerifier makes a verifier.
func NewVerifier(c Config) *Verifier {
	return &Verifier{keys: c.Keys, now: c.Now, derived: map[scope]*signer{}, scratch: sync.Pool{New: func() any {
		b := make([]byte, 0, 2048)
		return &b
	}}}
}

// Verify believes the claim s of request r or says why not. body is the body as it arrived. service is the signing
// name that the request must be scoped to; "" takes any.
func (v *Verifier) Verify(
	ctx context.Context, r *http.Request, s *Signature, body []byte, service string,
) (Identity, error) {
	err := v.timely(s)
	if err != nil {
		return Identity{}, err
	}
	if service != "" && s.Service != service {
		return Identity{}, problem(Mismatch, "Credential should be scoped to correct service: '"+service+"'. ")
	}
	err = covered(r, s)
	if err != nil {
		return Identity{}, err
	}
	secret, who, err := v.keys.Lookup(ctx, s.AccessKeyID, s.Token)
	if err != nil {
		return Identity{}, lookupError(err)
	}
	if !v.matches(r, s, body, v.signingKey(scope{secret, s.Date, s.Region, s.Service})) {
		return Identity{}, problem(Mismatch, mismatch)
	}
	return who, nil
}

// matches says whether key signed the request as it arrived. Every call of the API passes here, so nothing is
// allocated that the next one could use again.
func (v *Verifier) matches(r *http.Request, s *Signature, body []byte, key *signer) bool {
	sum := sha256.Sum256(body)
	payload := [2 * sha256.Size]byte{}
	hex.Encode(payload[:], sum[:])
	declared, given := r.Header["X-Amz-Content-Sha256"]
	if given && (len(declared) != 1 || declared[0] != string(payload[:])) {
		return false
	}
	room := v.scratch.Get().(*[]byte)
	defer v.scratch.Put(room)
	b := appendStringToSign((*room)[:0], r, s, payload[:])
	b = key.appendMAC(b[:0], b)
	want := len(b)
	b, err := hex.AppendDecode(b, []byte(s.signature))
	*room = b
	return err == nil && hmac.Equal(b[want:], b[:want])
}

const mismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

func lookupError(err error) error {
	const invalid = "The security token included in the request is invalid."
	switch {
	case errors.Is(err, ErrUnknownKey):
		return problem(UnknownKey, invalid)
	case errors.Is(err, ErrInvalidToken):
		return problem(InvalidToken, invalid)
	case errors.Is(err, ErrExpiredToken):
		return problem(ExpiredToken, "The security token included in the request is expired")
	}
	return fmt.Errorf("look up access key: %w", err)
}

// timely refuses what was signed too long ago, in the future, or under another day's key.
func (v *Verifier) timely(s *Signature) error {
	if s.timeText[:8] != s.Date {
		return problem(Mismatch, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version "+
			"of date from HTTP: '%.8s' != '%s', from '%s'.", s.Date, s.timeText[:8], s.timeText))
	}
	now := v.now().UTC()
	life := window
	if s.presigned {
		life = s.expires
	}
	oldest, newest := now.Add(-life), now.Add(window)
	if s.Time.Before(oldest) {
		return problem(Mismatch, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			s.timeText, oldest.Format(dateFormat), now.Format(dateFormat), int(life.Minutes())))
	}
	if s.Time.After(newest) {
		return problem(Mismatch, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			s.timeText, newest.Format(dateFormat), now.Format(dateFormat), int(window.Minutes())))
	}
	return nil
}

// covered wants the host, the content type and every arriving x-amz-* header signed: an unsigned one could have been
// added on the way and would still steer us. The body hash needs no signature of its own, it is compared with the
// body.
func covered(r *http.Request, s *Signature) error {
	if !slices.Contains(s.SignedHeaders, "host") {
		return problem(Mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		if name != "Content-Type" && (len(name) < 6 || !strings.EqualFold(name[:6], "x-amz-")) {
			continue
		}
		if !s.covers(name) {
			return problem(Mismatch, "There were headers present in the request which were not signed: "+strings.ToLower(name))
		}
	}
	return nil
}

// covers says whether a header, of ASCII as all are that arrive, is among the signed ones, which are in lower case.
func (s *Signature) covers(header string) bool {
	if strings.EqualFold(header, "x-amz-content-sha256") {
		return true
	}
	return slices.ContainsFunc(s.SignedHeaders, func(signed string) bool {
		if len(signed) != len(header) {
			return false
		}
		for i := range len(header) {
			c := header[i]
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			if c != signed[i] {
				return false
			}
		}
		return true
	})
}

func (v *Verifier) signingKey(k scope) *signer {
	v.mu.RLock()
	known := v.derived[k]
	v.mu.RUnlock()
	if known != nil {
		return known
	}
	key := mac([]byte("AWS4"+k.secret), k.date)
	key = mac(key, k.region)
	key = mac(key, k.service)
	key = mac(key, "aws4_request")
	fresh := newSigner(key)
	v.mu.Lock()
	defer v.mu.Unlock()
	// Sessions come and go; forgetting all of them now and then costs four HMACs each.
	if len(v.derived) >= maxDerived {
		clear(v.derived)
	}
	v.derived[k] = fresh
	return fresh
}

// signer is a signing key, and what has been keyed with it: keying is half of a short text's HMAC.
type signer struct{ hashes sync.Pool } // of hash.Hash

func newSigner(key []byte) *signer {
	return &signer{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// appendMAC appends to b, which may be where text is.
func (s *signer) appendMAC(b, text []byte) []byte {
	h := s.hashes.Get().(hash.Hash)
	defer s.hashes.Put(h)
	h.Reset()
	h.Write(text)
	return h.Sum(b)
}
