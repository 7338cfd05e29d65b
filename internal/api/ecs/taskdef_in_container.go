package ecs

import (
	"slices"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// Defaults of a health check (API_HealthCheck), in seconds and tries; ECS echoes them.
const (
	healthInterval = 30
	healthTimeout  = 5
	healthRetries  = 3
)

// containerIn converts one container definition. The lists that ECS echoes as [] are never nil in the record.
func containerIn(in *ecswire.ContainerDefinition, mode string) state.Container {
	c := state.Container{
		Name: deref(in.Name), Image: deref(in.Image), CPU: num(in.Cpu), Memory: num(in.Memory),
		MemoryReservation: num(in.MemoryReservation), Essential: in.Essential == nil || *in.Essential,
		Command: slices.Clone(in.Command), EntryPoint: slices.Clone(in.EntryPoint),
		Environment: listed(in.Environment, pairIn), EnvironmentFiles: each(in.EnvironmentFiles, envFileIn),
		Secrets: each(in.Secrets, secretIn), Links: slices.Clone(in.Links),
		PortMappings: portsIn(in.PortMappings, mode),
		MountPoints:  listed(in.MountPoints, mountIn), VolumesFrom: listed(in.VolumesFrom, volumeFromIn),
		DependsOn:    each(in.DependsOn, dependencyIn),
		StartTimeout: num(in.StartTimeout), StopTimeout: intOf(in.StopTimeout),
		HealthCheck: healthCheckIn(in.HealthCheck), RestartPolicy: restartPolicyIn(in.RestartPolicy),
		Ulimits: each(in.Ulimits, ulimitIn), LinuxParameters: linuxIn(in.LinuxParameters),
		SystemControls: listed(in.SystemControls, func(s ecswire.SystemControl) state.KeyValue {
			return state.KeyValue{Name: deref(s.Namespace), Value: deref(s.Value)}
		}),
		LogConfiguration: logIn(in.LogConfiguration),
		ResourceRequirements: each(in.ResourceRequirements, func(r ecswire.ResourceRequirement) state.KeyValue {
			return state.KeyValue{Name: deref(r.Type), Value: deref(r.Value)}
		}),
		DockerLabels: in.DockerLabels, DockerSecurityOptions: slices.Clone(in.DockerSecurityOptions),
		DNSServers: slices.Clone(in.DnsServers), DNSSearchDomains: slices.Clone(in.DnsSearchDomains),
		ExtraHosts: each(in.ExtraHosts, func(h ecswire.HostEntry) state.KeyValue {
			return state.KeyValue{Name: deref(h.Hostname), Value: deref(h.IpAddress)}
		}),
		Hostname: deref(in.Hostname), User: deref(in.User), WorkingDirectory: deref(in.WorkingDirectory),
		DisableNetworking: in.DisableNetworking, Interactive: in.Interactive, Privileged: in.Privileged,
		PseudoTerminal: in.PseudoTerminal, ReadonlyRootFilesystem: in.ReadonlyRootFilesystem,
		CredentialSpecs:    slices.Clone(in.CredentialSpecs),
		VersionConsistency: deref(in.VersionConsistency),
	}
	if in.FirelensConfiguration != nil {
		c.FirelensType = deref(in.FirelensConfiguration.Type)
		c.FirelensOptions = in.FirelensConfiguration.Options
	}
	if in.RepositoryCredentials != nil {
		c.RepositoryCredentials = deref(in.RepositoryCredentials.CredentialsParameter)
	}
	return c
}

// portsIn fills in what ECS echoes: tcp, and a host port that is the container's own where the container shares
// a network address with nobody (awsvpc) or with everybody (host), else 0 for a dynamic one.
func portsIn(in []ecswire.PortMapping, mode string) []state.PortMapping {
	return listed(in, func(w ecswire.PortMapping) state.PortMapping {
		p := state.PortMapping{
			ContainerPort: num(w.ContainerPort), HostPort: intOf(w.HostPort), Protocol: deref(w.Protocol),
			Range: deref(w.ContainerPortRange), Name: deref(w.Name), AppProtocol: deref(w.AppProtocol),
		}
		if p.Protocol == "" {
			p.Protocol = "tcp"
		}
		if p.Range != "" {
			return p
		}
		if p.HostPort == nil || *p.HostPort == 0 {
			p.HostPort = ptr(0)
			if mode == state.NetworkAWSVPC || mode == state.NetworkHost {
				p.HostPort = ptr(p.ContainerPort)
			}
		}
		return p
	})
}

func envFileIn(f ecswire.EnvironmentFile) state.EnvironmentFile {
	return state.EnvironmentFile{Value: deref(f.Value), Type: deref(f.Type)}
}

func secretIn(s ecswire.Secret) state.Secret {
	return state.Secret{Name: deref(s.Name), ValueFrom: deref(s.ValueFrom)}
}

func mountIn(m ecswire.MountPoint) state.MountPoint {
	return state.MountPoint{
		SourceVolume: deref(m.SourceVolume), ContainerPath: deref(m.ContainerPath), ReadOnly: m.ReadOnly}
}

func volumeFromIn(v ecswire.VolumeFrom) state.VolumeFrom {
	return state.VolumeFrom{SourceContainer: deref(v.SourceContainer), ReadOnly: v.ReadOnly}
}

func dependencyIn(d ecswire.ContainerDependency) state.Dependency {
	return state.Dependency{Container: deref(d.ContainerName), Condition: deref(d.Condition)}
}

func ulimitIn(u ecswire.Ulimit) state.Ulimit {
	return state.Ulimit{Name: deref(u.Name), Soft: num(u.SoftLimit), Hard: num(u.HardLimit)}
}

func healthCheckIn(in *ecswire.HealthCheck) *state.HealthCheck {
	if in == nil {
		return nil
	}
	orElse := func(p *int32, n int) *int {
		if p == nil {
			return ptr(n)
		}
		return intOf(p)
	}
	return &state.HealthCheck{
		Command: slices.Clone(in.Command), Interval: orElse(in.Interval, healthInterval),
		Timeout: orElse(in.Timeout, healthTimeout), Retries: orElse(in.Retries, healthRetries),
		StartPeriod: intOf(in.StartPeriod),
	}
}

func restartPolicyIn(in *ecswire.ContainerRestartPolicy) *state.RestartPolicy {
	if in == nil {
		return nil
	}
	return &state.RestartPolicy{
		Enabled: deref(in.Enabled), AttemptPeriod: num(in.RestartAttemptPeriod),
		IgnoredExitCodes: each(in.IgnoredExitCodes, func(n int32) int { return int(n) }),
	}
}

func linuxIn(in *ecswire.LinuxParameters) *state.LinuxParameters {
	if in == nil {
		return nil
	}
	l := &state.LinuxParameters{
		InitProcess: in.InitProcessEnabled, SharedMemorySize: intOf(in.SharedMemorySize),
		MaxSwap: intOf(in.MaxSwap), Swappiness: intOf(in.Swappiness),
		Devices: each(in.Devices, func(d ecswire.Device) state.Device {
			return state.Device{HostPath: deref(d.HostPath), ContainerPath: deref(d.ContainerPath),
				Permissions: slices.Clone(d.Permissions)}
		}),
		Tmpfs: each(in.Tmpfs, func(t ecswire.Tmpfs) state.Tmpfs {
			return state.Tmpfs{ContainerPath: deref(t.ContainerPath), Size: num(t.Size),
				Options: slices.Clone(t.MountOptions)}
		}),
	}
	if in.Capabilities != nil {
		l.HasCapabilities = true
		l.CapAdd, l.CapDrop = slices.Clone(in.Capabilities.Add), slices.Clone(in.Capabilities.Drop)
	}
	return l
}

func logIn(in *ecswire.LogConfiguration) *state.LogConfiguration {
	if in == nil {
		return nil
	}
	return &state.LogConfiguration{
		Driver: deref(in.LogDriver), Options: in.Options, SecretOptions: each(in.SecretOptions, secretIn)}
}
