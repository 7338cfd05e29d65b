//go:build e2e

package survival

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"longshore/test/rig"
)

// violation is a promise that was broken, by the invariant's name.
type violation struct {
	kind string // lost doubled orphan restarted untrue
	err  error
}

func (v violation) Error() string { return v.kind + ": " + v.err.Error() }
func (v violation) Unwrap() error { return v.err }

func lost(format string, a ...any) error    { return violation{"lost", fmt.Errorf(format, a...)} }
func doubled(format string, a ...any) error { return violation{"doubled", fmt.Errorf(format, a...)} }
func restarted(format string, a ...any) error {
	return violation{"restarted", fmt.Errorf(format, a...)}
}
func untrue(format string, a ...any) error { return violation{"untrue", fmt.Errorf(format, a...)} }

// as gives an oracle's complaint its name.
func as(kind string, err error) error {
	if err == nil {
		return nil
	}
	return violation{kind, err}
}

// verdict is what `make torture` prints last.
type verdict struct {
	Test           string  `json:"test"`
	Seed           uint64  `json:"seed"`
	Count          int     `json:"count"` // of faults: kills, restarts and tasks stopped at their start
	Violations     int     `json:"violations"`
	Kills          int     `json:"kills"`
	AgentKills     int     `json:"agent_kills"`
	BothKills      int     `json:"both_kills"` // agent and daemon at the same instant, counted in both
	DockerRestarts int     `json:"docker_restarts"`
	StartStops     int     `json:"start_stops"`
	AckedWrites    int     `json:"acked_writes"`
	TaskStarts     int     `json:"task_starts"`
	ExitCodes      int     `json:"exit_codes"`
	Checks         int     `json:"checks"`
	Lost           int     `json:"lost"`
	Doubled        int     `json:"doubled"`
	Orphans        int     `json:"orphans"`
	Restarted      int     `json:"restarted"`
	Untrue         int     `json:"untrue"`
	RestartP50     float64 `json:"restart_p50_ms"`
	RestartP99     float64 `json:"restart_p99_ms"`
	TruthP50       float64 `json:"truth_p50_ms"` // from an engine's return to records that are right
	TruthMax       float64 `json:"truth_max_ms"`
	Seconds        float64 `json:"seconds"`
	Commit         string  `json:"commit"`
	Error          string  `json:"error,omitempty"`

	mu       sync.Mutex
	deadline time.Time
	thin     bool // the run did too little, and broke nothing
	briefs   int  // tasks started around outages
	restarts []time.Duration
	truths   []time.Duration
}

// add changes the verdict: phases run at the same time.
func (v *verdict) add(f func(*verdict)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(v)
}

// broken counts a complaint as what it is and fails the phase.
func (v *verdict) broken(t *testing.T, when string, err error) {
	t.Helper()
	v.add(func(v *verdict) {
		v.Violations++
		v.Error = when + ": " + err.Error()
		var what violation
		if !errors.As(err, &what) {
			return
		}
		switch what.kind {
		case "lost":
			v.Lost++
		case "doubled":
			v.Doubled++
		case "orphan":
			v.Orphans++
		case "restarted":
			v.Restarted++
		default:
			v.Untrue++
		}
	})
	t.Fatalf("%s: %v", when, err)
}

// report ends the run: what failed without a name is a violation too.
func (v *verdict) report(t *testing.T, began time.Time) {
	v.add(func(v *verdict) {
		v.Count = v.Kills + v.AgentKills + v.DockerRestarts + v.StartStops
		v.RestartP50, v.RestartP99 = quantile(v.restarts, 0.5), quantile(v.restarts, 0.99)
		v.TruthP50, v.TruthMax = quantile(v.truths, 0.5), quantile(v.truths, 1)
		v.Seconds = time.Since(began).Round(time.Second).Seconds()
		v.Commit = rig.Commit()
		if t.Failed() && v.Violations == 0 && !v.thin {
			v.Violations = 1
		}
	})
	rig.Report(t, v)
}

// quantile of durations in milliseconds, 0 of none.
func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Microseconds()) / 1000
}
