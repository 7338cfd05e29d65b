package ecs

import (
	"regexp"
	"slices"
	"strings"

	"longshore/internal/state"
)

const (
	maxContainers           = 10
	maxDefinitionBytes      = 64 << 10
	maxPlacementConstraints = 10
	maxExpression           = 2000
)

// A role is given by ARN or by its short name.
var roleForm = regexp.MustCompile(`^(arn:[a-z-]+:iam::[0-9]*:role/.+|[\w+=,.@/-]+)$`)

// checkTaskDefinition applies every rule of RegisterTaskDefinition in the order in which ECS complains, so that a
// definition with several mistakes gets the same answer here and there.
func checkTaskDefinition(td *state.TaskDefinition) error {
	for _, check := range []func(*state.TaskDefinition) error{
		checkContainerList, checkRoles, checkContainers, checkVolumes, checkMounts, checkPorts, checkNetworkMode,
		checkMemory, checkTaskSize, checkDependencies, checkSecrets, checkLogs, checkFirelens, checkProxy,
		checkNamespaces, checkConstraints, checkExternal,
	} {
		err := check(td)
		if err != nil {
			return err
		}
	}
	if requires(td, state.LaunchFargate) {
		return checkFargate(td)
	}
	return nil
}

func checkFamily(family string) error {
	if family == "" {
		return client("Family can not be blank.")
	}
	if !nameForm.MatchString(family) {
		return client("Family contains invalid characters. It can have up to 255 letters, digits, hyphens and " +
			"underscores.")
	}
	return nil
}

func checkContainerList(td *state.TaskDefinition) error {
	if len(td.Containers) == 0 {
		return client("Container list cannot be empty.")
	}
	if len(td.Containers) > maxContainers {
		return client("Too many container definitions: %d. A task definition can have at most %d.",
			len(td.Containers), maxContainers)
	}
	return nil
}

func checkRoles(td *state.TaskDefinition) error {
	for _, role := range []string{td.TaskRoleARN, td.ExecutionRoleARN} {
		if role != "" && !roleForm.MatchString(role) {
			return client("Role is not valid")
		}
	}
	return nil
}

func checkConstraints(td *state.TaskDefinition) error {
	if len(td.PlacementConstraints) > maxPlacementConstraints {
		return client("A task definition can have at most %d placement constraints.", maxPlacementConstraints)
	}
	for _, c := range td.PlacementConstraints {
		if c.Type != "memberOf" {
			return client("Placement constraint type '%s' is not valid. The valid value is memberOf.", c.Type)
		}
		if c.Expression == "" || len(c.Expression) > maxExpression {
			return client("The expression of a memberOf placement constraint must have 1 to %d characters.",
				maxExpression)
		}
		err := checkExpression(c.Expression)
		if err != nil {
			return err
		}
	}
	return nil
}

func checkExternal(td *state.TaskDefinition) error {
	if requires(td, state.LaunchExternal) && td.NetworkMode == state.NetworkAWSVPC {
		return client("Tasks using the EXTERNAL launch type do not support network mode 'awsvpc'.")
	}
	return nil
}

// checkTaskSize bounds the task-level cpu on EC2 and EXTERNAL, and compares the containers with the task.
func checkTaskSize(td *state.TaskDefinition) error {
	if td.CPU != 0 && (td.CPU < minTaskCPU || td.CPU > maxTaskCPU) {
		return invalidSize("cpu")
	}
	if td.Memory != 0 && td.Memory < minContainerMemory {
		return invalidSize("memory")
	}
	cpu, reserved := 0, 0
	for _, c := range td.Containers {
		cpu += c.CPU
		reserved += c.MemoryReservation
		if td.Memory > 0 && c.Memory > td.Memory {
			return client("The 'memory' setting for container is greater than for the task.")
		}
	}
	if td.CPU > 0 && cpu > td.CPU {
		return client("The sum of the 'cpu' settings for containers is greater than for the task.")
	}
	if td.Memory > 0 && reserved > td.Memory {
		return client("The sum of the 'memoryReservation' settings for containers is greater than for the task.")
	}
	return nil
}

// checkNamespaces keeps sysctls of a shared namespace from being changed for the host.
func checkNamespaces(td *state.TaskDefinition) error {
	if windows(td) && td.PIDMode+td.IPCMode != "" {
		return client("pidMode and ipcMode are not supported for Windows containers.")
	}
	for _, c := range td.Containers {
		for _, s := range c.SystemControls {
			switch {
			case s.Name == "":
				return client("Container '%s': systemControls namespace should not be null or empty.", c.Name)
			case strings.HasPrefix(s.Name, "net.") && td.NetworkMode == state.NetworkHost:
				return client("Container '%s': system control '%s' is not supported when networkMode=host.",
					c.Name, s.Name)
			case ipcSysctl(s.Name) && td.IPCMode == "host":
				return client("Container '%s': system control '%s' is not supported when ipcMode=host.",
					c.Name, s.Name)
			}
		}
	}
	return nil
}

func ipcSysctl(name string) bool {
	return strings.HasPrefix(name, "kernel.msg") || strings.HasPrefix(name, "kernel.shm") ||
		name == "kernel.sem" || strings.HasPrefix(name, "fs.mqueue.")
}

func checkProxy(td *state.TaskDefinition) error {
	p := td.ProxyConfiguration
	if p == nil {
		return nil
	}
	if td.NetworkMode != state.NetworkAWSVPC {
		return client("Proxy configuration is only supported when networkMode=awsvpc.")
	}
	if !hasContainer(td, p.Container) {
		return client("Proxy configuration names an unknown container '%s'.", p.Container)
	}
	return nil
}

func requires(td *state.TaskDefinition, launch string) bool {
	return slices.Contains(td.RequiresCompatibilities, launch)
}

func hasContainer(td *state.TaskDefinition, name string) bool { return containerOf(td, name) != nil }

// containerOf finds a container of the definition by name, or nil.
func containerOf(td *state.TaskDefinition, name string) *state.Container {
	for i := range td.Containers {
		if td.Containers[i].Name == name {
			return &td.Containers[i]
		}
	}
	return nil
}

// networkMode is the mode that a definition without one has on Linux.
func networkMode(td *state.TaskDefinition) string {
	if td.NetworkMode == "" {
		return state.NetworkBridge
	}
	return td.NetworkMode
}
