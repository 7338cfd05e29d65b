package ecs

import (
	"strings"

	"longshore/internal/state"
)

func checkLogs(td *state.TaskDefinition) error {
	for _, c := range td.Containers {
		l := c.LogConfiguration
		if l == nil {
			continue
		}
		if l.Driver == "" {
			return client("Container '%s': log driver should not be null or empty.", c.Name)
		}
		mode, given := l.Options["mode"]
		if given && mode != "blocking" && mode != "non-blocking" {
			return client("Log option 'mode' of container '%s' is not valid. The valid values are blocking and "+
				"non-blocking.", c.Name)
		}
		if l.Driver != "awslogs" {
			continue
		}
		missing := missingOptions(l.Options, "awslogs-group", "awslogs-region")
		if len(missing) > 0 {
			return client("Log driver awslogs requires options: %s", strings.Join(missing, ", "))
		}
		if l.Options["awslogs-datetime-format"] != "" && l.Options["awslogs-multiline-pattern"] != "" {
			return client("Log options awslogs-datetime-format and awslogs-multiline-pattern are mutually exclusive.")
		}
	}
	return nil
}

func missingOptions(options map[string]string, names ...string) []string {
	missing := []string{}
	for _, n := range names {
		if options[n] == "" {
			missing = append(missing, n)
		}
	}
	return missing
}

// checkFirelens wants exactly one router where containers send their logs to one.
func checkFirelens(td *state.TaskDefinition) error {
	routers, users := 0, 0
	for _, c := range td.Containers {
		if c.LogConfiguration != nil && c.LogConfiguration.Driver == "awsfirelens" {
			users++
		}
		if c.FirelensType == "" {
			continue
		}
		routers++
		err := checkFirelensOptions(td, c)
		if err != nil {
			return err
		}
	}
	if routers > 1 {
		return client("A task definition can have at most one container with firelensConfiguration.")
	}
	if users > 0 && routers == 0 {
		return client("A container with firelensConfiguration must exist when a container uses the awsfirelens " +
			"log driver.")
	}
	return nil
}

func checkFirelensOptions(td *state.TaskDefinition, c state.Container) error {
	for name, value := range c.FirelensOptions {
		switch name {
		case "enable-ecs-log-metadata", "config-file-value":
		case "config-file-type":
			fargate := requires(td, state.LaunchFargate)
			if value != "file" && (value != "s3" || fargate) {
				return client("Container '%s': config-file-type '%s' is not valid.", c.Name, value)
			}
		default:
			return client("Container '%s': firelens option '%s' is not valid.", c.Name, name)
		}
	}
	return nil
}
