package dispatch

import (
	"slices"
	"strconv"

	"longshore/internal/acs"
	"longshore/internal/state"
)

// renderTask builds the payload of a task for an agent: overrides are merged here, because agents understand
// none but the command's.
func renderTask(t *state.Task, td *state.TaskDefinition) acs.Task {
	out := acs.Task{
		ARN:                     t.Key.ARN(),
		TaskClusterARN:          t.Key.Cluster().ARN(),
		Family:                  td.Key.Family().Name(),
		Version:                 strconv.Itoa(td.Key.Revision()),
		DesiredStatus:           acs.StatusRunning,
		NetworkMode:             networkMode(td),
		LaunchType:              t.LaunchType,
		CPU:                     float64(t.CPU) / 1024,
		Memory:                  int64(t.Memory),
		Group:                   t.Group,
		ServiceName:             t.Service.Name(),
		PIDMode:                 td.PIDMode,
		IPCMode:                 td.IPCMode,
		TaskDefinitionAccountID: t.Key.Cluster().Scope().Account,
		Zone:                    t.Zone,
	}
	for _, v := range td.Volumes {
		out.Volumes = append(out.Volumes, renderVolume(v))
	}
	for i := range td.Containers {
		c := override(td.Containers[i], t)
		out.Containers = append(out.Containers, renderContainer(&c, t, td))
	}
	if t.Interface != nil {
		out.ENIs = []acs.ENI{renderInterface(t, td)}
	}
	out.Longshore = extension(t)
	out.Associations = gpus(t)
	return out
}

// stopTask is the whole payload of a stop: the same name, another wish.
func stopTask(t *state.Task) acs.Task {
	return acs.Task{
		ARN:            t.Key.ARN(),
		TaskClusterARN: t.Key.Cluster().ARN(),
		DesiredStatus:  acs.StatusStopped,
	}
}

// networkMode as agents know it: an unset mode is bridge on Linux.
func networkMode(td *state.TaskDefinition) string {
	if td.NetworkMode == "" {
		return state.NetworkBridge
	}
	return td.NetworkMode
}

func renderVolume(v state.Volume) acs.Volume {
	if v.Docker == nil {
		path := ""
		if v.HostPath != nil {
			path = *v.HostPath
		}
		return acs.Volume{Name: v.Name, Type: "host", Host: &acs.HostVolume{SourcePath: path}}
	}
	d := &acs.DockerVolume{
		Scope: v.Docker.Scope, Driver: v.Docker.Driver, DriverOpts: v.Docker.DriverOpts, Labels: v.Docker.Labels,
	}
	d.Autoprovision = v.Docker.Autoprovision != nil && *v.Docker.Autoprovision
	return acs.Volume{Name: v.Name, Type: "docker", Docker: d}
}

// renderInterface describes the address as an ENI. The gateway is the subnet's first address, as in a VPC.
func renderInterface(t *state.Task, td *state.TaskDefinition) acs.ENI {
	i := t.Interface
	gateway := i.SubnetCIDR.Masked().Addr().Next()
	servers, domains := resolver(td)
	return acs.ENI{
		DomainNameServers:        servers,
		DomainName:               domains,
		AttachmentARN:            attachmentARN(t),
		EC2ID:                    i.ID,
		MACAddress:               i.MAC,
		IPv4Addresses:            []acs.IPv4Address{{Primary: true, PrivateAddress: i.Address.String()}},
		SubnetGatewayIPv4Address: gateway.String() + "/" + strconv.Itoa(i.SubnetCIDR.Bits()),
		PrivateDNSName:           i.PrivateDNS,
	}
}

// resolver joins what the containers of an awsvpc task ask for: they share one network namespace and so one
// resolv.conf.
func resolver(td *state.TaskDefinition) (servers, domains []string) {
	for i := range td.Containers {
		for _, s := range td.Containers[i].DNSServers {
			if !slices.Contains(servers, s) {
				servers = append(servers, s)
			}
		}
		for _, d := range td.Containers[i].DNSSearchDomains {
			if !slices.Contains(domains, d) {
				domains = append(domains, d)
			}
		}
	}
	return servers, domains
}

func attachmentARN(t *state.Task) string {
	k := t.Key.Cluster()
	s := k.Scope()
	return "arn:aws:ecs:" + s.Region + ":" + s.Account + ":attachment/" + t.Interface.AttachmentID
}

func extension(t *state.Task) *acs.TaskExtension {
	e := &acs.TaskExtension{
		Fargate:             t.LaunchType == state.LaunchFargate,
		EphemeralStorageGiB: t.EphemeralStorageGiB,
		AvailabilityZone:    t.Zone,
	}
	if t.Network != nil {
		e.AssignPublicIP = t.Network.AssignPublicIP == "ENABLED"
		e.SecurityGroups = t.Network.SecurityGroups
	}
	if t.Interface != nil {
		e.SecurityGroups = t.Interface.Groups
		e.SubnetCIDR = t.Interface.SubnetCIDR.String()
		e.VPC = t.Interface.VPC
	}
	recall(e, t)
	return e
}

// recall tells an agent that lost its memory what it had told of the task: it keeps none but its containers, and
// those may have been removed while it was away.
func recall(e *acs.TaskExtension, t *state.Task) {
	if t.Last != state.Running {
		return
	}
	e.LastStatus = acs.StatusRunning
	for i := range t.Containers {
		if t.Containers[i].Last == state.Stopped {
			e.Ended = append(e.Ended, t.Containers[i].Name)
		}
	}
}

func gpus(t *state.Task) []acs.Association {
	var out []acs.Association
	for _, c := range t.Containers {
		for _, id := range c.GPUs {
			out = append(out, acs.Association{Type: "gpu", Name: id, Containers: []string{c.Name}})
		}
	}
	return out
}
