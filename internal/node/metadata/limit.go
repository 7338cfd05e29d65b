package metadata

import "time"

// bucket is a token bucket. The zero value is full.
type bucket struct {
	used float64 // tokens taken and not yet grown back
	at   time.Time
}

// take reports whether one more request is within the allowance.
func (b *bucket) take(now time.Time, rate float64, burst int) bool {
	if passed := now.Sub(b.at); passed > 0 {
		b.used = max(0, b.used-passed.Seconds()*rate)
		b.at = now
	}
	if b.used+1 > float64(burst) {
		return false
	}
	b.used++
	return true
}
