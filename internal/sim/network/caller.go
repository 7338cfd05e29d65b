package network

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"longshore/internal/sim/dice"
)

// Calls are the odds of what happens to one HTTP call.
type Calls struct {
	// Refuse loses the request, Forget its answer after it was served, Double sends it once more, Late holds it back.
	Refuse, Forget, Double, Late float64
	LateUpTo                     time.Duration
}

// errLost is what a client sees of a call that the network lost.
var errLost = errors.New("connection reset by peer")

// Caller is a transport whose calls get lost, answered into nothing, doubled or delayed.
type Caller struct {
	Base http.RoundTripper
	Dice *dice.Dice
	// Odds of the moment.
	Odds func() Calls
	// Now and then it tells what it did.
	Note func(kind, text string)
}

var _ http.RoundTripper = (*Caller)(nil)

// RoundTrip implements http.RoundTripper. Upgrades pass: their messages have a fate of their own.
func (c *Caller) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Upgrade") != "" {
		return c.Base.RoundTrip(r)
	}
	o, roll := c.Odds(), c.Dice.Float()
	what := r.Header.Get("X-Amz-Target")
	switch {
	case roll < o.Refuse:
		c.Note("lost call", what)
		return nil, errLost
	case roll < o.Refuse+o.Forget:
		c.Note("lost answer", what)
		return nil, c.forgotten(r)
	case roll < o.Refuse+o.Forget+o.Double:
		c.Note("doubled call", what)
		return c.twice(r)
	case roll < o.Refuse+o.Forget+o.Double+o.Late:
		c.Note("late call", what)
		err := rest(r.Context(), c.Dice.Between(0, o.LateUpTo))
		if err != nil {
			return nil, err
		}
	}
	return c.Base.RoundTrip(r)
}

func (c *Caller) forgotten(r *http.Request) error {
	res, err := c.Base.RoundTrip(r)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, res.Body) // the answer is thrown away either way
	_ = res.Body.Close()
	return errLost
}

// twice sends the same request one behind the other, and answers with the second's answer.
func (c *Caller) twice(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return c.Base.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	err = c.forgotten(again)
	if !errors.Is(err, errLost) {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return c.Base.RoundTrip(r)
}
