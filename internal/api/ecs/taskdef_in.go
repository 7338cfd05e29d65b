package ecs

import (
	"slices"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// fromWire turns a request into a record with ECS's defaults filled in. It refuses only what has no place in a
// record; every other rule is checked on the record.
func fromWire(in *ecswire.RegisterTaskDefinitionRequest) (*state.TaskDefinition, error) {
	cpu, memory, err := taskSize(in.Cpu, in.Memory)
	if err != nil {
		return nil, err
	}
	if len(in.InferenceAccelerators) > 0 {
		return nil, client("Inference accelerators are no longer supported.")
	}
	td := &state.TaskDefinition{
		TaskRoleARN: deref(in.TaskRoleArn), ExecutionRoleARN: deref(in.ExecutionRoleArn),
		NetworkMode: deref(in.NetworkMode), RequiresCompatibilities: slices.Clone(in.RequiresCompatibilities),
		CPU: cpu, Memory: memory, PIDMode: deref(in.PidMode), IPCMode: deref(in.IpcMode),
		EnableFaultInjection: in.EnableFaultInjection,
	}
	if in.EphemeralStorage != nil {
		td.EphemeralStorageGiB = int(deref(in.EphemeralStorage.SizeInGiB))
		err = ephemeralSize(td.EphemeralStorageGiB)
		if err != nil {
			return nil, err
		}
	}
	if p := in.RuntimePlatform; p != nil {
		td.RuntimePlatform = &state.RuntimePlatform{
			CPUArchitecture: deref(p.CpuArchitecture), OSFamily: deref(p.OperatingSystemFamily)}
	}
	if p := in.ProxyConfiguration; p != nil {
		td.ProxyConfiguration = &state.ProxyConfiguration{
			Type: deref(p.Type), Container: deref(p.ContainerName), Properties: pairsIn(p.Properties)}
	}
	for _, c := range in.PlacementConstraints {
		td.PlacementConstraints = append(td.PlacementConstraints,
			state.PlacementConstraint{Type: deref(c.Type), Expression: deref(c.Expression)})
	}
	td.Volumes, err = volumesIn(in.Volumes)
	if err != nil {
		return nil, err
	}
	for i := range in.ContainerDefinitions {
		td.Containers = append(td.Containers, containerIn(&in.ContainerDefinitions[i], td.NetworkMode))
	}
	return td, nil
}

func ephemeralSize(gib int) error {
	if gib < 21 {
		return client("EphemeralStorage size should be at least 21")
	}
	if gib > 200 {
		return client("EphemeralStorage size should be at most 200")
	}
	return nil
}

func volumesIn(in []ecswire.Volume) ([]state.Volume, error) {
	out := []state.Volume{}
	for i := range in {
		v, err := volumeIn(&in[i])
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func volumeIn(in *ecswire.Volume) (state.Volume, error) {
	v := state.Volume{Name: deref(in.Name)}
	kinds := 0
	for _, given := range []bool{
		in.Host != nil, in.DockerVolumeConfiguration != nil, in.EfsVolumeConfiguration != nil,
		in.S3filesVolumeConfiguration != nil, in.FsxWindowsFileServerVolumeConfiguration != nil,
		deref(in.ConfiguredAtLaunch),
	} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return v, client("Volume '%s' must have at most one configuration.", v.Name)
	case in.EfsVolumeConfiguration != nil:
		return v, unservedVolume(v.Name, "efsVolumeConfiguration")
	case in.S3filesVolumeConfiguration != nil:
		return v, unservedVolume(v.Name, "s3filesVolumeConfiguration")
	case in.FsxWindowsFileServerVolumeConfiguration != nil:
		return v, unservedVolume(v.Name, "fsxWindowsFileServerVolumeConfiguration")
	case deref(in.ConfiguredAtLaunch):
		return v, unservedVolume(v.Name, "configuredAtLaunch")
	case in.DockerVolumeConfiguration != nil:
		v.Docker = dockerVolumeIn(in.DockerVolumeConfiguration)
	case in.Host != nil:
		v.HostPath = ptr(deref(in.Host.SourcePath))
	default:
		v.HostPath = ptr("") // a volume without configuration is an anonymous one of the host
	}
	return v, nil
}

// unservedVolume refuses a kind of volume that a record cannot hold; SCOPE lists them.
func unservedVolume(name, kind string) error {
	return client("Volume '%s': %s is not served by Longshore. See SCOPE.md.", name, kind)
}

func dockerVolumeIn(in *ecswire.DockerVolumeConfiguration) *state.DockerVolume {
	d := &state.DockerVolume{
		Scope: deref(in.Scope), Autoprovision: in.Autoprovision, Driver: deref(in.Driver),
		DriverOpts: in.DriverOpts, Labels: in.Labels,
	}
	if d.Scope == "" {
		d.Scope = "task"
	}
	if d.Driver == "" {
		d.Driver = "local"
	}
	return d
}

// each converts a list and keeps the difference between an empty and an absent one.
func each[In, Out any](in []In, f func(In) Out) []Out {
	if in == nil {
		return nil
	}
	out := make([]Out, 0, len(in))
	for _, x := range in {
		out = append(out, f(x))
	}
	return out
}

// listed is each for the lists that ECS echoes even when they were not given.
func listed[In, Out any](in []In, f func(In) Out) []Out {
	out := each(in, f)
	if out == nil {
		return []Out{}
	}
	return out
}

func pairsIn(in []ecswire.KeyValuePair) []state.KeyValue { return each(in, pairIn) }

func pairIn(p ecswire.KeyValuePair) state.KeyValue {
	return state.KeyValue{Name: deref(p.Name), Value: deref(p.Value)}
}

func num(p *int32) int { return int(deref(p)) }
