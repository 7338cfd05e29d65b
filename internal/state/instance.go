package state

import "time"

// Attribute of a container instance, or one that a task definition requires.
type Attribute struct{ Name, Value string }

// Kinds of container instances.
const (
	KindEC2      = "EC2"
	KindExternal = "EXTERNAL"
	KindFargate  = "FARGATE" // hidden from the API: where FARGATE tasks run
)

// FargateCluster is the reserved name under which FARGATE hosts are kept; users cannot create it, because
// cluster names have no "~".
const FargateCluster = "~fargate"

// Instance is a machine with an agent.
type Instance struct {
	Key           InstanceKey
	Kind          string // EC2, EXTERNAL, FARGATE
	Managed       bool   // the built-in one of `longshore up`: joins every cluster and leaves with it
	RegisteredAt  time.Time
	EC2InstanceID string
	Version       int64

	// Written by api/ecs (RegisterContainerInstance, PutAttributes, UpdateContainerInstancesState, Deregister…).
	Status           string // ACTIVE, DRAINING, INACTIVE
	Attributes       []Attribute
	CPU, Memory      int // registered
	ReservedTCP      []int
	ReservedUDP      []int
	GPUs             []string
	CapacityProvider string
	Tags             Tags

	// Written by dispatch (Connected also by control/presence).
	Connected      bool
	ConnectedTo    string // server that has the session, where there are several
	ConnectedAt    time.Time
	DisconnectedAt time.Time
	AgentVersion   string
	DockerVersion  string
	AgentHash      string
	RuntimeHealth  string // OK, IMPAIRED …
	SequenceNumber int64  // highest seqNum handed to the agent
}

// Zone is the instance's availability zone, empty if it has none.
func (i *Instance) Zone() string { return i.Attribute("ecs.availability-zone") }

// Attribute gives the value of a named attribute, empty if it is absent or has none.
func (i *Instance) Attribute(name string) string {
	for _, a := range i.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
