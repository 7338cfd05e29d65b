package ecs

import (
	"strconv"

	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// waitingAttribute carries the reason of a wait to clients: AWS has no member for it, and attributes are the one
// list of a task that clients pass through unread.
const waitingAttribute = "longshore.waiting"

const attributeArch = "ecs.cpu-architecture"

// renderTask writes a task as every task operation answers it; tags are the caller's to add.
func renderTask(v store.View, t *state.Task) ecswire.Task {
	w := ecswire.Task{
		Attachments:          renderAttachments(t),
		Attributes:           renderTaskAttributes(v, t),
		AvailabilityZone:     opt(t.Zone),
		CapacityProviderName: opt(t.CapacityProvider),
		ClusterArn:           ptr(t.Key.Cluster().ARN()),
		Containers:           renderContainers(t),
		Cpu:                  ptr(strconv.Itoa(t.Need.CPU)),
		CreatedAt:            wire.At(t.CreatedAt),
		DesiredStatus:        ptr(string(t.Desired)),
		EnableExecuteCommand: ptr(t.EnableExecuteCommand),
		Group:                opt(t.Group),
		HealthStatus:         ptr(orUnknown(t.Health)),
		LastStatus:           ptr(string(t.Last)),
		LaunchType:           opt(t.LaunchType),
		Memory:               ptr(strconv.Itoa(t.Need.Memory)),
		Overrides:            renderOverrides(t),
		StartedBy:            opt(t.StartedBy),
		StopCode:             opt(t.StopCode),
		StoppedReason:        opt(t.StoppedReason),
		Tags:                 []ecswire.Tag{},
		TaskArn:              ptr(t.Key.ARN()),
		TaskDefinitionArn:    ptr(t.TaskDefinition.ARN()),
		Version:              ptr(t.Version),

		InferenceAccelerators: []ecswire.InferenceAccelerator{},
	}
	renderTaskTimes(t, &w)
	renderTaskHost(t, &w)
	return w
}

func renderTaskTimes(t *state.Task, w *ecswire.Task) {
	w.Connectivity = opt(t.Connectivity)
	w.ConnectivityAt = wire.At(t.ConnectivityAt)
	w.PullStartedAt = wire.At(t.PullStartedAt)
	w.PullStoppedAt = wire.At(t.PullStoppedAt)
	w.StartedAt = wire.At(t.StartedAt)
	w.StoppingAt = wire.At(t.StoppingAt)
	w.ExecutionStoppedAt = wire.At(t.ExecutionStoppedAt)
	w.StoppedAt = wire.At(t.StoppedAt)
}

// renderTaskHost tells where the task runs: a container instance, or Fargate, whose hosts are not shown.
func renderTaskHost(t *state.Task, w *ecswire.Task) {
	if t.LaunchType != state.LaunchFargate {
		if t.Instance != "" {
			w.ContainerInstanceArn = ptr(t.Instance.ARN())
		}
		return
	}
	size := int32(t.EphemeralStorageGiB)
	if size == 0 {
		size = defaultEphemeralGiB
	}
	w.PlatformVersion = opt(t.PlatformVersion)
	w.PlatformFamily = ptr(platformFamily)
	w.EphemeralStorage = &ecswire.EphemeralStorage{SizeInGiB: &size}
	w.FargateEphemeralStorage = &ecswire.TaskEphemeralStorage{SizeInGiB: &size}
}

// defaultEphemeralGiB is what a Fargate task gets that asks for nothing (API_EphemeralStorage).
const defaultEphemeralGiB = 20

// renderTaskAttributes tells the architecture that the task runs on, once it is placed, and why it waits.
func renderTaskAttributes(v store.View, t *state.Task) []ecswire.Attribute {
	out := []ecswire.Attribute{}
	host, ok := v.Instances().Get(t.Instance)
	if ok && host.Attribute(attributeArch) != "" {
		out = append(out, ecswire.Attribute{Name: ptr(attributeArch), Value: ptr(host.Attribute(attributeArch))})
	}
	if t.Waiting != nil {
		reason := t.Waiting.Code
		if t.Waiting.Reason != "" {
			reason += ": " + t.Waiting.Reason
		}
		out = append(out, ecswire.Attribute{Name: ptr(waitingAttribute), Value: &reason})
	}
	return out
}

func renderAttachments(t *state.Task) []ecswire.Attachment {
	if t.Interface == nil {
		return []ecswire.Attachment{}
	}
	i := t.Interface
	details := []ecswire.KeyValuePair{pair("subnetId", i.Subnet), pair("networkInterfaceId", i.ID)}
	if i.MAC != "" {
		details = append(details, pair("macAddress", i.MAC))
	}
	if i.PrivateDNS != "" {
		details = append(details, pair("privateDnsName", i.PrivateDNS))
	}
	if i.Address.IsValid() {
		details = append(details, pair("privateIPv4Address", i.Address.String()))
	}
	return []ecswire.Attachment{{Id: ptr(i.AttachmentID), Type: ptr("ElasticNetworkInterface"),
		Status: opt(i.Status), Details: details}}
}

func pair(name, value string) ecswire.KeyValuePair {
	return ecswire.KeyValuePair{Name: &name, Value: &value}
}

func renderContainers(t *state.Task) []ecswire.Container {
	out := make([]ecswire.Container, 0, len(t.Containers))
	for i := range t.Containers {
		out = append(out, renderContainer(t, &t.Containers[i]))
	}
	return out
}

func renderContainer(t *state.Task, c *state.TaskContainer) ecswire.Container {
	w := ecswire.Container{
		ContainerArn:      ptr(containerARN(t.Key, c.ID)),
		TaskArn:           ptr(t.Key.ARN()),
		Name:              ptr(c.Name),
		Image:             opt(c.Image),
		ImageDigest:       opt(c.ImageDigest),
		RuntimeId:         opt(c.RuntimeID),
		LastStatus:        ptr(string(c.Last)),
		Reason:            opt(c.Reason),
		HealthStatus:      ptr(orUnknown(c.Health)),
		Cpu:               ptr(strconv.Itoa(c.CPU)),
		NetworkBindings:   renderBindings(c.NetworkBindings),
		NetworkInterfaces: []ecswire.NetworkInterface{},
		GpuIds:            c.GPUs,
	}
	if c.Memory > 0 {
		w.Memory = ptr(strconv.Itoa(c.Memory))
	}
	if c.MemoryReservation > 0 {
		w.MemoryReservation = ptr(strconv.Itoa(c.MemoryReservation))
	}
	if c.ExitCode != nil {
		w.ExitCode = ptr(int32(*c.ExitCode))
	}
	if t.Interface != nil && t.Interface.Address.IsValid() {
		w.NetworkInterfaces = append(w.NetworkInterfaces, ecswire.NetworkInterface{
			AttachmentId: ptr(t.Interface.AttachmentID), PrivateIpv4Address: ptr(t.Interface.Address.String())})
	}
	return w
}

func renderBindings(in []state.NetworkBinding) []ecswire.NetworkBinding {
	out := make([]ecswire.NetworkBinding, 0, len(in))
	for i := range in {
		b := &in[i]
		w := ecswire.NetworkBinding{BindIP: opt(b.BindIP), Protocol: opt(b.Protocol),
			ContainerPortRange: opt(b.ContainerPortRange), HostPortRange: opt(b.HostPortRange)}
		if b.ContainerPortRange == "" {
			w.ContainerPort, w.HostPort = ptr(int32(b.ContainerPort)), ptr(int32(b.HostPort))
		}
		out = append(out, w)
	}
	return out
}

// containerARN is arn:aws:ecs:…:container/<cluster>/<task>/<container>.
func containerARN(t state.TaskKey, id string) string {
	s := t.Cluster().Scope()
	return "arn:aws:ecs:" + s.Region + ":" + s.Account + ":container/" + t.Cluster().Name() + "/" + t.ID() + "/" + id
}

func orUnknown(health string) string {
	if health == "" {
		return state.HealthUnknown
	}
	return health
}
