package ecs

import (
	"context"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Limits of protection against scale-in (API_UpdateTaskProtection).
const (
	maxProtected     = 10
	usualProtection  = 120  // minutes
	maxProtection    = 2880 // minutes
	taskNotValid     = "TASK_NOT_VALID"
	deploymentBlocks = "DEPLOYMENT_BLOCKED"
)

// protect is an UpdateTaskProtection request, read.
type protect struct {
	cluster state.ClusterKey
	now     time.Time
	until   time.Time // zero takes the protection away
}

// UpdateTaskProtection keeps service tasks from scale-in and deployments for a while, or gives them free.
func (a *API) UpdateTaskProtection(ctx context.Context, c front.Caller, in *ecswire.UpdateTaskProtectionRequest) (
	*ecswire.UpdateTaskProtectionResponse, error,
) {
	cluster, err := activeCluster(a.Store.View(), c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if len(in.Tasks) == 0 || len(in.Tasks) > maxProtected {
		return nil, invalid("tasks should have between 1 and %d items.", maxProtected)
	}
	p, err := newProtect(cluster.Key, a.Now(), in)
	if err != nil {
		return nil, err
	}
	keys := make([]state.TaskKey, 0, len(in.Tasks))
	for _, ref := range in.Tasks {
		key, err := taskKey(cluster.Key, ref)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	out := &ecswire.UpdateTaskProtectionResponse{}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		*out = ecswire.UpdateTaskProtectionResponse{ProtectedTasks: []ecswire.ProtectedTask{},
			Failures: []ecswire.Failure{}}
		for _, key := range keys {
			t, refusal := p.apply(tx, key)
			if refusal != nil {
				out.Failures = append(out.Failures, *refusal)
				continue
			}
			out.ProtectedTasks = append(out.ProtectedTasks, renderProtection(t, p.now))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func newProtect(cluster state.ClusterKey, now time.Time, in *ecswire.UpdateTaskProtectionRequest) (protect, error) {
	p := protect{cluster: cluster, now: now}
	minutes := int32(usualProtection)
	if in.ExpiresInMinutes != nil {
		minutes = *in.ExpiresInMinutes
	}
	if minutes < 1 || minutes > maxProtection {
		return p, invalid("expiresInMinutes should be between 1 and %d.", maxProtection)
	}
	if deref(in.ProtectionEnabled) {
		p.until = now.Add(time.Duration(minutes) * time.Minute)
	}
	return p, nil
}

// apply protects one task; a call on a protected one starts its time anew.
func (p protect) apply(tx *store.Tx, key state.TaskKey) (*state.Task, *ecswire.Failure) {
	t, ok := tx.Tasks().Get(key)
	if !ok || key.Cluster() != p.cluster {
		return nil, ptr(missing(key.ARN()))
	}
	if t.Service == "" {
		return nil, ptr(failure(key.ARN(), taskNotValid, "Only tasks of a service can be protected."))
	}
	if t.Desired == state.Stopped {
		return nil, ptr(failure(key.ARN(), taskNotValid, "The task is being stopped."))
	}
	if !p.until.IsZero() && t.ProtectedUntil.Before(p.now) && blocked(tx.View(), t.Service, p.now) {
		return nil, ptr(failure(key.ARN(), deploymentBlocks,
			"A deployment is in progress and the number of protected tasks would be more than the desired count."))
	}
	changed := t.Clone()
	changed.ProtectedUntil = p.until
	changed.Version++
	tx.Tasks().Put(changed)
	return changed, nil
}

// blocked says whether one more protected task would keep a deployment from ending.
func blocked(v store.View, k state.ServiceKey, now time.Time) bool {
	s, ok := v.Services().Get(k)
	if !ok || s.Scheduling == state.SchedulingDaemon || !deploying(v, k) {
		return false
	}
	protected := 0
	for t := range v.Tasks().OfService(k) {
		if t.ProtectedUntil.After(now) && t.Desired == state.Running {
			protected++
		}
	}
	return protected+1 > s.DesiredCount
}

func deploying(v store.View, k state.ServiceKey) bool {
	for d := range v.Deployments().OfService(k) {
		if d.Status == state.DeploymentPrimary && d.Rollout == state.RolloutInProgress {
			return true
		}
	}
	return false
}

// GetTaskProtection tells which tasks are protected and until when.
func (a *API) GetTaskProtection(_ context.Context, c front.Caller, in *ecswire.GetTaskProtectionRequest) (
	*ecswire.GetTaskProtectionResponse, error,
) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if len(in.Tasks) == 0 || len(in.Tasks) > maxDescribed {
		return nil, invalid("tasks should have between 1 and %d items.", maxDescribed)
	}
	out := &ecswire.GetTaskProtectionResponse{ProtectedTasks: []ecswire.ProtectedTask{}, Failures: []ecswire.Failure{}}
	for _, ref := range in.Tasks {
		key, err := taskKey(cluster.Key, ref)
		if err != nil {
			return nil, err
		}
		t, ok := v.Tasks().Get(key)
		switch {
		case !ok || key.Cluster() != cluster.Key:
			out.Failures = append(out.Failures, missing(key.ARN()))
		case t.Service == "":
			out.Failures = append(out.Failures,
				failure(key.ARN(), taskNotValid, "Only tasks of a service can be protected."))
		default:
			out.ProtectedTasks = append(out.ProtectedTasks, renderProtection(t, a.Now()))
		}
	}
	return out, nil
}

func renderProtection(t *state.Task, now time.Time) ecswire.ProtectedTask {
	w := ecswire.ProtectedTask{TaskArn: ptr(t.Key.ARN()), ProtectionEnabled: ptr(t.ProtectedUntil.After(now))}
	if *w.ProtectionEnabled {
		w.ExpirationDate = wire.At(t.ProtectedUntil)
	}
	return w
}
