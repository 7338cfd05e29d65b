package taskrun

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"longshore/internal/acs"
)

// at is an arbitrary moment.
func at(seconds int) time.Time { return time.Unix(1_800_000_000+int64(seconds), 0) }

// taskOf makes the view of a task whose setup is done.
func taskOf(specs ...acs.Container) *view {
	t := &acs.Task{ARN: "t", DesiredStatus: acs.StatusRunning, Containers: specs}
	v := &view{Task: t, Desired: acs.StatusRunning, Setup: true}
	for i := range t.Containers {
		v.Containers = append(v.Containers, &containerView{Spec: &t.Containers[i], Phase: phaseWaiting})
	}
	return v
}

func show(d decision) string {
	parts := []string{}
	for _, a := range d.Actions {
		if a.Container == nil {
			parts = append(parts, string(a.Op))
			continue
		}
		parts = append(parts, string(a.Op)+" "+a.Container.Spec.Name)
	}
	return strings.Join(parts, ", ")
}

func dep(name, condition string) []acs.Dependency {
	return []acs.Dependency{{ContainerName: name, Condition: condition}}
}

func intp(n int) *int { return &n }

func TestWhatATaskDoesNext(t *testing.T) {
	app := acs.Container{Name: "app", Essential: true}
	db := acs.Container{Name: "db"}
	with := func(c acs.Container, d []acs.Dependency) acs.Container { c.DependsOn = d; return c }
	started := func(c *containerView) { c.Phase, c.StartedAt = phaseRunning, at(0) }
	exited := func(code int) func(*containerView) {
		return func(c *containerView) {
			c.Phase, c.StartedAt, c.FinishedAt, c.ExitCode = phaseStopped, at(0), at(1), intp(code)
		}
	}
	cases := []struct {
		name  string
		specs []acs.Container
		edit  map[string]func(*containerView)
		view  func(*view)
		now   int
		want  string
	}{
		{name: "setup comes first", specs: []acs.Container{app}, view: func(v *view) { v.Setup = false }, want: "setup"},
		{name: "an image that is here needs no pull", specs: []acs.Container{app}, want: "create app"},
		{name: "a created container starts", specs: []acs.Container{app},
			edit: map[string]func(*containerView){"app": func(c *containerView) { c.Phase = phaseCreated }}, want: "start app"},
		{name: "START waits for the start", specs: []acs.Container{db, with(app, dep("db", "START"))}, want: "create db"},
		{name: "START is met by running", specs: []acs.Container{db, with(app, dep("db", "START"))},
			edit: map[string]func(*containerView){"db": started}, want: "create app"},
		{name: "COMPLETE waits for the exit", specs: []acs.Container{db, with(app, dep("db", "COMPLETE"))},
			edit: map[string]func(*containerView){"db": started}, want: ""},
		{name: "COMPLETE takes any code", specs: []acs.Container{db, with(app, dep("db", "COMPLETE"))},
			edit: map[string]func(*containerView){"db": exited(9)}, want: "create app"},
		{name: "SUCCESS wants zero", specs: []acs.Container{db, with(app, dep("db", "SUCCESS"))},
			edit: map[string]func(*containerView){"db": exited(1)}, want: "abandon app"},
		{name: "SUCCESS takes zero", specs: []acs.Container{db, with(app, dep("db", "SUCCESS"))},
			edit: map[string]func(*containerView){"db": exited(0)}, want: "create app"},
		{name: "HEALTHY waits", specs: []acs.Container{db, with(app, dep("db", "HEALTHY"))},
			edit: map[string]func(*containerView){"db": started}, want: ""},
		{name: "HEALTHY is met", specs: []acs.Container{db, with(app, dep("db", "HEALTHY"))},
			edit: map[string]func(*containerView){"db": func(c *containerView) { started(c); c.Health = acs.HealthHealthy }},
			want: "create app"},
		{name: "HEALTHY of one that exited never comes", specs: []acs.Container{db, with(app, dep("db", "HEALTHY"))},
			edit: map[string]func(*containerView){"db": exited(0)}, want: "abandon app"},
		{name: "an unhealthy dependency is given three minutes", specs: []acs.Container{db, with(app, dep("db", "HEALTHY"))},
			edit: map[string]func(*containerView){"db": func(c *containerView) { started(c); c.Health = acs.HealthUnhealthy }},
			now:  179, want: ""},
		{name: "and then it is over", specs: []acs.Container{db, with(app, dep("db", "HEALTHY"))},
			edit: map[string]func(*containerView){"db": func(c *containerView) { started(c); c.Health = acs.HealthUnhealthy }},
			now:  180, want: "abandon app"},
		{name: "startTimeout is the dependency's", specs: []acs.Container{
			{Name: "db", StartTimeout: 5}, with(app, dep("db", "COMPLETE"))},
			edit: map[string]func(*containerView){"db": started}, now: 5, want: "abandon app"},
		{name: "an essential exit condemns the task", specs: []acs.Container{app, db},
			edit: map[string]func(*containerView){"app": exited(0), "db": started}, want: "condemn"},
		{name: "another exit does not", specs: []acs.Container{app, db},
			edit: map[string]func(*containerView){"app": started, "db": exited(1)}, want: ""},
		{name: "a doomed task stops dependents first", specs: []acs.Container{db, with(app, dep("db", "START"))},
			edit: map[string]func(*containerView){"app": started, "db": started},
			view: func(v *view) { v.Condemned = true }, want: "stop app"},
		{name: "then what they depended on", specs: []acs.Container{db, with(app, dep("db", "START"))},
			edit: map[string]func(*containerView){"app": exited(0), "db": started},
			view: func(v *view) { v.Condemned = true }, want: "stop db"},
		{name: "then it is torn down", specs: []acs.Container{app}, edit: map[string]func(*containerView){"app": exited(0)},
			view: func(v *view) { v.Condemned = true }, want: "teardown"},
		{name: "and only then it has stopped", specs: []acs.Container{app}, edit: map[string]func(*containerView){"app": exited(0)},
			view: func(v *view) { v.Condemned, v.TornDown = true, true }, want: "finish"},
		{name: "a stop that failed is followed by a kill", specs: []acs.Container{app},
			edit: map[string]func(*containerView){"app": func(c *containerView) { started(c); c.StopTry = 1 }},
			view: func(v *view) { v.Condemned = true }, want: "kill app"},
		{name: "a container back from the dead is killed", specs: []acs.Container{app, db},
			edit: map[string]func(*containerView){"app": started, "db": func(c *containerView) { exited(0)(c); c.Undead = true }},
			want: "kill db"},
		{name: "a start that seemed to fail is looked at before the end", specs: []acs.Container{app},
			edit: map[string]func(*containerView){"app": refusedStart(time.Time{})},
			view: func(v *view) { v.Condemned = true }, want: "inspect app"},
		{name: "however long the look takes", specs: []acs.Container{app},
			edit: map[string]func(*containerView){"app": refusedStart(at(60))},
			view: func(v *view) { v.Condemned = true }, want: ""},
		{name: "what may start late is removed before the end", specs: []acs.Container{app},
			edit: map[string]func(*containerView){"app": func(c *containerView) { c.Phase, c.ID, c.Unsure = phaseCreated, "x", true }},
			view: func(v *view) { v.Condemned = true }, want: "remove app"},
		{name: "and looked at before that", specs: []acs.Container{app},
			edit: map[string]func(*containerView){"app": func(c *containerView) {
				c.Phase, c.ID, c.Unsure, c.Recheck, c.LookAt = phaseCreated, "x", true, true, at(60)
			}},
			view: func(v *view) { v.Condemned = true }, want: ""},
		{name: "it is started all the same while the task goes on", specs: []acs.Container{app},
			edit: map[string]func(*containerView){"app": func(c *containerView) { c.Phase, c.ID, c.Unsure = phaseCreated, "x", true }},
			want: "start app"},
		{name: "nothing is decided before the past is known", specs: []acs.Container{app, db},
			edit: map[string]func(*containerView){"app": func(c *containerView) { c.Phase, c.ID, c.Recheck = phaseUnknown, "x", true }},
			view: func(v *view) { v.Desired = acs.StatusStopped }, want: "inspect app"},
		{name: "an image to be asked for is pulled beside waiting dependencies", specs: []acs.Container{db, with(app, dep("db", "START"))},
			edit: map[string]func(*containerView){"app": func(c *containerView) { c.NeedPull = true }}, want: "create db, pull app"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := taskOf(c.specs...)
			for name, edit := range c.edit {
				edit(v.container(name))
			}
			if c.view != nil {
				c.view(v)
			}
			if got := show(plan(v, at(c.now))); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

// refusedStart is a container whose start got an error; the next look at it is not before then.
func refusedStart(then time.Time) func(*containerView) {
	return func(c *containerView) {
		c.ID = "x"
		c.fail("CannotStartContainerError")
		c.Recheck, c.LookAt = true, then
	}
}

func TestARestartPolicyRestartsOnlyWhatRanLongEnough(t *testing.T) {
	cases := []struct {
		ran, period, code int
		ignored           []int
		want              bool
	}{
		{ran: 60, period: 60, code: 1, want: true},
		{ran: 59, period: 60, code: 1, want: false},
		{ran: 299, code: 1, want: false},
		{ran: 300, code: 0, want: true},
		{ran: 60, period: 60, code: 0, ignored: []int{0}, want: false},
	}
	for _, c := range cases {
		one := &containerView{
			Spec: &acs.Container{RestartPolicy: &acs.RestartPolicy{
				Enabled: true, IgnoredExitCodes: c.ignored, RestartAttemptPeriod: c.period,
			}},
			Phase: phaseStopped, StartedAt: at(0), FinishedAt: at(c.ran), ExitCode: intp(c.code),
		}
		if one.willRestart() != c.want {
			t.Errorf("%+v", c)
		}
	}
}

// world plays the engine for a view: every action takes effect, at once and at random.
type world struct {
	t   *rapid.T
	v   *view
	now time.Time
}

func (w *world) play(a action) {
	c := a.Container
	switch a.Op {
	case opCondemn:
		w.v.Condemned = true
	case opTeardown:
		w.v.TornDown = true
	case opFinish:
		w.v.Final = true
	case opAbandon:
		c.Phase, c.NoRestart, c.Reason = phaseStopped, true, a.Reason
	case opCreate:
		c.Phase, c.ID = phaseCreated, c.Spec.Name
	case opStart:
		c.Phase, c.StartedAt = phaseRunning, w.now
		if rapid.Bool().Draw(w.t, "fails to start") {
			c.Phase, c.StartedAt, c.NoRestart = phaseStopped, time.Time{}, true
		}
	case opStop, opKill:
		c.Phase, c.ExitCode, c.FinishedAt = phaseStopped, intp(143), w.now
	}
}

// live lets what runs become healthy, unhealthy or exit.
func (w *world) live() {
	for _, c := range w.v.Containers {
		if c.Phase != phaseRunning {
			continue
		}
		switch rapid.IntRange(0, 3).Draw(w.t, "fate of "+c.Spec.Name) {
		case 0:
			c.Phase, c.ExitCode, c.FinishedAt = phaseStopped, intp(rapid.IntRange(0, 1).Draw(w.t, "code")), w.now
		case 1:
			c.Health = acs.HealthHealthy
		case 2:
			c.Health = acs.HealthUnhealthy
		}
	}
}

func TestNoDependencyGraphDeadlocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(rt, "containers")
		conditions := []string{acs.ConditionStart, acs.ConditionComplete, acs.ConditionSuccess, acs.ConditionHealthy}
		specs := make([]acs.Container, n)
		for i := range specs {
			specs[i] = acs.Container{Name: fmt.Sprint("c", i), Essential: rapid.Bool().Draw(rt, "essential")}
			for j := range i { // earlier ones only: cycles are refused at registration
				if rapid.Bool().Draw(rt, "depends") {
					specs[i].DependsOn = append(specs[i].DependsOn, acs.Dependency{
						ContainerName: fmt.Sprint("c", j), Condition: rapid.SampledFrom(conditions).Draw(rt, "condition"),
					})
				}
			}
		}
		w := &world{t: rt, v: taskOf(specs...), now: at(0)}
		for step := 0; !w.v.Final; step++ {
			if step > 500 {
				rt.Fatalf("the task never ended: %+v", w.v)
			}
			d := plan(w.v, w.now)
			seen := map[*containerView]bool{}
			for _, a := range d.Actions {
				if a.Container != nil && seen[a.Container] {
					rt.Fatal("two transitions of one container at once")
				}
				seen[a.Container] = true
				w.check(rt, a)
				w.play(a)
			}
			if len(d.Actions) == 0 {
				w.live()
				w.now = w.now.Add(time.Minute)
			}
		}
	})
}

// check asserts the orders that users rely on.
func (w *world) check(rt *rapid.T, a action) {
	if a.Op == opCreate || a.Op == opStart {
		for _, d := range a.Container.Spec.DependsOn {
			if t := w.v.container(d.ContainerName); !t.began() {
				rt.Fatalf("%s starts before %s has", a.Container.Spec.Name, d.ContainerName)
			}
		}
	}
	if a.Op == opFinish {
		for _, c := range w.v.Containers {
			if c.Phase != phaseStopped {
				rt.Fatal("a task stopped while a container runs")
			}
		}
	}
}
