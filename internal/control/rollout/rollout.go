package rollout

import (
	"context"
	"slices"
	"time"

	"longshore/internal/control/loop"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Config of the promise.
type Config struct {
	Store *store.Store
	Now   func() time.Time
	// NewID gives 32 fresh random hex digits.
	NewID func() string
	// HealthyAfter is how long a task without a container health check must be RUNNING before it counts as
	// healthy; 0 = 2 s, so that what ends at once never was. Amazon ECS waits 40 s.
	HealthyAfter time.Duration
}

// Rollout is the promise; run it with control/loop.
type Rollout struct{ Config }

var _ loop.Promise = (*Rollout)(nil)

// New promise.
func New(c Config) *Rollout {
	if c.HealthyAfter == 0 {
		c.HealthyAfter = 2 * time.Second
	}
	return &Rollout{c}
}

// Name of the promise.
func (r *Rollout) Name() string { return "rollout" }

// Keys are the services that a change concerns.
func (r *Rollout) Keys(c store.Change) []string {
	v := c.New
	if v == nil {
		v = c.Old
	}
	switch v := v.(type) {
	case *state.Service:
		return []string{string(v.Key)}
	case *state.Deployment:
		return []string{string(v.Service)}
	case *state.ServiceDeployment:
		return []string{string(v.Service)}
	case *state.Task:
		old, _ := c.Old.(*state.Task)
		if v.Service != "" && (c.New == nil || news(old, v)) {
			return []string{string(v.Service)}
		}
	case *state.Instance:
		old, _ := c.Old.(*state.Instance)
		if old == nil || c.New == nil || old.Status != v.Status || !slices.Equal(old.Attributes, v.Attributes) {
			return r.servicesOn(v.Key)
		}
	}
	return nil
}

// news says whether a change of a task may change a plan. Most are steps on the way to RUNNING, which no plan
// looks at.
func news(old, now *state.Task) bool {
	return old == nil || old.Desired != now.Desired || stage(old) != stage(now) || old.Health != now.Health ||
		(old.Waiting == nil) != (now.Waiting == nil) || !old.StartedAt.Equal(now.StartedAt) ||
		!old.ProtectedUntil.Equal(now.ProtectedUntil) || old.SeenHealthy != now.SeenHealthy ||
		old.SeenStopped != now.SeenStopped
}

// stage of a task's life, as far as plans tell them apart.
func stage(t *state.Task) int {
	switch rank := t.Last.Rank(); {
	case rank < state.Running.Rank():
		return 0
	case rank == state.Running.Rank():
		return 1
	case t.Live():
		return 2
	}
	return 3
}

// servicesOn are those with a task on the instance, and the cluster's DAEMON ones.
func (r *Rollout) servicesOn(k state.InstanceKey) []string {
	v := r.Store.View()
	var out []string
	for t := range v.Tasks().OfInstance(k) {
		if t.Service != "" && !slices.Contains(out, string(t.Service)) {
			out = append(out, string(t.Service))
		}
	}
	for s := range v.Services().OfCluster(k.Cluster()) {
		if s.Scheduling == state.SchedulingDaemon && !slices.Contains(out, string(s.Key)) {
			out = append(out, string(s.Key))
		}
	}
	return out
}

// All services that are not INACTIVE.
func (r *Rollout) All(v store.View) []string {
	var out []string
	for s := range v.Services().All() {
		if s.Status != state.StatusInactive {
			out = append(out, string(s.Key))
		}
	}
	return out
}

// Reconcile looks, and writes only if there is something to do.
func (r *Rollout) Reconcile(ctx context.Context, key string) (time.Time, error) {
	k, now := state.ServiceKey(key), r.Now()
	v, ok := look(r.Store.View(), k, r.HealthyAfter)
	if !ok {
		return time.Time{}, nil
	}
	next, writes := deadline(Plan(v, now))
	if !writes {
		return next, nil
	}
	err := r.Store.Update(ctx, func(tx *store.Tx) error {
		next = time.Time{}
		v, ok := look(tx.View(), k, r.HealthyAfter)
		if !ok {
			return nil
		}
		actions := Plan(v, now)
		next, _ = deadline(actions)
		for _, a := range actions {
			r.apply(tx, v, a, now)
		}
		return nil
	})
	return next, err
}

// deadline of the next look, and whether the actions write anything.
func deadline(actions []Action) (next time.Time, writes bool) {
	for _, a := range actions {
		w, is := a.(Wake)
		if is {
			next = w.At
		}
		writes = writes || !is
	}
	return next, writes
}

func (r *Rollout) apply(tx *store.Tx, v View, a Action, now time.Time) {
	switch a := a.(type) {
	case Start:
		r.start(tx, v, a, now)
	case Stop:
		for _, t := range a.Tasks {
			r.change(tx, t.Key, func(t *state.Task) { t.Stop(a.Code, a.Reason, now) })
		}
	case Note:
		r.change(tx, a.Task.Key, func(t *state.Task) {
			t.SeenHealthy, t.SeenStopped = t.SeenHealthy || a.Healthy, t.SeenStopped || a.Stopped
		})
	case Tell:
		tx.Tell(v.Service.Key, now, r.newUUID(), a.Message)
	case SetService:
		tx.Services().Put(a.Service)
	case SetDeployment:
		tx.Deployments().Put(a.Deployment)
	case Remove:
		tx.Deployments().Delete(a.Deployment)
	case SetStory:
		tx.ServiceDeployments().Put(a.Story)
	}
}

// change writes one field or two of a task over whatever else this transaction wrote into it.
func (r *Rollout) change(tx *store.Tx, k state.TaskKey, write func(*state.Task)) {
	t, ok := tx.Tasks().Get(k)
	if !ok {
		return
	}
	c := t.Clone()
	write(c)
	tx.Tasks().Put(c)
}

// start makes the tasks and tells their names.
func (r *Rollout) start(tx *store.Tx, v View, a Start, now time.Time) {
	td := v.Definitions[a.Deployment.TaskDefinition]
	var ids []string
	for i := range a.Count {
		provider := ""
		if len(a.Providers) > 0 {
			provider = a.Providers[i]
		}
		t := newTask(v.Service, a.Deployment, td, provider)
		id := r.NewID()
		ids = append(ids, id)
		t.Key, t.CreatedAt = state.NewTaskKey(v.Service.Key.Cluster(), id), now
		t.Containers = state.NewContainers(td, &t.Overrides, r.newUUID)
		tx.Tasks().Put(t)
	}
	tx.Tell(v.Service.Key, now, r.newUUID(), tasksLine(v.Service, "started", "tasks", ids))
}

// newUUID writes a fresh id the way containers and events are named.
func (r *Rollout) newUUID() string {
	id := r.NewID()
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:32]
}
