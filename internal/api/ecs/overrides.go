package ecs

import (
	"encoding/json"
	"fmt"
	"slices"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// maxOverrides is the longest JSON text that the overrides of a call may have (API_TaskOverride).
const maxOverrides = 8192

// parseOverrides checks a task's overrides against its definition.
func parseOverrides(td *state.TaskDefinition, in *ecswire.TaskOverride) (state.Overrides, error) {
	out := state.Overrides{}
	if in == nil {
		return out, nil
	}
	text, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("measure overrides: %w", err)
	}
	if len(text) > maxOverrides {
		return out, invalid("Container Overrides length must be at most %d", maxOverrides)
	}
	if len(in.InferenceAcceleratorOverrides) > 0 {
		return out, notServed("inferenceAcceleratorOverrides")
	}
	out.TaskRoleARN, out.ExecutionRoleARN = deref(in.TaskRoleArn), deref(in.ExecutionRoleArn)
	out.CPU, out.Memory = deref(in.Cpu), deref(in.Memory)
	err = overriddenSize(out)
	if err != nil {
		return out, err
	}
	out.EphemeralStorageGiB, err = overriddenStorage(in.EphemeralStorage)
	if err != nil {
		return out, err
	}
	for i := range in.ContainerOverrides {
		o, err := parseContainerOverride(td, &in.ContainerOverrides[i])
		if err != nil {
			return out, err
		}
		out.Containers = append(out.Containers, o)
	}
	return out, nil
}

func overriddenSize(o state.Overrides) error {
	for _, size := range []struct{ name, given, unit string }{{"cpu", o.CPU, "VCPU"}, {"memory", o.Memory, "GB"}} {
		if size.given == "" {
			continue
		}
		_, ok := state.ParseSize(size.given, size.unit)
		if !ok {
			return invalid("Invalid '%s' setting for task.", size.name)
		}
	}
	return nil
}

func overriddenStorage(in *ecswire.EphemeralStorage) (int, error) {
	size := 0
	if in != nil {
		size = int(deref(in.SizeInGiB))
	}
	switch {
	case in == nil:
		return 0, nil
	case size < 21:
		return 0, invalid("EphemeralStorage size should be at least 21")
	case size > 200:
		return 0, invalid("EphemeralStorage size should be at most 200")
	}
	return size, nil
}

func parseContainerOverride(td *state.TaskDefinition, in *ecswire.ContainerOverride) (state.ContainerOverride, error) {
	out := state.ContainerOverride{Name: deref(in.Name), Command: in.Command,
		CPU: intOf(in.Cpu), Memory: intOf(in.Memory), MemoryReservation: intOf(in.MemoryReservation)}
	if !slices.ContainsFunc(td.Containers, func(c state.Container) bool { return c.Name == out.Name }) {
		return out, invalid("Override for container named %s is not a container in the TaskDefinition.", out.Name)
	}
	for _, e := range in.Environment {
		out.Environment = append(out.Environment, state.KeyValue{Name: deref(e.Name), Value: deref(e.Value)})
	}
	if len(in.EnvironmentFiles) > 0 {
		return out, notServed("environmentFiles of container " + out.Name)
	}
	for _, r := range in.ResourceRequirements {
		if deref(r.Type) != "GPU" {
			return out, notServed("resource requirement " + deref(r.Type))
		}
		out.ResourceRequirements = append(out.ResourceRequirements,
			state.KeyValue{Name: deref(r.Type), Value: deref(r.Value)})
	}
	for _, n := range []*int{out.CPU, out.Memory, out.MemoryReservation} {
		if n != nil && *n < 0 {
			return out, invalid("Overrides of cpu and memory for container %s cannot be negative.", out.Name)
		}
	}
	return out, nil
}

// renderOverrides names every container, overridden or not, as the API does.
func renderOverrides(t *state.Task) *ecswire.TaskOverride {
	o := &t.Overrides
	w := &ecswire.TaskOverride{
		ContainerOverrides:            make([]ecswire.ContainerOverride, 0, len(t.Containers)),
		InferenceAcceleratorOverrides: []ecswire.InferenceAcceleratorOverride{},
		Cpu:                           opt(o.CPU), Memory: opt(o.Memory),
		TaskRoleArn: opt(o.TaskRoleARN), ExecutionRoleArn: opt(o.ExecutionRoleARN),
	}
	if o.EphemeralStorageGiB > 0 {
		w.EphemeralStorage = &ecswire.EphemeralStorage{SizeInGiB: ptr(int32(o.EphemeralStorageGiB))}
	}
	for i := range t.Containers {
		w.ContainerOverrides = append(w.ContainerOverrides, renderContainerOverride(o, t.Containers[i].Name))
	}
	return w
}

func renderContainerOverride(o *state.Overrides, name string) ecswire.ContainerOverride {
	w := ecswire.ContainerOverride{Name: &name}
	i := slices.IndexFunc(o.Containers, func(c state.ContainerOverride) bool { return c.Name == name })
	if i < 0 {
		return w
	}
	c := &o.Containers[i]
	w.Command = c.Command
	w.Cpu, w.Memory, w.MemoryReservation = int32Of(c.CPU), int32Of(c.Memory), int32Of(c.MemoryReservation)
	for _, e := range c.Environment {
		w.Environment = append(w.Environment, pair(e.Name, e.Value))
	}
	for _, f := range c.EnvironmentFiles {
		w.EnvironmentFiles = append(w.EnvironmentFiles, ecswire.EnvironmentFile{Type: ptr(f.Type), Value: ptr(f.Value)})
	}
	for _, r := range c.ResourceRequirements {
		w.ResourceRequirements = append(w.ResourceRequirements,
			ecswire.ResourceRequirement{Type: ptr(r.Name), Value: ptr(r.Value)})
	}
	return w
}

func intOf(p *int32) *int {
	if p == nil {
		return nil
	}
	return ptr(int(*p))
}

func int32Of(p *int) *int32 {
	if p == nil {
		return nil
	}
	return ptr(int32(*p))
}
