package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
	derived map[scope][]byte // signing keys, which cost four HMACs each and live a day
}

type scope struct{ secret, date, region, service string }

const (
	window     = 15 * time.Minute
	maxDerived = 4096
)

// NewVerifier makes a verifier.
func NewVerifier(c Config) *Verifier {
	return &Verifier{keys: c.Keys, now: c.Now, derived: map[scope][]byte{}}
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
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	declared, given := r.Header["X-Amz-Content-Sha256"]
	if given && (len(declared) != 1 || declared[0] != payload) {
		return Identity{}, problem(Mismatch, mismatch)
	}
	h := hmac.New(sha256.New, v.signingKey(scope{secret, s.Date, s.Region, s.Service}))
	h.Write(stringToSign(r, s, payload))
	claimed, err := hex.DecodeString(s.signature)
	if err != nil || !hmac.Equal(claimed, h.Sum(nil)) {
		return Identity{}, problem(Mismatch, mismatch)
	}
	return who, nil
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
		lower := strings.ToLower(name)
		if lower != "x-amz-content-sha256" && !slices.Contains(s.SignedHeaders, lower) {
			return problem(Mismatch, "There were headers present in the request which were not signed: "+lower)
		}
	}
	return nil
}

func (v *Verifier) signingKey(k scope) []byte {
	v.mu.RLock()
	key := v.derived[k]
	v.mu.RUnlock()
	if key != nil {
		return key
	}
	key = mac([]byte("AWS4"+k.secret), k.date)
	key = mac(key, k.region)
	key = mac(key, k.service)
	key = mac(key, "aws4_request")
	v.mu.Lock()
	defer v.mu.Unlock()
	// Sessions come and go; forgetting all of them now and then costs four HMACs each.
	if len(v.derived) >= maxDerived {
		clear(v.derived)
	}
	v.derived[k] = key
	return key
}
