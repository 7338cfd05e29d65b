package ecs

import (
	"slices"
	"strconv"

	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

func renderInstance(i *state.Instance, t taken) ecswire.ContainerInstance {
	return ecswire.ContainerInstance{
		ContainerInstanceArn: ptr(i.Key.ARN()),
		Ec2InstanceId:        opt(i.EC2InstanceID),
		CapacityProviderName: opt(i.CapacityProvider),
		Version:              ptr(i.Version),
		VersionInfo: &ecswire.VersionInfo{AgentVersion: opt(i.AgentVersion), AgentHash: opt(i.AgentHash),
			DockerVersion: opt(i.DockerVersion)},
		RegisteredResources: renderResources(i, taken{}),
		RemainingResources:  renderResources(i, t),
		Status:              ptr(i.Status),
		AgentConnected:      ptr(i.Connected),
		RunningTasksCount:   ptr(t.running),
		PendingTasksCount:   ptr(t.pending),
		Attributes:          renderInstanceAttributes(i),
		RegisteredAt:        wire.At(i.RegisteredAt),
		Attachments:         []ecswire.Attachment{},
		Tags:                []ecswire.Tag{},
	}
}

// renderResources lists what is left: of ports the API shows those that are used, not those that are free.
func renderResources(i *state.Instance, t taken) []ecswire.Resource {
	out := []ecswire.Resource{
		integer("CPU", i.CPU-t.cpu), integer("MEMORY", i.Memory-t.memory),
		portSet("PORTS", i.ReservedTCP, t.tcpPorts), portSet("PORTS_UDP", i.ReservedUDP, t.udpPorts),
	}
	if len(i.GPUs) > 0 {
		out = append(out, ecswire.Resource{Name: ptr("GPU"), Type: ptr("STRINGSET"),
			StringSetValue: i.GPUs[:max(0, len(i.GPUs)-t.gpus)]})
	}
	return out
}

func integer(name string, n int) ecswire.Resource {
	return ecswire.Resource{Name: &name, Type: ptr("INTEGER"), DoubleValue: ptr(0.0), LongValue: ptr(int64(0)),
		IntegerValue: ptr(int32(n))}
}

func portSet(name string, reserved, used []int) ecswire.Resource {
	all := slices.Concat(reserved, used)
	slices.Sort(all)
	out := make([]string, 0, len(all))
	for _, p := range slices.Compact(all) {
		out = append(out, strconv.Itoa(p))
	}
	return ecswire.Resource{Name: &name, Type: ptr("STRINGSET"), DoubleValue: ptr(0.0), LongValue: ptr(int64(0)),
		IntegerValue: ptr(int32(0)), StringSetValue: out}
}

func renderInstanceAttributes(i *state.Instance) []ecswire.Attribute {
	out := make([]ecswire.Attribute, 0, len(i.Attributes))
	for _, a := range i.Attributes {
		out = append(out, ecswire.Attribute{Name: ptr(a.Name), Value: opt(a.Value)})
	}
	return out
}

// renderHealth is what the agent last said of its container runtime.
func renderHealth(i *state.Instance) *ecswire.ContainerInstanceHealthStatus {
	status := i.RuntimeHealth
	if status == "" {
		status = "INITIALIZING"
	}
	return &ecswire.ContainerInstanceHealthStatus{OverallStatus: &status, Details: []ecswire.InstanceHealthCheckResult{
		{Type: ptr("CONTAINER_RUNTIME"), Status: &status}}}
}
