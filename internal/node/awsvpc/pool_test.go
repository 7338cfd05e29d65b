package awsvpc

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestThePoolPlansOneStepAtATime(t *testing.T) {
	now := time.Unix(1000, 0)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const quiet = 250 * time.Millisecond
	for name, c := range map[string]struct {
		state poolState
		step  poolStep
		wait  time.Duration
	}{
		"an empty pool is refilled at once":             {poolState{0, 4, now, now}, stepMake, 0},
		"a used one waits for a quiet moment":           {poolState{3, 4, ago(50 * time.Millisecond), now}, stepWait, 200 * time.Millisecond},
		"and is refilled then":                          {poolState{3, 4, ago(quiet), now}, stepMake, 0},
		"a full one waits for a kick":                   {poolState{4, 4, now, now}, stepWait, 0},
		"what is too much goes":                         {poolState{5, 4, now, now}, stepDrop, 0},
		"a grown target is kept for a while":            {poolState{8, 8, ago(10 * time.Second), ago(time.Minute)}, stepWait, 20 * time.Second},
		"a grown target eases after calm":               {poolState{8, 8, ago(calm), ago(calm)}, stepEase, 0},
		"and eases again only after another calm while": {poolState{8, 8, ago(time.Hour), ago(time.Second)}, stepWait, 29 * time.Second},
	} {
		step, wait := plan(c.state, 4, quiet, now)
		if step != c.step || wait != c.wait {
			t.Errorf("%s: step %d after %s, want %d after %s", name, step, wait, c.step, c.wait)
		}
	}
}

func TestThePoolSettlesAtItsSizeAfterAnyBurst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1000, 0)
		minimum := rapid.IntRange(0, 6).Draw(t, "min")
		p := newPool(Config{PoolSize: minimum, PoolMax: 16, PoolQuiet: time.Second, Now: func() time.Time { return now }})
		for range rapid.IntRange(0, 60).Draw(t, "takes") {
			p.take()
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "gap")) * time.Millisecond)
			step, _, _ := p.next()
			if step == stepMake {
				p.put(&pause{})
			}
			if p.size() > 16 || p.state.target > 16 {
				t.Fatalf("%d ready, target %d", p.size(), p.state.target)
			}
		}
		for range 1000 {
			step, wait, _ := p.next()
			if step == stepMake {
				p.put(&pause{})
			}
			if step == stepWait && wait == 0 {
				break
			}
			now = now.Add(wait)
		}
		if p.size() != minimum || p.state.target != minimum {
			t.Fatalf("settled at %d of %d, want %d", p.size(), p.state.target, minimum)
		}
	})
}
