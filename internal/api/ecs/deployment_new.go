package ecs

import (
	"fmt"
	"strconv"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

// deployment is the three records of one deployment. The revision's id is the deployment's number: clients join
// ecs-svc/<number> with the revision's ARN.
type deployment struct {
	record   *state.Deployment
	revision *state.ServiceRevision
	story    *state.ServiceDeployment
}

// draw is what a deployment needs of chance and time; it is drawn before the Update, whose closure may run again.
type draw struct {
	now           time.Time
	number, story string
}

func (a *API) draw() draw {
	return draw{now: a.Now(), number: deploymentNumber(a.NewID()), story: a.NewID()[11:]}
}

// newDeployment makes the records that bring the service's present intent about, as its PRIMARY deployment.
func newDeployment(s *state.Service, from draw) deployment {
	now, number := from.now, from.number
	r := &state.ServiceRevision{Key: state.NewRevisionKey(s.Key, number), Service: s.Key, CreatedAt: now,
		TaskDefinition: s.TaskDefinition, LaunchType: s.LaunchType, CapacityStrategy: s.CapacityStrategy,
		PlatformVersion: platformOf(s.PlatformVersion), Network: s.Network}
	h := &state.ServiceDeployment{Key: state.NewServiceDeploymentKey(s.Key, from.story), Service: s.Key,
		CreatedAt: now, StartedAt: now, UpdatedAt: now, Target: r.Key, Config: s.Deploy,
		Status: state.ServiceDeploymentInProgress}
	d := &state.Deployment{Key: state.NewDeploymentKey(s.Key, number), Service: s.Key, Revision: r.Key,
		ServiceDeployment: h.Key, CreatedAt: now, UpdatedAt: now, TaskDefinition: s.TaskDefinition,
		LaunchType: s.LaunchType, CapacityStrategy: s.CapacityStrategy, PlatformVersion: r.PlatformVersion,
		Network: s.Network, Status: state.DeploymentPrimary, Rollout: state.RolloutInProgress,
		DesiredCount: s.DesiredCount}
	d.RolloutReason = fmt.Sprintf("ECS deployment %s in progress.", d.Key.ID())
	return deployment{record: d, revision: r, story: h}
}

// put writes the deployment; the one that was PRIMARY becomes ACTIVE and is what the new one starts from.
func (d deployment) put(tx *store.Tx) {
	story := *d.story
	for old := range tx.Deployments().OfService(d.record.Service) {
		if old.Status == state.DeploymentInactive {
			continue
		}
		story.Sources = append(story.Sources, old.Revision)
		if old.Status == state.DeploymentPrimary {
			behind := *old
			behind.Status, behind.UpdatedAt = state.DeploymentActive, d.record.CreatedAt
			tx.Deployments().Put(&behind)
		}
	}
	tx.ServiceRevisions().Put(d.revision)
	tx.ServiceDeployments().Put(&story)
	tx.Deployments().Put(d.record)
}

// deploymentNumber makes the 19 digits behind ecs-svc/ from 32 random hex digits.
func deploymentNumber(id string) string {
	high, _ := strconv.ParseUint(id[:16], 16, 64) // ids are hex by contract; anything else counts as 0
	low, _ := strconv.ParseUint(id[16:], 16, 64)
	const lowest = 1_000_000_000_000_000_000
	return strconv.FormatUint(lowest+(high^low)%(8*lowest), 10)
}
