package power

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Config says how much to prove.
type Config struct {
	// Seeds is how many histories of crashes are lived through, from Seed on.
	Seeds int
	Seed  uint64
	// Cuts is how many bytes of the log's end are cut off, one more each time; Flips is how many random bits flip, and
	// Window how many bits one after the other.
	Cuts, Flips, Window int
	// Faults is how many histories of failing calls are lived through.
	Faults int
	// Workers run side by side; 0 = one for each processor.
	Workers int
	// Now is the clock of the figures; required.
	Now func() time.Time
}

// Verdict is what came of it.
type Verdict struct {
	Test       string `json:"test"`
	Seed       uint64 `json:"seed"`
	Revision   string `json:"commit"` // of the code, for whoever knows it
	Count      int    `json:"count"`  // histories of power losses
	Violations int    `json:"violations"`
	Enough     bool   `json:"enough_load"` // everything that was asked for was done, and met what it was meant to

	Crashes    int `json:"crashes"`
	InRecovery int `json:"crashes_in_recovery"`
	InTables   int `json:"crashes_in_tables"` // while a table or a manifest was written
	Batches    int `json:"batches"`

	Cuts    int `json:"cuts"`
	Flips   int `json:"flips"`
	Window  int `json:"window_flips"`
	Pages   int `json:"pages"`     // zeroed, doubled, swapped
	Older   int `json:"older_log"` // flips in a log that is not the newest
	Refused int `json:"refused"`   // of those damages
	Whole   int `json:"whole"`     // hurt no record
	Shorter int `json:"shorter"`   // left nothing behind them: a shorter prefix

	Faults  int `json:"faults"`         // histories of failing calls
	Stopped int `json:"faults_stopped"` // of those, how many stopped the engine

	Seconds float64  `json:"seconds"`
	Why     []string `json:"why,omitempty"` // the first violations
}

// maxTold bounds the list of violations; their number is complete.
const maxTold = 20

// runner collects what all histories found.
type runner struct {
	cfg Config
	mu  sync.Mutex
	v   Verdict
}

func (r *runner) count(add func(v *Verdict)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.v)
}

func (r *runner) wrong(format string, args ...any) {
	r.count(func(v *Verdict) {
		v.Violations++
		if len(v.Why) < maxTold {
			v.Why = append(v.Why, fmt.Sprintf(format, args...))
		}
	})
}

// Run proves as much as it is asked for, or until ctx ends.
func Run(ctx context.Context, cfg Config) Verdict {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	r := &runner{cfg: cfg, v: Verdict{Test: "power", Seed: cfg.Seed}}
	began := cfg.Now()
	r.each(ctx, cfg.Seeds, func(i int) {
		seed := cfg.Seed + uint64(i)
		if seed%4 == 3 {
			r.writers(seed)
		} else {
			r.lives(seed)
		}
		r.count(func(v *Verdict) { v.Count++ })
	})
	r.each(ctx, cfg.Faults, func(i int) { r.fault(cfg.Seed + uint64(i)) })
	if cfg.Cuts+cfg.Flips+cfg.Window > 0 {
		r.torn(ctx)
	}
	r.v.Seconds = cfg.Now().Sub(began).Seconds()
	r.v.Enough = r.enough()
	return r.v
}

// enough is false for a run that was broken off, and for a large one that missed what it is for.
func (r *runner) enough() bool {
	v, c := r.v, r.cfg
	if v.Count < c.Seeds || v.Cuts < c.Cuts || v.Flips < c.Flips || v.Window < c.Window || v.Faults < c.Faults {
		return false
	}
	if c.Seeds >= 100 && (v.InRecovery == 0 || v.InTables == 0 || v.Crashes < c.Seeds) {
		return false
	}
	return c.Faults < 100 || v.Stopped > 0
}

// each does something n times, several at once, and turns a panic into a violation.
func (r *runner) each(ctx context.Context, n int, do func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range r.cfg.Workers {
		wg.Go(func() {
			for i := range next {
				r.guarded(i, do)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (r *runner) guarded(i int, do func(int)) {
	defer func() {
		p := recover()
		if p != nil {
			r.wrong("%d: panic: %v", i, p)
		}
	}()
	do(i)
}
