package workload

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// settledService is what is found broken of a service of 4 tasks that runs 5 for a while.
func settledService(t *testing.T, over time.Duration) []string {
	t.Helper()
	var broken []string
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := New(Config{Rand: rand.New(rand.NewPCG(1, 1)), Now: time.Now, Clients: 1,
			Violate: func(invariant, text string) { broken = append(broken, invariant+": "+text) },
			Call: func(_ context.Context, _ string, _, out any) error {
				running := 5
				if time.Since(began) >= over {
					running = 4
				}
				b, err := json.Marshal(object{"services": []object{{"serviceName": "s", "status": "ACTIVE",
					"taskDefinition": "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1", "desiredCount": 4,
					"runningCount": running, "deployments": []object{{"status": "PRIMARY"}}}}})
				if err != nil {
					return err
				}
				return json.Unmarshal(b, out)
			}})
		s := &service{name: "s", in: object{}, made: true, at: cell[int]{value: 4}, runs: cell[string]{value: "web:1"}}
		err := l.clients[0].settleService(t.Context(), s)
		if err != nil {
			t.Error(err)
		}
	})
	return broken
}

func TestSettlingLetsARolloutEndThatAnInstanceMadeRoomFor(t *testing.T) {
	broken := settledService(t, 50*time.Second)
	if len(broken) > 0 {
		t.Errorf("broken: %q, though the service scaled in within its bounds", broken)
	}
}

func TestSettlingTellsOfAServiceThatNeverScalesIn(t *testing.T) {
	broken := settledService(t, time.Hour)
	if len(broken) != 1 || !strings.HasPrefix(broken[0], "O4: ") {
		t.Errorf("broken: %q, want one O4", broken)
	}
}
