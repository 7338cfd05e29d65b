//go:build e2e

package survival

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longshore/test/rig"
)

// What a run must bear, or it proves nothing.
const (
	writesPerKill = 20
	killsPerStart = 2 // at the most, of a task by RunTask; services start theirs besides
)

// TestTorture takes its counts from the environment: KILLS of the daemon, AGENT_KILLS, DOCKER_RESTARTS of an engine
// of its own, START_STOPS of tasks, and the SEED of all random moments. Without them it is CI's share. A run that has
// not done all of it after MINUTES ends with what it did, and fails.
func TestTorture(t *testing.T) {
	rig.RootOnly(t)
	v := &verdict{Test: "torture", Seed: rig.Setting(t, "SEED", uint64(time.Now().UnixNano()))}
	kills, agentKills := int(rig.Setting(t, "KILLS", 30)), int(rig.Setting(t, "AGENT_KILLS", 30))
	outages, brief := int(rig.Setting(t, "DOCKER_RESTARTS", 5)), int(rig.Setting(t, "START_STOPS", 200))
	t.Logf("SEED=%d KILLS=%d AGENT_KILLS=%d DOCKER_RESTARTS=%d START_STOPS=%d", v.Seed, kills, agentKills, outages, brief)
	began := time.Now()
	v.deadline = began.Add(time.Duration(rig.Setting(t, "MINUTES", 180)) * time.Minute)
	t.Cleanup(func() { v.report(t, began) })
	t.Run("at once", func(t *testing.T) {
		t.Run("kills", func(t *testing.T) {
			t.Parallel()
			if kills+agentKills+brief == 0 {
				return
			}
			b := fight(t, v, v.Seed)
			b.startStops(brief)
			b.kills(kills, agentKills)
		})
		t.Run("outages", func(t *testing.T) {
			t.Parallel()
			if outages == 0 {
				return
			}
			s := besiege(t, v, v.Seed)
			s.restarts(outages)
			s.reachable()
		})
	})
	v.floors(t, kills, agentKills, outages)
}

// floors fails a run that did too little for its kills. That is no violation of a promise.
func (v *verdict) floors(t *testing.T, kills, agentKills, outages int) {
	all := v.Kills + v.AgentKills
	var thin []string
	if v.Kills < kills || v.AgentKills < agentKills || v.DockerRestarts < outages {
		thin = append(thin, fmt.Sprintf("asked for %d, %d and %d faults", kills, agentKills, outages))
	}
	if v.AckedWrites < writesPerKill*all || v.TaskStarts*killsPerStart < all || v.briefs < outages {
		thin = append(thin, fmt.Sprintf("too little load: %d acknowledged writes, %d tasks started, %d around outages",
			v.AckedWrites, v.TaskStarts, v.briefs))
	}
	slowest := quantile(v.restarts, 1)
	if slowest > float64(readyWithin.Milliseconds()) {
		thin = append(thin, fmt.Sprintf("a start took %.0f ms, more than %s", slowest, readyWithin))
	}
	if len(thin) == 0 || v.Violations > 0 {
		return
	}
	v.Error, v.thin = strings.Join(thin, "; "), true
	t.Error(v.Error)
}
