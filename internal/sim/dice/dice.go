// Package dice draws every choice of a simulation from its seed, by name: the n-th draw of a name is always the
// same, whatever other names have drawn, so that a small change in one place does not change everything else.
//
// # Concurrency
//
// Dice are safe for concurrent use; the order of two draws of one name is the callers'.
package dice

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// Dice of one seed and one name.
type Dice struct {
	seed uint64
	name string

	mu  sync.Mutex
	rng *rand.PCG
}

// New dice of a seed.
func New(seed uint64) *Dice { return &Dice{seed: seed, rng: rand.NewPCG(seed, 0)} }

// Of makes the dice of a name below this one. Two of one name draw the same, so the owner keeps them.
func (d *Dice) Of(name string) *Dice {
	full := d.name + "/" + name
	h := fnv.New64a()
	_, _ = io.WriteString(h, full) // never fails (hash.Hash)
	return &Dice{seed: d.seed, name: full, rng: rand.NewPCG(d.seed, h.Sum64())}
}

// Uint64 draws 64 bits.
func (d *Dice) Uint64() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Uint64()
}

// Float draws from [0, 1).
func (d *Dice) Float() float64 { return float64(d.Uint64()>>11) / (1 << 53) }

// Intn draws from [0, n).
func (d *Dice) Intn(n int) int { return int(d.Uint64() % uint64(n)) }

// Chance is true with the probability p.
func (d *Dice) Chance(p float64) bool { return p > 0 && d.Float() < p }

// Between draws a duration from [low, high).
func (d *Dice) Between(low, high time.Duration) time.Duration {
	return low + time.Duration(d.Float()*float64(high-low))
}

// Read fills p, as an io.Reader.
func (d *Dice) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(d.Uint64() >> 8)
	}
	return len(p), nil
}

// ID is 32 hexadecimal digits.
func (d *Dice) ID() string { return fmt.Sprintf("%016x%016x", d.Uint64(), d.Uint64()) }

// UUID is a version 4 UUID.
func (d *Dice) UUID() string {
	h := d.ID()
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}
