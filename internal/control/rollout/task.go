package rollout

import (
	"maps"
	"slices"
	"strings"

	"longshore/internal/state"
)

// newTask is a task of a deployment as it is before chance and time give it a name. provider is empty when the
// deployment has a launch type.
func newTask(s *state.Service, d *state.Deployment, td *state.TaskDefinition, provider string) *state.Task {
	t := &state.Task{
		Service: s.Key, Deployment: d.Key, TaskDefinition: td.Key, Version: 1,
		LaunchType: d.LaunchType, CapacityProvider: provider,
		Group: "service:" + s.Key.Name(), StartedBy: d.Key.ID(),
		EphemeralStorageGiB: td.EphemeralStorageGiB,
		Need:                state.NeedOf(td, &state.Overrides{}),
		Network:             d.Network,
		Constraints:         s.Constraints, Strategy: s.Strategy,
		TaskRoleARN: td.TaskRoleARN, ExecutionRoleARN: td.ExecutionRoleARN,
		EnableExecuteCommand: s.EnableExecuteCommand,
		Tags:                 taskTags(s, td),
		Desired:              state.Running, Last: state.Provisioning, Health: state.HealthUnknown,
	}
	t.CPU, t.Memory = state.TaskSize(td, &state.Overrides{})
	switch {
	case strings.HasPrefix(provider, "FARGATE"):
		t.LaunchType = state.LaunchFargate
	case t.LaunchType == "":
		t.LaunchType = state.LaunchEC2
	}
	if t.LaunchType == state.LaunchFargate {
		t.PlatformVersion = d.PlatformVersion
		if t.PlatformVersion == "" || t.PlatformVersion == "LATEST" {
			t.PlatformVersion = "1.4.0"
		}
	}
	if s.Scheduling == state.SchedulingDaemon {
		// One on each instance: what is left to choose from is exactly where none runs.
		t.Strategy = nil
		t.Constraints = append(slices.Clone(t.Constraints), state.PlacementConstraint{Type: "distinctInstance"})
	}
	return t
}

// taskTags propagates tags and adds the managed ones (API_CreateService).
func taskTags(s *state.Service, td *state.TaskDefinition) state.Tags {
	tags := state.Tags{}
	switch s.PropagateTags {
	case "TASK_DEFINITION":
		maps.Copy(tags, td.Tags)
	case "SERVICE":
		maps.Copy(tags, s.Tags)
	}
	if s.EnableECSManagedTags {
		tags["aws:ecs:clusterName"] = s.Key.Cluster().Name()
		tags["aws:ecs:serviceName"] = s.Key.Name()
	}
	if len(tags) == 0 {
		return nil
	}
	return tags
}
