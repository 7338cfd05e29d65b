package rollout

import (
	"fmt"
	"strings"
	"time"

	"longshore/internal/state"
)

// Action is one thing to do; Plan gives them in the order in which they are told.
type Action interface{ String() string }

type (
	// Start makes tasks of a deployment. Providers names the capacity provider of each, or is empty.
	Start struct {
		Deployment *state.Deployment
		Count      int
		Providers  []string
	}
	// Stop asks for the end of tasks.
	Stop struct {
		Tasks        []*state.Task
		Code, Reason string
	}
	// Note remembers what was seen of a task.
	Note struct {
		Task             *state.Task
		Healthy, Stopped bool
	}
	// Tell adds a line to the service's story.
	Tell struct{ Message string }
	// SetService writes the fields of the service that are rollout's.
	SetService struct{ Service *state.Service }
	// SetDeployment writes a deployment.
	SetDeployment struct{ Deployment *state.Deployment }
	// Remove forgets a deployment.
	Remove struct{ Deployment state.DeploymentKey }
	// SetStory writes the history of a deployment.
	SetStory struct{ Story *state.ServiceDeployment }
	// Wake looks again although nothing may change until then. It writes nothing.
	Wake struct{ At time.Time }
)

func (a Start) String() string {
	s := fmt.Sprintf("start %d of %s", a.Count, a.Deployment.Key.ID())
	if len(a.Providers) > 0 {
		s += " on " + strings.Join(a.Providers, " ")
	}
	return s
}

func (a Stop) String() string {
	ids := make([]string, 0, len(a.Tasks))
	for _, t := range a.Tasks {
		ids = append(ids, t.Key.ID())
	}
	return fmt.Sprintf("stop %s: %s", strings.Join(ids, " "), a.Reason)
}

func (a Note) String() string {
	if a.Stopped {
		return "note the end of " + a.Task.Key.ID()
	}
	return "note the health of " + a.Task.Key.ID()
}

func (a Tell) String() string { return "tell " + a.Message }

func (a SetService) String() string {
	s := a.Service
	return fmt.Sprintf("service %s failures=%d steady=%t", s.Status, s.Throttle.Failures, !s.SteadyAt.IsZero())
}

func (a SetDeployment) String() string {
	d := a.Deployment
	return fmt.Sprintf("deployment %s %s %s desired=%d failed=%d: %s", d.Key.ID(), d.Status, d.Rollout,
		d.DesiredCount, d.FailedTasks, d.RolloutReason)
}

func (a Remove) String() string { return "remove " + a.Deployment.ID() }

func (a SetStory) String() string {
	return fmt.Sprintf("story %s breaker=%s failures=%d/%d", a.Story.Status, a.Story.BreakerStatus,
		a.Story.FailureCount, a.Story.Threshold)
}

func (a Wake) String() string { return "wake at " + a.At.UTC().Format(time.RFC3339) }
