package front

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"longshore/internal/aws/fault"
)

// Rate is AWS's documented quota of a group of operations: they share one token bucket for every account and region.
type Rate struct {
	Name      string // the group's, as AWS calls it
	Ops       []string
	Burst     int     // capacity of the bucket: calls within one moment
	PerSecond float64 // refill: calls a second for ever
}

// throttle holds the token buckets of all callers. A bucket is made full by the first call; one that is full again is
// forgotten, which changes nothing.
type throttle struct {
	now   func() time.Time
	rates map[string]map[string]*Rate // by signing name and operation

	mu      sync.Mutex
	buckets map[bucketKey]*rate.Limiter
	tidyAt  int // buckets to grow to before the full ones are looked for
}

// bucketKey: AWS keeps every quota for each account on a per-Region basis.
type bucketKey struct {
	account, region string
	rate            *Rate
}

// minTidy keeps the search for full buckets away from installations of ordinary size.
const minTidy = 1024

// newThrottle checks that every rate names operations of its service, each once.
func newThrottle(services []*service, now func() time.Time) (*throttle, error) {
	t := &throttle{now: now, rates: map[string]map[string]*Rate{}, buckets: map[bucketKey]*rate.Limiter{}, tidyAt: minTidy}
	for _, s := range services {
		ops := map[string]*Rate{}
		for i := range s.Rates {
			r := &s.Rates[i]
			for _, op := range r.Ops {
				if s.ops[op] == nil || ops[op] != nil || r.Burst < 1 || r.PerSecond <= 0 {
					return nil, fmt.Errorf("new front: rate %q of %s.%s cannot be kept", r.Name, s.Wire.Name, op)
				}
				ops[op] = r
			}
		}
		t.rates[s.Wire.Name] = ops
	}
	return t, nil
}

// take takes a token for a call, or refuses it. Agents are never refused: what a node reports is the truth about
// containers, and holding it back helps nobody.
func (t *throttle) take(c Caller, service, operation string) error {
	r := t.rates[service][operation]
	if r == nil || c.Instance != "" {
		return nil
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	key := bucketKey{c.Account, c.Region, r}
	b := t.buckets[key]
	if b == nil {
		t.tidy(now)
		b = rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)
		t.buckets[key] = b
	}
	if b.AllowN(now, 1) {
		return nil
	}
	return fault.New("ThrottlingException", "Rate exceeded")
}

// tidy forgets full buckets when there are many: regions are the callers' to name.
func (t *throttle) tidy(now time.Time) {
	if len(t.buckets) < t.tidyAt {
		return
	}
	for key, b := range t.buckets {
		if b.TokensAt(now) >= float64(key.rate.Burst) {
			delete(t.buckets, key)
		}
	}
	t.tidyAt = max(minTidy, 2*len(t.buckets))
}
