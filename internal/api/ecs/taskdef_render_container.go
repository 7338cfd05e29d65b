package ecs

import (
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

func renderContainerDefinition(c state.Container) ecswire.ContainerDefinition {
	w := ecswire.ContainerDefinition{
		Name: ptr(c.Name), Image: ptr(c.Image), Cpu: ptr(int32(c.CPU)), Memory: opt(int32(c.Memory)),
		MemoryReservation: opt(int32(c.MemoryReservation)), Essential: ptr(c.Essential),
		Command: c.Command, EntryPoint: c.EntryPoint,
		Environment:      listed(c.Environment, renderPair),
		EnvironmentFiles: each(c.EnvironmentFiles, renderEnvFile),
		Secrets:          each(c.Secrets, renderSecret),
		Links:            c.Links,
		PortMappings:     listed(c.PortMappings, renderPort),
		MountPoints:      listed(c.MountPoints, renderMount),
		VolumesFrom:      listed(c.VolumesFrom, renderVolumeFrom),
		DependsOn:        each(c.DependsOn, renderDependency),
		StartTimeout:     opt(int32(c.StartTimeout)), StopTimeout: int32Of(c.StopTimeout),
		HealthCheck: renderHealthCheck(c.HealthCheck), RestartPolicy: renderRestartPolicy(c.RestartPolicy),
		Ulimits: each(c.Ulimits, renderUlimit), LinuxParameters: renderLinux(c.LinuxParameters),
		SystemControls: listed(c.SystemControls, func(s state.KeyValue) ecswire.SystemControl {
			return ecswire.SystemControl{Namespace: opt(s.Name), Value: opt(s.Value)}
		}),
		LogConfiguration: renderLog(c.LogConfiguration),
		ResourceRequirements: each(c.ResourceRequirements, func(r state.KeyValue) ecswire.ResourceRequirement {
			return ecswire.ResourceRequirement{Type: ptr(r.Name), Value: ptr(r.Value)}
		}),
		DockerLabels: c.DockerLabels, DockerSecurityOptions: c.DockerSecurityOptions,
		DnsServers: c.DNSServers, DnsSearchDomains: c.DNSSearchDomains,
		ExtraHosts: each(c.ExtraHosts, func(h state.KeyValue) ecswire.HostEntry {
			return ecswire.HostEntry{Hostname: ptr(h.Name), IpAddress: ptr(h.Value)}
		}),
		Hostname: opt(c.Hostname), User: opt(c.User), WorkingDirectory: opt(c.WorkingDirectory),
		DisableNetworking: c.DisableNetworking, Interactive: c.Interactive, Privileged: c.Privileged,
		PseudoTerminal: c.PseudoTerminal, ReadonlyRootFilesystem: c.ReadonlyRootFilesystem,
		CredentialSpecs: c.CredentialSpecs, VersionConsistency: opt(c.VersionConsistency),
	}
	if c.FirelensType != "" {
		w.FirelensConfiguration = &ecswire.FirelensConfiguration{
			Type: ptr(c.FirelensType), Options: c.FirelensOptions}
	}
	if c.RepositoryCredentials != "" {
		w.RepositoryCredentials = &ecswire.RepositoryCredentials{
			CredentialsParameter: ptr(c.RepositoryCredentials)}
	}
	return w
}

func renderPort(p state.PortMapping) ecswire.PortMapping {
	return ecswire.PortMapping{
		ContainerPort: opt(int32(p.ContainerPort)), HostPort: int32Of(p.HostPort), Protocol: opt(p.Protocol),
		ContainerPortRange: opt(p.Range), Name: opt(p.Name), AppProtocol: opt(p.AppProtocol),
	}
}

func renderEnvFile(f state.EnvironmentFile) ecswire.EnvironmentFile {
	return ecswire.EnvironmentFile{Value: ptr(f.Value), Type: ptr(f.Type)}
}

func renderSecret(s state.Secret) ecswire.Secret {
	return ecswire.Secret{Name: ptr(s.Name), ValueFrom: ptr(s.ValueFrom)}
}

func renderMount(m state.MountPoint) ecswire.MountPoint {
	return ecswire.MountPoint{
		SourceVolume: opt(m.SourceVolume), ContainerPath: opt(m.ContainerPath), ReadOnly: m.ReadOnly}
}

func renderVolumeFrom(v state.VolumeFrom) ecswire.VolumeFrom {
	return ecswire.VolumeFrom{SourceContainer: opt(v.SourceContainer), ReadOnly: v.ReadOnly}
}

func renderDependency(d state.Dependency) ecswire.ContainerDependency {
	return ecswire.ContainerDependency{ContainerName: ptr(d.Container), Condition: ptr(d.Condition)}
}

func renderUlimit(u state.Ulimit) ecswire.Ulimit {
	return ecswire.Ulimit{Name: ptr(u.Name), SoftLimit: ptr(int32(u.Soft)), HardLimit: ptr(int32(u.Hard))}
}

func renderHealthCheck(h *state.HealthCheck) *ecswire.HealthCheck {
	if h == nil {
		return nil
	}
	return &ecswire.HealthCheck{
		Command: h.Command, Interval: int32Of(h.Interval), Timeout: int32Of(h.Timeout),
		Retries: int32Of(h.Retries), StartPeriod: int32Of(h.StartPeriod),
	}
}

func renderRestartPolicy(p *state.RestartPolicy) *ecswire.ContainerRestartPolicy {
	if p == nil {
		return nil
	}
	return &ecswire.ContainerRestartPolicy{
		Enabled: ptr(p.Enabled), RestartAttemptPeriod: opt(int32(p.AttemptPeriod)),
		IgnoredExitCodes: each(p.IgnoredExitCodes, func(n int) int32 { return int32(n) }),
	}
}

func renderLinux(l *state.LinuxParameters) *ecswire.LinuxParameters {
	if l == nil {
		return nil
	}
	w := &ecswire.LinuxParameters{
		InitProcessEnabled: l.InitProcess, SharedMemorySize: int32Of(l.SharedMemorySize),
		MaxSwap: int32Of(l.MaxSwap), Swappiness: int32Of(l.Swappiness),
		Devices: each(l.Devices, func(d state.Device) ecswire.Device {
			return ecswire.Device{
				HostPath: opt(d.HostPath), ContainerPath: opt(d.ContainerPath), Permissions: d.Permissions}
		}),
		Tmpfs: each(l.Tmpfs, func(t state.Tmpfs) ecswire.Tmpfs {
			return ecswire.Tmpfs{
				ContainerPath: opt(t.ContainerPath), Size: ptr(int32(t.Size)), MountOptions: t.Options}
		}),
	}
	if l.HasCapabilities {
		w.Capabilities = &ecswire.KernelCapabilities{Add: l.CapAdd, Drop: l.CapDrop}
	}
	return w
}

func renderLog(l *state.LogConfiguration) *ecswire.LogConfiguration {
	if l == nil {
		return nil
	}
	return &ecswire.LogConfiguration{
		LogDriver: ptr(l.Driver), Options: l.Options, SecretOptions: each(l.SecretOptions, renderSecret)}
}
