package ecs

import (
	"slices"
	"strings"

	"longshore/internal/state"
)

// checkDependencies refuses what could never start: the agent would fail such a task, ECS refuses it here.
func checkDependencies(td *state.TaskDefinition) error {
	for i := range td.Containers {
		c := &td.Containers[i]
		for _, d := range c.DependsOn {
			err := checkDependency(td, c, d)
			if err != nil {
				return err
			}
		}
	}
	ring := findCycle(td)
	if ring != nil {
		return client("Container dependencies form a cycle: %s.", strings.Join(ring, " -> "))
	}
	return nil
}

func checkDependency(td *state.TaskDefinition, c *state.Container, d state.Dependency) error {
	if d.Container == c.Name {
		return client("Container '%s' cannot depend on itself.", c.Name)
	}
	on := containerOf(td, d.Container)
	if on == nil {
		return client("Container '%s' depends on an unknown container '%s'.", c.Name, d.Container)
	}
	switch d.Condition {
	case "START":
	case "COMPLETE", "SUCCESS":
		if on.Essential {
			return client("Container '%s' depends on the essential container '%s' with condition %s. A container "+
				"that is expected to exit must not be essential.", c.Name, on.Name, d.Condition)
		}
	case "HEALTHY":
		if on.HealthCheck == nil || on.HealthCheck.Command[0] == "NONE" {
			return client("Container '%s' depends on container '%s' with condition HEALTHY, which has no health "+
				"check.", c.Name, on.Name)
		}
	default:
		return client("Dependency condition '%s' is not valid. The valid values are START, COMPLETE, SUCCESS and "+
			"HEALTHY.", d.Condition)
	}
	return nil
}

// findCycle gives the names along a cycle of dependsOn, links and volumesFrom, all of which order the start.
func findCycle(td *state.TaskDefinition) []string {
	done := map[string]bool{}
	path := []string{}
	var walk func(name string) []string
	walk = func(name string) []string {
		at := slices.Index(path, name)
		if at >= 0 {
			return append(slices.Clone(path[at:]), name)
		}
		c := containerOf(td, name)
		if done[name] || c == nil {
			return nil
		}
		path = append(path, name)
		for _, next := range startsAfter(c) {
			ring := walk(next)
			if ring != nil {
				return ring
			}
		}
		path = path[:len(path)-1]
		done[name] = true
		return nil
	}
	for _, c := range td.Containers {
		ring := walk(c.Name)
		if ring != nil {
			return ring
		}
	}
	return nil
}

func startsAfter(c *state.Container) []string {
	out := []string{}
	for _, d := range c.DependsOn {
		out = append(out, d.Container)
	}
	for _, l := range c.Links {
		name, _, _ := strings.Cut(l, ":")
		out = append(out, name)
	}
	for _, v := range c.VolumesFrom {
		out = append(out, v.SourceContainer)
	}
	return out
}
