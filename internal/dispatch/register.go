package dispatch

import (
	"context"
	"slices"
	"strconv"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Attributes by which our own agent says what it is. KindFargate hosts serve every cluster, so only the
// installation's own keys may register one.
const (
	AttributeKind    = "longshore.kind"    // FARGATE
	AttributeManaged = "longshore.managed" // true: joins and leaves with its cluster
)

// RegisterContainerInstance adds a machine to a cluster, or brings one back under its own ARN.
func (d *Dispatch) RegisterContainerInstance(ctx context.Context, c front.Caller,
	in *ecswire.RegisterContainerInstanceRequest) (*ecswire.RegisterContainerInstanceResponse, error) {
	fresh := d.instance(c, in)
	if c.Instance != "" && deref(in.ContainerInstanceArn) != c.Instance {
		return nil, fault.New("AccessDeniedException", "These credentials belong to another container instance.")
	}
	var out *state.Instance
	err := d.Store.Update(ctx, func(tx *store.Tx) error {
		if fresh.Kind != state.KindFargate {
			cluster, ok := tx.Clusters().Get(fresh.Key.Cluster())
			if !ok {
				return fault.New("ClusterNotFoundException", "Cluster not found.")
			}
			if cluster.Status != state.StatusActive {
				return fault.New("ClusterNotFoundException", "The referenced cluster was inactive.")
			}
		}
		i, err := d.enrol(tx, fresh, deref(in.ContainerInstanceArn))
		if err != nil {
			return err
		}
		out = i
		tx.Instances().Put(i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.RegisterContainerInstanceResponse{ContainerInstance: renderInstance(out)}, nil
}

// enrol takes the fresh registration, under its old name where it has one. What only the server knows of a
// returning instance stays.
func (d *Dispatch) enrol(tx *store.Tx, fresh *state.Instance, arn string) (*state.Instance, error) {
	if arn == "" {
		return fresh, nil
	}
	key, ok := resourceKey(arn, "container-instance")
	if !ok {
		return nil, fault.New("InvalidParameterException", "Invalid container instance ARN: "+cut(arn))
	}
	old, ok := tx.Instances().Get(state.InstanceKey(key))
	if !ok || old.Status == state.StatusInactive {
		return nil, fault.New("ClientException",
			"The referenced container instance is not registered any more; register without its ARN.")
	}
	if old.Key.Cluster() != fresh.Key.Cluster() {
		return nil, fault.New("ClientException", "The container instance is registered in another cluster.")
	}
	i := *old
	i.CPU, i.Memory, i.GPUs = fresh.CPU, fresh.Memory, fresh.GPUs
	i.ReservedTCP, i.ReservedUDP = fresh.ReservedTCP, fresh.ReservedUDP
	if fresh.AgentVersion != "" {
		i.AgentVersion, i.AgentHash, i.DockerVersion = fresh.AgentVersion, fresh.AgentHash, fresh.DockerVersion
	}
	i.Attributes = mergeAttributes(old.Attributes, fresh.Attributes)
	i.Version++
	return &i, nil
}

func mergeAttributes(old, fresh []state.Attribute) []state.Attribute {
	out := slices.Clone(fresh)
	for _, a := range old {
		if !slices.ContainsFunc(out, func(b state.Attribute) bool { return b.Name == a.Name }) {
			out = append(out, a)
		}
	}
	return out
}

func (d *Dispatch) instance(c front.Caller, in *ecswire.RegisterContainerInstanceRequest) *state.Instance {
	s := state.Scope{Account: c.Account, Region: c.Region}
	i := &state.Instance{Kind: state.KindEC2, Status: state.StatusActive, RegisteredAt: d.Now(), Version: 1}
	for _, a := range in.Attributes {
		i.Attributes = append(i.Attributes, state.Attribute{Name: deref(a.Name), Value: deref(a.Value)})
		switch deref(a.Name) {
		case "ecs.capability.external":
			i.Kind = state.KindExternal
		case AttributeKind:
			i.Kind = deref(a.Value)
		case AttributeManaged:
			i.Managed = true
		}
	}
	name := clusterName(deref(in.Cluster))
	if i.Kind == state.KindFargate {
		name = state.FargateCluster
	}
	id := d.NewID()
	i.Key = state.NewInstanceKey(state.NewClusterKey(s, name), id)
	if i.Kind == state.KindEC2 {
		i.EC2InstanceID = "i-" + id[:17]
	}
	if i.Kind == state.KindExternal {
		i.EC2InstanceID = "mi-" + id[:17]
	}
	if i.Zone() == "" && i.Kind != state.KindFargate {
		i.Attributes = append(i.Attributes, state.Attribute{
			Name: "ecs.availability-zone", Value: d.Zones(c.Region)[0]})
	}
	for _, t := range in.Tags {
		if i.Tags == nil {
			i.Tags = state.Tags{}
		}
		i.Tags[deref(t.Key)] = deref(t.Value)
	}
	resources(i, in)
	if v := in.VersionInfo; v != nil {
		i.AgentVersion, i.AgentHash, i.DockerVersion = deref(v.AgentVersion), deref(v.AgentHash), deref(v.DockerVersion)
	}
	return i
}

func resources(i *state.Instance, in *ecswire.RegisterContainerInstanceRequest) {
	for _, r := range in.TotalResources {
		switch deref(r.Name) {
		case "CPU":
			i.CPU = number(r.IntegerValue)
		case "MEMORY":
			i.Memory = number(r.IntegerValue)
		case "PORTS":
			i.ReservedTCP = ports(r.StringSetValue)
		case "PORTS_UDP":
			i.ReservedUDP = ports(r.StringSetValue)
		}
	}
	for _, p := range in.PlatformDevices {
		if deref(p.Type) == "GPU" {
			i.GPUs = append(i.GPUs, deref(p.Id))
		}
	}
}

func ports(set []string) []int {
	var out []int
	for _, s := range set {
		n, err := strconv.Atoi(s)
		if err == nil && n > 0 && n <= 65535 {
			out = append(out, n)
		}
	}
	return out
}

// clusterName takes a short name or an ARN; none means "default".
func clusterName(s string) string {
	if s == "" {
		return "default"
	}
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			return s[i+1:]
		}
	}
	return s
}

// renderInstance answers what agents check: the ARN, and every attribute with its value.
func renderInstance(i *state.Instance) *ecswire.ContainerInstance {
	arn, active, connected, version := i.Key.ARN(), i.Status, i.Connected, i.Version
	out := &ecswire.ContainerInstance{
		ContainerInstanceArn: &arn, Status: &active, AgentConnected: &connected, Version: &version,
		RegisteredAt: &wire.Timestamp{Time: i.RegisteredAt},
	}
	if i.EC2InstanceID != "" {
		out.Ec2InstanceId = &i.EC2InstanceID
	}
	for _, a := range i.Attributes {
		at := ecswire.Attribute{Name: &a.Name}
		if a.Value != "" {
			at.Value = &a.Value
		}
		out.Attributes = append(out.Attributes, at)
	}
	return out
}

// DiscoverPollEndpoint tells an agent where to open its websockets: at the address that it already uses.
func (d *Dispatch) DiscoverPollEndpoint(_ context.Context, c front.Caller,
	_ *ecswire.DiscoverPollEndpointRequest) (*ecswire.DiscoverPollEndpointResponse, error) {
	work, telemetry := c.Endpoint+PathACS, c.Endpoint+PathTCS
	return &ecswire.DiscoverPollEndpointResponse{Endpoint: &work, TelemetryEndpoint: &telemetry}, nil
}
