package metadata

import (
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"longshore/internal/acs"
)

// Versions of the metadata format; v3 shows what v2 shows.
const (
	v2 = 2
	v3 = 3
	v4 = 4
)

// taskDoc renders the whole task. Containers that do not exist yet are left out, as in ECS.
func (s *Server) taskDoc(v *view, version int) taskDocument {
	t, st := v.spec, v.state
	d := taskDocument{
		Cluster:            orElse(t.TaskClusterARN[strings.LastIndexByte(t.TaskClusterARN, '/')+1:], s.cfg.Cluster),
		TaskARN:            t.ARN,
		Family:             t.Family,
		Revision:           t.Version,
		DesiredStatus:      orElse(st.DesiredStatus, t.DesiredStatus),
		KnownStatus:        orElse(st.KnownStatus, acs.StatusPending),
		Limits:             taskLimits(t),
		PullStartedAt:      timeOf(st.PullStartedAt),
		PullStoppedAt:      timeOf(st.PullStoppedAt),
		ExecutionStoppedAt: timeOf(st.ExecutionStoppedAt),
		AvailabilityZone:   s.cfg.AvailabilityZone,
		AvailabilityZoneID: s.cfg.AvailabilityZoneID,
	}
	if x := t.Longshore; x != nil {
		if x.AvailabilityZone != "" && x.AvailabilityZone != d.AvailabilityZone {
			d.AvailabilityZone, d.AvailabilityZoneID = x.AvailabilityZone, ""
		}
		if x.Fargate {
			d.Cluster = orElse(t.TaskClusterARN, d.Cluster) // Fargate shows the ARN, EC2 the name
		}
	}
	if version >= v4 {
		fault := t.EnableFaultInjection
		d.LaunchType, d.ServiceName, d.Group, d.FaultInjectionEnabled = launchType(t), t.ServiceName, t.Group, &fault
		if t.NetworkMode == "awsvpc" {
			d.VPCID = s.cfg.VPCID
			if t.Longshore != nil {
				d.VPCID = orElse(t.Longshore.VPC, d.VPCID)
			}
		}
	}
	for _, c := range st.Containers {
		if c.DockerID != "" {
			d.Containers = append(d.Containers, containerDoc(t, c, version))
		}
	}
	return d
}

func launchType(t *acs.Task) string {
	if t.Longshore != nil && t.Longshore.Fargate {
		return "FARGATE"
	}
	return orElse(t.LaunchType, "EC2")
}

func taskLimits(t *acs.Task) *limits {
	if t.CPU == 0 && t.Memory == 0 {
		return nil
	}
	var l limits
	if t.CPU != 0 {
		l.CPU = &t.CPU
	}
	if t.Memory != 0 {
		l.Memory = &t.Memory
	}
	return &l
}

func containerDoc(t *acs.Task, c ContainerState, version int) containerDocument {
	var spec acs.Container
	for _, s := range t.Containers {
		if s.Name == c.Name {
			spec = s
		}
	}
	cpu, memory := float64(spec.CPU), spec.Memory
	d := containerDocument{
		DockerID:      c.DockerID,
		Name:          c.Name,
		DockerName:    c.DockerName,
		Image:         spec.Image,
		ImageID:       c.ImageID,
		Ports:         c.Ports,
		Labels:        c.Labels,
		DesiredStatus: orElse(c.DesiredStatus, acs.StatusRunning),
		KnownStatus:   orElse(c.KnownStatus, acs.StatusPending),
		ExitCode:      c.ExitCode,
		Limits:        limits{CPU: &cpu, Memory: &memory},
		CreatedAt:     timeOf(c.CreatedAt),
		StartedAt:     timeOf(c.StartedAt),
		FinishedAt:    timeOf(c.FinishedAt),
		Type:          "NORMAL",
		Health:        c.Health,
		Volumes:       c.Volumes,
		Networks:      networks(t, c, version),
	}
	if version >= v4 {
		d.ContainerARN = spec.ARN
		// ECS counts for those with a policy only.
		if p := spec.RestartPolicy; p != nil && p.Enabled || c.RestartCount != nil && *c.RestartCount > 0 {
			d.RestartCount = c.RestartCount
		}
		d.LogDriver, d.LogOptions = logging(&spec)
	}
	return d
}

// logging is the log driver as the task definition has it: awslogs is the node's own work, the others are Docker's.
func logging(c *acs.Container) (string, map[string]string) {
	if c.Longshore != nil && c.Longshore.LogDriver != "" {
		return c.Longshore.LogDriver, c.Longshore.LogOptions
	}
	var host struct {
		LogConfig struct {
			Type   string
			Config map[string]string
		}
	}
	if c.DockerConfig == nil || json.Unmarshal([]byte(c.DockerConfig.HostConfig), &host) != nil {
		return "", nil
	}
	return host.LogConfig.Type, host.LogConfig.Config
}

func networks(t *acs.Task, c ContainerState, version int) []network {
	if t.NetworkMode != "awsvpc" {
		n := network{NetworkMode: orElse(t.NetworkMode, "bridge")}
		for _, a := range c.Addresses {
			n.IPv4Addresses = append(n.IPv4Addresses, a.String())
		}
		return []network{n}
	}
	var out []network
	for _, eni := range t.ENIs {
		out = append(out, eniNetwork(t, eni, version))
	}
	return out
}

func eniNetwork(t *acs.Task, eni acs.ENI, version int) network {
	n := network{NetworkMode: t.NetworkMode}
	for _, a := range eni.IPv4Addresses {
		n.IPv4Addresses = append(n.IPv4Addresses, a.PrivateAddress)
	}
	for _, a := range eni.IPv6Addresses {
		n.IPv6Addresses = append(n.IPv6Addresses, a.Address)
	}
	if version < v4 {
		return n
	}
	index := eni.Index
	n.AttachmentIndex = &index
	n.MACAddress = eni.MACAddress
	n.DomainNameServers = eni.DomainNameServers
	n.DomainNameSearchList = eni.DomainName
	n.PrivateDNSName = eni.PrivateDNSName
	n.SubnetGatewayIpv4Address = eni.SubnetGatewayIPv4Address
	gateway, err := netip.ParsePrefix(eni.SubnetGatewayIPv4Address)
	if err == nil {
		n.IPv4SubnetCIDRBlock = gateway.Masked().String()
	}
	return n
}

// container returns the state of the container whose endpoint was asked, or whose Docker id is given.
func (v *view) find(dockerID string) (ContainerState, bool) {
	for _, c := range v.state.Containers {
		if c.DockerID != "" && (dockerID == c.DockerID || dockerID == "" && c.Name == v.container) {
			return c, true
		}
	}
	return ContainerState{}, false
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
