package ecs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"longshore/internal/state"
)

const (
	minContainerMemory = 6 // MiB, Docker's own minimum since 20.10
	maxImageName       = 255
	maxIgnoredCodes    = 50
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// checkContainers looks at each container alone, then at what they must be together.
func checkContainers(td *state.TaskDefinition) error {
	seen := map[string]bool{}
	essential := false
	for i := range td.Containers {
		c := &td.Containers[i]
		for _, check := range []func(*state.Container) error{
			checkContainerName, checkImage, checkNumbers, checkHealthCheck, checkRestartPolicy, checkUlimits,
			checkLinux, checkResources, checkEnvironment,
		} {
			err := check(c)
			if err != nil {
				return err
			}
		}
		if seen[c.Name] {
			return client("Duplicate container name '%s'. Container.name should be unique in a task definition.",
				c.Name)
		}
		seen[c.Name] = true
		essential = essential || c.Essential
	}
	if !essential {
		return client("A task definition must have at least one essential container.")
	}
	return nil
}

func checkContainerName(c *state.Container) error {
	if c.Name == "" {
		return client("Container.name should not be null or empty.")
	}
	if !nameForm.MatchString(c.Name) {
		return client("Container.name '%s' is not valid. It can have up to 255 letters, digits, hyphens and "+
			"underscores.", c.Name)
	}
	return nil
}

func checkImage(c *state.Container) error {
	if c.Image == "" {
		return client("Container.image should not be null or empty.")
	}
	name, digest, pinned := strings.Cut(c.Image, "@")
	if len(name) > maxImageName || name == "" || strings.ContainsAny(c.Image, " \t\r\n") {
		return client("Container.image contains invalid characters or is longer than %d characters.",
			maxImageName)
	}
	if pinned && !digestForm.MatchString(digest) {
		return client("Container.image '%s' has an invalid digest. It must be sha256: and 64 hex digits.", c.Image)
	}
	return nil
}

func checkNumbers(c *state.Container) error {
	switch {
	case c.CPU < 0:
		return client("Invalid setting for container '%s'. 'cpu' must not be negative.", c.Name)
	case c.Memory < 0 || c.MemoryReservation < 0:
		return client("Invalid setting for container '%s'. 'memory' and 'memoryReservation' must be positive.",
			c.Name)
	case c.Memory > 0 && c.Memory < minContainerMemory,
		c.MemoryReservation > 0 && c.MemoryReservation < minContainerMemory:
		return client("Invalid setting for container '%s'. The minimum for 'memory' and 'memoryReservation' is "+
			"%d MiB.", c.Name, minContainerMemory)
	case c.Memory > 0 && c.MemoryReservation > 0 && c.Memory <= c.MemoryReservation:
		return client("Invalid setting for container '%s'. 'memory' must be greater than 'memoryReservation'.",
			c.Name)
	case c.StartTimeout < 0:
		return client("Invalid setting for container '%s'. 'startTimeout' must be positive.", c.Name)
	case c.StopTimeout != nil && *c.StopTimeout < 0:
		return client("Invalid setting for container '%s'. 'stopTimeout' must not be negative.", c.Name)
	}
	return nil
}

// checkMemory wants a limit of some kind for every container of a task that has none itself.
func checkMemory(td *state.TaskDefinition) error {
	if td.Memory > 0 || requires(td, state.LaunchFargate) {
		return nil
	}
	for _, c := range td.Containers {
		if c.Memory == 0 && c.MemoryReservation == 0 {
			return client("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' "+
				"must be specified.", c.Name)
		}
	}
	return nil
}

func checkHealthCheck(c *state.Container) error {
	h := c.HealthCheck
	if h == nil {
		return nil
	}
	if len(h.Command) == 0 || !slices.Contains([]string{"CMD", "CMD-SHELL", "NONE"}, h.Command[0]) {
		return client("Container '%s': the health check command must begin with CMD or CMD-SHELL.", c.Name)
	}
	if len(h.Command) == 1 && h.Command[0] != "NONE" {
		return client("Container '%s': the health check has no command behind %s.", c.Name, h.Command[0])
	}
	for _, r := range []struct {
		name     string
		value    *int
		low, top int
	}{
		{"interval", h.Interval, 5, 300}, {"timeout", h.Timeout, 2, 60},
		{"retries", h.Retries, 1, 10}, {"startPeriod", h.StartPeriod, 0, 300},
	} {
		if r.value != nil && (*r.value < r.low || *r.value > r.top) {
			return client("Container '%s': health check %s must be between %d and %d.", c.Name, r.name, r.low,
				r.top)
		}
	}
	return nil
}

func checkRestartPolicy(c *state.Container) error {
	p := c.RestartPolicy
	if p == nil {
		return nil
	}
	if len(p.IgnoredExitCodes) > maxIgnoredCodes {
		return client("Container '%s': restartPolicy can have at most %d ignoredExitCodes.", c.Name,
			maxIgnoredCodes)
	}
	if p.AttemptPeriod != 0 && (p.AttemptPeriod < 60 || p.AttemptPeriod > 1800) {
		return client("Container '%s': restartAttemptPeriod must be between 60 and 1800.", c.Name)
	}
	return nil
}

func checkUlimits(c *state.Container) error {
	for _, u := range c.Ulimits {
		if !slices.Contains(ulimitNames, u.Name) {
			return client("Container '%s': ulimit '%s' is not valid.", c.Name, u.Name)
		}
		if u.Hard >= 0 && (u.Soft > u.Hard || u.Soft < 0) {
			return client("Container '%s': the soft limit of ulimit '%s' must not be greater than the hard limit.",
				c.Name, u.Name)
		}
	}
	return nil
}

var ulimitNames = strings.Fields("core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime " +
	"sigpending stack")

func checkResources(c *state.Container) error {
	for _, r := range c.ResourceRequirements {
		n, err := strconv.Atoi(r.Value)
		if r.Name != "GPU" {
			return client("Container '%s': resource requirement type '%s' is not supported.", c.Name, r.Name)
		}
		if err != nil || n < 1 {
			return client("Container '%s': the value of a GPU resource requirement must be a positive number.",
				c.Name)
		}
	}
	return nil
}
