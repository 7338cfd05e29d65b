package sweep

import (
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

// Ages after which records are forgotten; zero fields get the defaults.
type Ages struct {
	// Tasks that are STOPPED; 0 = 1 hour, which is what ECS promises at least.
	Tasks time.Duration
	// Events of a service; 0 = 90 days. The newest 100 are all that is ever kept.
	Events time.Duration
	// Deleted services, clusters and container instances; 0 = 1 hour.
	Deleted time.Duration
	// Tokens of repeated calls; 0 = 24 hours.
	Tokens time.Duration
	// Deployments of services that are finished; 0 = 90 days. The newest 100 are all that is ever kept.
	Deployments time.Duration
}

// withDefaults fills what was not set.
func (a Ages) withDefaults() Ages {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&a.Tasks, time.Hour}, {&a.Events, 90 * 24 * time.Hour}, {&a.Deleted, time.Hour},
		{&a.Tokens, 24 * time.Hour}, {&a.Deployments, 90 * 24 * time.Hour},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return a
}

// keptOf is how many events and finished deployments of one service are kept at most.
const keptOf = 100

func older(at time.Time, age time.Duration, now time.Time) bool { return !at.Add(age).After(now) }

func (a Ages) task(t *state.Task, now time.Time) bool {
	at := t.StoppedAt
	if at.IsZero() {
		at = t.CreatedAt
	}
	return t.Last == state.Stopped && older(at, a.Tasks, now)
}

func (a Ages) service(s *state.Service, now time.Time) bool {
	return s.Status == state.StatusInactive && older(s.DeletedAt, a.Deleted, now)
}

func (a Ages) cluster(c *state.Cluster, now time.Time) bool {
	return c.Status == state.StatusInactive && older(c.DeletedAt, a.Deleted, now)
}

// instance: the last sign of its agent stands for the end of its membership.
func (a Ages) instance(i *state.Instance, now time.Time) bool {
	at := i.RegisteredAt
	for _, t := range []time.Time{i.ConnectedAt, i.DisconnectedAt} {
		if t.After(at) {
			at = t
		}
	}
	return i.Status == state.StatusInactive && !i.Connected && older(at, a.Deleted, now)
}

func (a Ages) token(t *state.ClientToken, now time.Time) bool {
	return older(t.CreatedAt, a.Tokens, now)
}

// definition says whether a revision that is to be deleted is used by nothing any more.
func definition(v store.View, d *state.TaskDefinition) bool {
	return d.Status == state.StatusDeleteInProgress && !v.Tasks().UsesRevision(d.Key) &&
		!v.Services().UsesRevision(d.Key) && !v.Deployments().UsesRevision(d.Key)
}

// finished says whether a service deployment is over, and when it was.
func finished(d *state.ServiceDeployment) (time.Time, bool) {
	switch d.Status {
	case state.ServiceDeploymentSuccessful, state.ServiceDeploymentStopped,
		state.ServiceDeploymentRollbackSuccessful, state.ServiceDeploymentRollbackFailed:
		for _, t := range []time.Time{d.FinishedAt, d.StoppedAt, d.UpdatedAt} {
			if !t.IsZero() {
				return t, true
			}
		}
		return d.CreatedAt, true
	}
	return time.Time{}, false
}
