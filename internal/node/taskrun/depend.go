package taskrun

import (
	"fmt"
	"strings"
	"time"

	"longshore/internal/acs"
)

// gate is whether a container may start: open now, maybe until a deadline, or never and why.
type gate struct {
	Open  bool
	Never string
	Until time.Time
}

// unhealthyGrace bounds the wait for a dependency that is UNHEALTHY and has no startTimeout of its own: the default
// of ECS_CONTAINER_START_TIMEOUT. Without it such a task would stay PENDING for ever.
const unhealthyGrace = 3 * time.Minute

// gateOf checks every dependency of a container, explicit ones first, then those that links and volumesFrom imply.
func gateOf(v *view, c *containerView, now time.Time) gate {
	g := gate{Open: true}
	for _, dep := range dependencies(c.Spec) {
		target := v.container(dep.ContainerName)
		if target == nil {
			return gate{Never: fmt.Sprintf("TaskDependencyError: container %q depends on %q, which the task does not have",
				c.Spec.Name, dep.ContainerName)}
		}
		one := gateOne(target, dep.Condition, now)
		if one.Never != "" {
			return gate{Never: fmt.Sprintf("TaskDependencyError: container %q cannot start: dependency %q %s",
				c.Spec.Name, dep.ContainerName, one.Never)}
		}
		if one.Open {
			continue
		}
		g.Open = false
		if !one.Until.IsZero() && (g.Until.IsZero() || one.Until.Before(g.Until)) {
			g.Until = one.Until
		}
	}
	return g
}

// gateOne checks one condition. A dependency's startTimeout counts from its start, as the official agent counts it.
func gateOne(t *containerView, condition string, now time.Time) gate {
	ended := t.Phase == phaseStopped && !t.willRestart()
	if ended && !t.began() {
		return gate{Never: "never started"}
	}
	switch condition {
	case acs.ConditionComplete:
		if ended {
			return gate{Open: true}
		}
	case acs.ConditionSuccess:
		if ended && t.ExitCode != nil && *t.ExitCode == 0 {
			return gate{Open: true}
		}
		if ended {
			return gate{Never: "did not exit with code 0"}
		}
	case acs.ConditionHealthy:
		return gateHealthy(t, ended, now)
	default: // START
		if t.Phase == phaseRunning || ended {
			return gate{Open: true}
		}
	}
	return untilTimeout(t, condition, now)
}

func gateHealthy(t *containerView, ended bool, now time.Time) gate {
	if ended {
		return gate{Never: "exited before it was healthy"}
	}
	if t.Phase == phaseRunning && t.Health == acs.HealthHealthy {
		return gate{Open: true}
	}
	if t.Health == acs.HealthUnhealthy && t.Spec.StartTimeout <= 0 && t.began() {
		until := t.StartedAt.Add(unhealthyGrace)
		if !now.Before(until) {
			return gate{Never: "is unhealthy"}
		}
		return gate{Until: until}
	}
	return untilTimeout(t, acs.ConditionHealthy, now)
}

func untilTimeout(t *containerView, condition string, now time.Time) gate {
	if t.Spec.StartTimeout <= 0 || !t.began() {
		return gate{}
	}
	until := t.StartedAt.Add(time.Duration(t.Spec.StartTimeout) * time.Second)
	if !now.Before(until) {
		return gate{Never: fmt.Sprintf("did not reach %s within its startTimeout of %d s", condition, t.Spec.StartTimeout)}
	}
	return gate{Until: until}
}

// dependencies lists what must come before a container. A link or volumesFrom needs its target to have started.
func dependencies(c *acs.Container) []acs.Dependency {
	out := append([]acs.Dependency(nil), c.DependsOn...)
	for _, l := range c.Links {
		name, _, _ := strings.Cut(l, ":")
		out = append(out, acs.Dependency{ContainerName: name, Condition: acs.ConditionStart})
	}
	for _, vf := range c.VolumesFrom {
		out = append(out, acs.Dependency{ContainerName: vf.SourceContainer, Condition: acs.ConditionStart})
	}
	return out
}

func dependsOn(c *acs.Container, name string) bool {
	for _, d := range dependencies(c) {
		if d.ContainerName == name && name != c.Name {
			return true
		}
	}
	return false
}
