package dispatch

import (
	"maps"

	"longshore/internal/acs"
	"longshore/internal/state"
)

// override gives the container as this one task runs it.
func override(c state.Container, t *state.Task) state.Container {
	for _, o := range t.Overrides.Containers {
		if o.Name != c.Name {
			continue
		}
		if o.Command != nil {
			c.Command = o.Command
		}
		if o.CPU != nil {
			c.CPU = *o.CPU
		}
		if o.Memory != nil {
			c.Memory = *o.Memory
		}
		if o.MemoryReservation != nil {
			c.MemoryReservation = *o.MemoryReservation
		}
		if o.ResourceRequirements != nil {
			c.ResourceRequirements = o.ResourceRequirements
		}
		c.Environment = merge(c.Environment, o.Environment)
		if o.EnvironmentFiles != nil {
			c.EnvironmentFiles = append(append([]state.EnvironmentFile{}, o.EnvironmentFiles...), c.EnvironmentFiles...)
		}
	}
	return c
}

// merge puts the pairs of over in place of those of the same name and behind the rest.
func merge(base, over []state.KeyValue) []state.KeyValue {
	if len(over) == 0 {
		return base
	}
	out := append([]state.KeyValue{}, base...)
next:
	for _, o := range over {
		for i := range out {
			if out[i].Name == o.Name {
				out[i] = o
				continue next
			}
		}
		out = append(out, o)
	}
	return out
}

func renderContainer(c *state.Container, t *state.Task, td *state.TaskDefinition) acs.Container {
	out := acs.Container{
		Name: c.Name, ARN: containerARN(t, c.Name), Image: c.Image,
		CPU: int64(c.CPU), Memory: int64(c.Memory), Essential: c.Essential,
		Command: c.Command, EntryPoint: c.EntryPoint, Environment: environment(c, t),
		Links: c.Links, StartTimeout: c.StartTimeout,
	}
	if c.StopTimeout != nil {
		out.StopTimeout = *c.StopTimeout
	}
	if c.Privileged != nil {
		out.Privileged = *c.Privileged
	}
	if hasHealthCheck(c) {
		out.HealthCheckType = acs.HealthCheckDocker
	}
	if c.RestartPolicy != nil {
		out.RestartPolicy = &acs.RestartPolicy{
			Enabled: c.RestartPolicy.Enabled, IgnoredExitCodes: c.RestartPolicy.IgnoredExitCodes,
			RestartAttemptPeriod: c.RestartPolicy.AttemptPeriod,
		}
	}
	renderLists(&out, c)
	out.DockerConfig = dockerConfig(c, td)
	if c.LogConfiguration != nil && c.LogConfiguration.Driver == "awslogs" {
		out.Longshore = &acs.ContainerExtension{LogDriver: "awslogs", LogOptions: maps.Clone(c.LogConfiguration.Options)}
	}
	return out
}

func renderLists(out *acs.Container, c *state.Container) {
	for _, p := range c.PortMappings {
		m := acs.PortMapping{ContainerPort: p.ContainerPort, Protocol: p.Protocol, ContainerPortRange: p.Range}
		if p.HostPort != nil {
			m.HostPort = *p.HostPort
		}
		out.PortMappings = append(out.PortMappings, m)
	}
	for _, m := range c.MountPoints {
		out.MountPoints = append(out.MountPoints, acs.MountPoint{
			SourceVolume: m.SourceVolume, ContainerPath: m.ContainerPath, ReadOnly: isTrue(m.ReadOnly)})
	}
	for _, v := range c.VolumesFrom {
		out.VolumesFrom = append(out.VolumesFrom, acs.VolumeFrom{
			SourceContainer: v.SourceContainer, ReadOnly: isTrue(v.ReadOnly)})
	}
	for _, d := range c.DependsOn {
		out.DependsOn = append(out.DependsOn, acs.Dependency{ContainerName: d.Container, Condition: d.Condition})
	}
}

// environment of a container. AWS_EXECUTION_ENV is the control plane's to say; agents only look at it.
func environment(c *state.Container, t *state.Task) map[string]string {
	env := make(map[string]string, len(c.Environment)+1)
	env["AWS_EXECUTION_ENV"] = "AWS_ECS_EC2"
	if t.LaunchType == state.LaunchFargate {
		env["AWS_EXECUTION_ENV"] = "AWS_ECS_FARGATE"
	}
	for _, kv := range c.Environment {
		env[kv.Name] = kv.Value
	}
	return env
}

func containerARN(t *state.Task, name string) string {
	for _, c := range t.Containers {
		if c.Name == name {
			k := t.Key.Cluster()
			s := k.Scope()
			return "arn:aws:ecs:" + s.Region + ":" + s.Account + ":container/" + k.Name() + "/" + t.Key.ID() + "/" + c.ID
		}
	}
	return ""
}

func isTrue(b *bool) bool { return b != nil && *b }
