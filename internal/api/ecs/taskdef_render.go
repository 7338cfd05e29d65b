package ecs

import (
	"strconv"

	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// renderTaskDefinition is the record as DescribeTaskDefinition shows it.
func renderTaskDefinition(td *state.TaskDefinition) *ecswire.TaskDefinition {
	w := &ecswire.TaskDefinition{
		TaskDefinitionArn:       ptr(td.Key.ARN()),
		Family:                  ptr(td.Key.Family().Name()),
		Revision:                ptr(int32(td.Key.Revision())),
		Status:                  ptr(td.Status),
		TaskRoleArn:             opt(td.TaskRoleARN),
		ExecutionRoleArn:        opt(td.ExecutionRoleARN),
		NetworkMode:             opt(td.NetworkMode),
		Compatibilities:         td.Compatibilities,
		RequiresCompatibilities: td.RequiresCompatibilities,
		PidMode:                 opt(td.PIDMode),
		IpcMode:                 opt(td.IPCMode),
		RegisteredAt:            wire.At(td.RegisteredAt),
		RegisteredBy:            opt(td.RegisteredBy),
		DeregisteredAt:          wire.At(td.DeregisteredAt),
		DeleteRequestedAt:       wire.At(td.DeleteRequestedAt),
		EnableFaultInjection:    td.EnableFaultInjection,
		RequiresAttributes: listed(td.RequiresAttributes, func(a state.Attribute) ecswire.Attribute {
			return ecswire.Attribute{Name: ptr(a.Name), Value: opt(a.Value)}
		}),
		PlacementConstraints: listed(td.PlacementConstraints, renderDefinitionConstraint),
		Volumes:              listed(td.Volumes, renderVolume),
		ContainerDefinitions: listed(td.Containers, renderContainerDefinition),
	}
	if td.CPU > 0 {
		w.Cpu = ptr(strconv.Itoa(td.CPU))
	}
	if td.Memory > 0 {
		w.Memory = ptr(strconv.Itoa(td.Memory))
	}
	if td.EphemeralStorageGiB > 0 {
		w.EphemeralStorage = &ecswire.EphemeralStorage{SizeInGiB: ptr(int32(td.EphemeralStorageGiB))}
	}
	if p := td.RuntimePlatform; p != nil {
		w.RuntimePlatform = &ecswire.RuntimePlatform{
			CpuArchitecture: opt(p.CPUArchitecture), OperatingSystemFamily: opt(p.OSFamily)}
	}
	if p := td.ProxyConfiguration; p != nil {
		w.ProxyConfiguration = &ecswire.ProxyConfiguration{
			Type: opt(p.Type), ContainerName: ptr(p.Container), Properties: each(p.Properties, renderPair)}
	}
	return w
}

func renderDefinitionConstraint(c state.PlacementConstraint) ecswire.TaskDefinitionPlacementConstraint {
	return ecswire.TaskDefinitionPlacementConstraint{Type: opt(c.Type), Expression: opt(c.Expression)}
}

func renderPair(p state.KeyValue) ecswire.KeyValuePair {
	return ecswire.KeyValuePair{Name: ptr(p.Name), Value: ptr(p.Value)}
}

func renderVolume(v state.Volume) ecswire.Volume {
	w := ecswire.Volume{Name: ptr(v.Name), ConfiguredAtLaunch: v.ConfiguredAtLaunch}
	if v.HostPath != nil {
		w.Host = &ecswire.HostVolumeProperties{SourcePath: opt(*v.HostPath)}
	}
	if d := v.Docker; d != nil {
		w.DockerVolumeConfiguration = &ecswire.DockerVolumeConfiguration{
			Scope: opt(d.Scope), Autoprovision: d.Autoprovision, Driver: opt(d.Driver),
			DriverOpts: d.DriverOpts, Labels: d.Labels,
		}
	}
	return w
}
