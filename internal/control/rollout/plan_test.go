package rollout

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/state"
)

// The table of the developer guide and what follows from it.
func TestBatchesFollowTheDocumentedArithmetic(t *testing.T) {
	for _, c := range []struct {
		name                      string
		desired, minimum, maximum int
		c                         census
		want                      batch
	}{
		{"4 at 50/100 stops two to start two", 4, 50, 100, census{oldFree: 4}, batch{old: 2, start: 2}},
		{"4 at 100/200 starts four first", 4, 100, 200, census{oldFree: 4}, batch{start: 4}},
		{"4 at 100/200 then stops as many as became healthy", 4, 100, 200,
			census{oldFree: 4, coming: 1, healthy: 3}, batch{old: 3}},
		{"2 at 75 can stop nothing", 2, 75, 100, census{oldFree: 2}, batch{stuck: true}},
		{"2 at 75/150 goes one by one", 2, 75, 150, census{oldFree: 2}, batch{start: 1}},
		{"3 at 125 can start nothing", 3, 100, 125, census{oldFree: 3}, batch{stuck: true}},
		{"1 at 100/150 is stuck", 1, 100, 150, census{oldFree: 1}, batch{stuck: true}},
		{"10 at 100/110 starts one", 10, 100, 110, census{oldFree: 10}, batch{start: 1}},
		{"10 at 100/110 waits for it", 10, 100, 110, census{oldFree: 10, coming: 1}, batch{}},
		{"10 at 100/110 stops one and starts the next", 10, 100, 110, census{oldFree: 10, healthy: 1},
			batch{old: 1, start: 1}},
		{"a daemon at 0/100 stops all to start all", 3, 0, 100, census{oldFree: 3}, batch{old: 3, start: 3}},
		{"scaling in stops what is coming first", 2, 100, 200, census{coming: 3, healthy: 5}, batch{surplus: 6}},
		{"scaling to nothing", 0, 100, 200, census{healthy: 5, oldFree: 2}, batch{surplus: 5, old: 2}},
		{"the unhealthy are replaced first", 2, 100, 200, census{healthy: 1, unwell: 1}, batch{start: 1}},
		{"and stopped then", 2, 100, 200, census{healthy: 2, unwell: 1}, batch{unwell: 1}},
		{"or one stops to make room", 3, 100, 100, census{healthy: 1, unwell: 2}, batch{unwell: 1, start: 1}},
		{"the next only when its replacement came", 3, 100, 100, census{healthy: 1, unwell: 1, coming: 1}, batch{}},
		{"healthy old ones do not make room for failing new ones", 4, 50, 200, census{oldFree: 4, unwell: 4},
			batch{unwell: 1, start: 1}},
		{"tasks that must move are replaced first", 2, 100, 200, census{healthy: 1, leaving: 1}, batch{start: 1}},
		{"and leave then", 2, 100, 200, census{healthy: 2, leaving: 1}, batch{leaving: 1}},
		{"or leave first as far as the minimum allows", 4, 50, 100, census{leaving: 4}, batch{leaving: 2, start: 2}},
		{"protected tasks are not replaced", 2, 50, 100, census{oldGuarded: 2}, batch{stuck: true}},
		{"weak old tasks are missed by nobody", 2, 100, 100, census{oldFree: 1, oldWeak: 1}, batch{older: 1, start: 1}},
		{"young old tasks are neither given up nor counted on", 2, 50, 100, census{oldFree: 1, oldYoung: 1}, batch{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.c.desired = c.desired
			c.c.lower, c.c.upper = bounds(c.desired, c.minimum, c.maximum)
			if got := c.c.next(); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func drawCensus(r *rapid.T) census {
	n := func(name string) int { return rapid.IntRange(0, 12).Draw(r, name) }
	c := census{desired: n("desired"), coming: n("coming"), healthy: n("healthy"), unwell: n("unwell"),
		leaving: n("leaving"), oldFree: n("oldFree"), oldGuarded: n("oldGuarded"), oldWeak: n("oldWeak"),
		oldYoung: n("oldYoung")}
	c.lower, c.upper = bounds(c.desired, rapid.IntRange(0, 100).Draw(r, "min"), rapid.IntRange(100, 300).Draw(r, "max"))
	return c
}

func TestNoBatchCrossesABound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := drawCensus(r)
		b := c.next()
		idle := min(b.surplus, c.coming)
		healthy := c.healthy + c.leaving + c.oldFree + c.oldGuarded
		after := healthy - (b.surplus - idle) - b.old - b.leaving
		if after < min(healthy, c.lower) {
			r.Fatalf("%+v: %d of %d healthy tasks are left by %+v", c, after, healthy, b)
		}
		stopped := b.surplus + b.old + b.older + b.leaving + b.unwell
		if b.start > 0 && c.active()-stopped+b.start > c.upper {
			r.Fatalf("%+v: too many tasks after %+v", c, b)
		}
		for what, ok := range map[string]bool{
			"surplus": b.surplus >= 0 && b.surplus <= c.coming+c.healthy,
			"unwell":  b.unwell >= 0 && b.unwell <= c.unwell,
			"leaving": b.leaving >= 0 && b.leaving <= c.leaving,
			"old":     b.old >= 0 && b.old <= c.oldFree,
			"older":   b.older >= 0 && b.older <= c.oldWeak,
			"start":   b.start >= 0 && b.start <= c.desired,
		} {
			if !ok {
				r.Fatalf("%+v: %s of %+v", c, what, b)
			}
		}
	})
}

func TestTheBreakersThresholdIsClampedAsDocumented(t *testing.T) {
	for _, c := range []struct {
		kind           string
		value, desired int
		want           int
	}{
		{"", 0, 1, 3}, {"", 0, 25, 13}, {"", 0, 400, 200}, {"", 0, 800, 200}, {"", 0, 0, 3},
		{"BOUNDED_PERCENT", 10, 100, 10}, {"BOUNDED_PERCENT", 10, 10, 3},
		{"UNBOUNDED_PERCENT", 50, 1, 1}, {"UNBOUNDED_PERCENT", 50, 800, 400}, {"UNBOUNDED_PERCENT", 10, 0, 1},
		{"COUNT", 7, 1, 7}, {"COUNT", 7, 1000, 7},
	} {
		got := threshold(state.DeployConfig{ThresholdType: c.kind, ThresholdValue: c.value}, c.desired)
		if got != c.want {
			t.Errorf("%s %d of %d: %d, want %d", c.kind, c.value, c.desired, got, c.want)
		}
	}
}

// What ends a task decides whether the breaker counts it.
func TestTheBreakerCountsFailuresToStartAndFailedHealthChecks(t *testing.T) {
	for _, c := range []struct {
		name        string
		checked     bool
		ran         bool
		seenHealthy bool
		code        string
		reason      string
		want        int
	}{
		{"never started", false, false, false, state.StopFailedToStart, "", 1},
		{"ended before it ran", false, false, false, state.StopEssentialExited, "", 1},
		{"ended soon after it ran", false, true, false, state.StopEssentialExited, "", 1},
		{"ended after it had been healthy", false, true, true, state.StopEssentialExited, "", 0},
		{"failed its health checks", true, true, true, state.StopServiceScheduler, reasonUnwell, 1},
		{"was scaled in", false, true, false, state.StopServiceScheduler, "Scaling activity", 0},
		{"was stopped by a user", false, false, false, state.StopUserInitiated, "Task stopped by user", 0},
		{"lost its host", false, true, false, state.StopTerminationNotice, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.service(1, 100, 200, nil)
			w.rest()
			w.move(1, waiting, func(task *state.Task) {
				if c.ran {
					w.run(task)
				}
				task.SeenHealthy = c.seenHealthy
				task.Stop(c.code, c.reason, w.now)
				w.end(task)
			})
			w.rest()
			for d := range w.s.View().Deployments().OfService(web) {
				if d.FailedTasks != c.want {
					t.Errorf("counted %d", d.FailedTasks)
				}
			}
			for task := range w.s.View().Tasks().StoppedOfService(web) {
				if !task.SeenStopped {
					t.Error("the end would be counted again")
				}
			}
		})
	}
}

func TestAHealthyTaskEndsTheRowUnlessFailuresAreCumulative(t *testing.T) {
	no := false
	for reset, want := range map[*bool]int{nil: 0, &no: 2} {
		t.Run(fmt.Sprint(reset == nil), func(t *testing.T) {
			w := newWorld(t)
			w.service(4, 100, 200, func(s *state.Service) { s.Deploy.ResetOnHealthy = reset })
			w.rest()
			w.move(2, waiting, w.exit(state.StopFailedToStart))
			w.move(1, waiting, w.run)
			w.rest()
			w.now = w.now.Add(settledAfter)
			w.rest()
			for d := range w.s.View().Deployments().OfService(web) {
				if d.FailedTasks != want || !d.Reached {
					t.Errorf("counted %d, reached %t", d.FailedTasks, d.Reached)
				}
			}
		})
	}
}

func TestNoTaskBecomesYoungWhenTheClockGoesBack(t *testing.T) {
	now := time.Unix(10_000, 0)
	p := newPlan(View{Service: &state.Service{Key: web}, HealthyAfter: 2 * time.Second}, now)
	for _, c := range []struct {
		started time.Time
		want    bool
	}{
		{now.Add(-time.Minute), true}, {now.Add(-time.Second), false}, {now, false}, {now.Add(time.Minute), true},
	} {
		got := p.healthy(&state.Task{Desired: state.Running, Last: state.Running, StartedAt: c.started})
		if got != c.want {
			t.Errorf("started %s from now: healthy is %t", c.started.Sub(now), got)
		}
	}
}

func TestRestartsAreDelayedTwiceAsLongUpToAQuarterOfAnHour(t *testing.T) {
	last := time.Duration(0)
	for n := range 40 {
		d := delay(n)
		if d < last || d > 15*time.Minute || n > 0 && d == 0 {
			t.Errorf("delay %d is %v after %v", n, d, last)
		}
		last = d
	}
	if last != 15*time.Minute {
		t.Errorf("the last delay is %v", last)
	}
}

func TestATaskCarriesWhatItsServiceAndDefinitionSay(t *testing.T) {
	td := &state.TaskDefinition{Key: family.Revision(3), CPU: 256, Memory: 512, Tags: state.Tags{"from": "definition"},
		TaskRoleARN: "role", ExecutionRoleARN: "exec"}
	s := &state.Service{Key: web, Tags: state.Tags{"from": "service"}, PropagateTags: "SERVICE",
		EnableECSManagedTags: true, Strategy: []state.PlacementStrategy{{Type: "random"}}}
	d := &state.Deployment{Key: state.NewDeploymentKey(web, "42"), PlatformVersion: "LATEST",
		Network: &state.NetworkConfig{Subnets: []string{"subnet-1"}}}
	got := newTask(s, d, td, "FARGATE_SPOT")
	if got.LaunchType != state.LaunchFargate || got.PlatformVersion != "1.4.0" || got.CapacityProvider != "FARGATE_SPOT" {
		t.Errorf("runs on %q %q %q", got.LaunchType, got.PlatformVersion, got.CapacityProvider)
	}
	if got.Group != "service:web" || got.StartedBy != "ecs-svc/42" || got.Need.CPU != 256 || got.CPU != 256 {
		t.Errorf("made as %+v", got)
	}
	tags := state.Tags{"from": "service", "aws:ecs:clusterName": "default", "aws:ecs:serviceName": "web"}
	if fmt.Sprint(got.Tags) != fmt.Sprint(tags) {
		t.Errorf("tags %v", got.Tags)
	}
	s.PropagateTags = "TASK_DEFINITION"
	if got := newTask(s, d, td, ""); got.Tags["from"] != "definition" || got.LaunchType != state.LaunchEC2 {
		t.Errorf("tags %v, launch type %s", got.Tags, got.LaunchType)
	}
}
