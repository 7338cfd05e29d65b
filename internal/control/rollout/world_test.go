package rollout

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
)

// world is a cluster that does what it is told when it is told: no time passes and no task moves by itself.
type world struct {
	t     testing.TB
	s     *store.Store
	r     *Rollout
	now   time.Time
	n     int
	told  int // events already printed
	names int
}

var (
	scope   = state.Scope{Account: "000000000000", Region: "us-east-1"}
	cluster = state.NewClusterKey(scope, "default")
	web     = state.NewServiceKey(cluster, "web")
	family  = state.NewFamilyKey(scope, "web")
)

func newWorld(t testing.TB) *world {
	s, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, s: s, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	w.r = New(Config{Store: s, Now: func() time.Time { return w.now }, NewID: func() string {
		w.n++
		return fmt.Sprintf("%032x", w.n)
	}})
	w.r.HealthyAfter = 0 // every transcript would wait for it
	return w
}

func (w *world) update(fn func(tx *store.Tx)) {
	w.t.Helper()
	err := w.s.Update(w.t.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		w.t.Fatal(err)
	}
}

// define registers revision n of the family; a checked one has a container health check.
func (w *world) define(n int, checked bool) state.TaskDefinitionKey {
	c := state.Container{Name: "app", Image: fmt.Sprint("app:", n), Essential: true, CPU: 10, Memory: 20}
	if checked {
		c.HealthCheck = &state.HealthCheck{Command: []string{"CMD", "true"}}
	}
	k := family.Revision(n)
	w.update(func(tx *store.Tx) {
		tx.TaskDefinitions().Put(&state.TaskDefinition{Key: k, Status: state.StatusActive, Containers: []state.Container{c}})
	})
	return k
}

// deploy makes a new PRIMARY deployment of the service as api/ecs does.
func (w *world) deploy(s *state.Service) {
	w.names++
	now := w.now
	w.update(func(tx *store.Tx) {
		for d := range tx.Deployments().OfService(s.Key) {
			if d.Status == state.DeploymentPrimary {
				c := *d
				c.Status = state.DeploymentActive
				tx.Deployments().Put(&c)
			}
		}
		k := state.NewDeploymentKey(s.Key, fmt.Sprint(w.names))
		story := state.NewServiceDeploymentKey(s.Key, fmt.Sprint("story", w.names))
		tx.ServiceDeployments().Put(&state.ServiceDeployment{Key: story, Service: s.Key, CreatedAt: now,
			Status: state.ServiceDeploymentPending})
		tx.Deployments().Put(&state.Deployment{Key: k, Service: s.Key, ServiceDeployment: story, CreatedAt: now,
			TaskDefinition: s.TaskDefinition, LaunchType: s.LaunchType, CapacityStrategy: s.CapacityStrategy,
			Status: state.DeploymentPrimary, Rollout: state.RolloutInProgress})
		tx.Services().Put(s)
	})
	w.now = w.now.Add(time.Second)
}

// service makes the service web with a deployment of revision 1.
func (w *world) service(desired, minimum, maximum int, more func(*state.Service)) {
	s := &state.Service{Key: web, Status: state.StatusActive, Scheduling: state.SchedulingReplica,
		DesiredCount: desired, LaunchType: state.LaunchEC2, TaskDefinition: w.define(1, false), CreatedAt: w.now,
		Deploy: state.DeployConfig{MinimumHealthyPercent: minimum, MaximumPercent: maximum}}
	if more != nil {
		more(s)
	}
	w.deploy(s)
}

func (w *world) change(fn func(*state.Service)) *state.Service {
	old, _ := w.s.View().Services().Get(web)
	c := *old
	fn(&c)
	w.update(func(tx *store.Tx) { tx.Services().Put(&c) })
	return &c
}

// reconcile once; it says whether anything was written.
func (w *world) reconcile() bool {
	w.t.Helper()
	rev := w.s.View().Revision()
	_, err := w.r.Reconcile(w.t.Context(), string(web))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.s.View().Revision() != rev
}

// rest reconciles until nothing is left to do.
func (w *world) rest() {
	w.t.Helper()
	for range 20 {
		if !w.reconcile() {
			return
		}
	}
	w.t.Fatal("rollout never comes to rest")
}

// move changes up to n live tasks that fit; n < 0 is all.
func (w *world) move(n int, fits func(*state.Task) bool, how func(*state.Task)) int {
	var all []*state.Task
	for t := range w.s.View().Tasks().OfService(web) {
		if fits(t) && n != 0 {
			all = append(all, t.Clone())
			n--
		}
	}
	w.update(func(tx *store.Tx) {
		for _, t := range all {
			how(t)
			t.Version++
			tx.Tasks().Put(t)
		}
	})
	return len(all)
}

func waiting(t *state.Task) bool  { return t.Last != state.Running && t.Desired == state.Running }
func running(t *state.Task) bool  { return t.Last == state.Running && t.Desired == state.Running }
func stopping(t *state.Task) bool { return t.Desired == state.Stopped }

func (w *world) run(t *state.Task) { t.Last, t.StartedAt = state.Running, w.now }
func (w *world) end(t *state.Task) { t.Last, t.StoppedAt = state.Stopped, w.now }

func (w *world) exit(code string) func(*state.Task) {
	return func(t *state.Task) {
		t.Stop(code, "Essential container in task exited", w.now)
		w.end(t)
	}
}

// events since the last call, oldest first.
func (w *world) events() []string {
	var out []string
	for e := range w.s.View().Events().Prefix(string(web) + "/") {
		out = append(out, e.Message)
	}
	fresh := out[w.told:]
	w.told = len(out)
	return fresh
}

var zeros = regexp.MustCompile(`\b0{20,}`)

func short(s string) string { return zeros.ReplaceAllString(s, "") }

// show tells of the service and its deployments in a line each.
func (w *world) show() string {
	var b strings.Builder
	v := w.s.View()
	s, _ := v.Services().Get(web)
	if s.Status != state.StatusActive {
		fmt.Fprintf(&b, "service %s\n", s.Status)
	}
	ds := slices.Collect(v.Deployments().OfService(web))
	slices.SortFunc(ds, func(a, b *state.Deployment) int { return b.CreatedAt.Compare(a.CreatedAt) })
	for _, d := range ds {
		wait, run, stop := 0, 0, 0
		for t := range v.Tasks().OfDeployment(d.Key) {
			switch {
			case stopping(t):
				stop++
			case running(t):
				run++
			default:
				wait++
			}
		}
		fmt.Fprintf(&b, "%s %s %s desired=%d pending=%d running=%d stopping=%d failed=%d\n", d.Key.ID(), d.Status,
			d.Rollout, d.DesiredCount, wait, run, stop, d.FailedTasks)
	}
	return b.String()
}
