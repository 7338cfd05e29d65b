package state

import (
	"fmt"
	"strconv"
	"time"
)

// Tags of a resource; at most 50, keys 1–128 and values 0–256 characters.
type Tags map[string]string

// Cluster status values (API_Cluster).
const (
	StatusActive   = "ACTIVE"
	StatusInactive = "INACTIVE"
	StatusDraining = "DRAINING"
)

// Cluster is a group of services and tasks. Written by api/ecs.
type Cluster struct {
	Key       ClusterKey
	Status    string // ACTIVE or INACTIVE
	CreatedAt time.Time
	DeletedAt time.Time // when it became INACTIVE

	ContainerInsights       string // enabled, enhanced or disabled
	ExecuteCommand          *ExecuteCommandConfig
	ManagedStorage          *ManagedStorage
	ServiceConnectNamespace string // ARN given in serviceConnectDefaults; kept, not served
	CapacityProviders       []string
	DefaultStrategy         []StrategyItem
	Tags                    Tags
}

// ExecuteCommandConfig is kept for clients that diff on it.
type ExecuteCommandConfig struct {
	KMSKeyID                               string
	Logging                                string // NONE, DEFAULT or OVERRIDE
	CloudWatchLogGroup, S3Bucket, S3Prefix string
	CloudWatchEncryption, S3Encryption     bool
}

// ManagedStorage names the keys of managed storage; kept for clients that diff on it.
type ManagedStorage struct{ KMSKeyID, FargateKMSKeyID string }

// StrategyItem is one row of a capacity provider strategy.
type StrategyItem struct {
	Provider string // short name
	Base     int    // 0–100000: tasks that run here before weights count
	Weight   int    // 0–1000
}

// CapacityProvider is a record; FARGATE and FARGATE_SPOT exist in every scope without one. Written by api/ecs.
type CapacityProvider struct {
	Key                          ProviderKey
	Status                       string // ACTIVE or INACTIVE
	UpdateStatus                 string // DELETE_COMPLETE, UPDATE_COMPLETE …
	AutoScalingGroupARN          string
	ManagedScaling               *ManagedScaling
	ManagedTerminationProtection string // ENABLED or DISABLED
	ManagedDraining              string // ENABLED or DISABLED
	CreatedAt                    time.Time
	Tags                         Tags
}

// ManagedScaling of an Auto Scaling group provider.
type ManagedScaling struct {
	Status               string
	TargetCapacity       int
	MinimumStep          int
	MaximumStep          int
	InstanceWarmupPeriod int // seconds
}

// Family counts a family's revisions: the number survives the deletion of every revision. Written by api/ecs.
type Family struct {
	Key  FamilyKey
	Last int // highest revision ever given
}

// Name is the short name of the family.
func (k FamilyKey) Name() string { return part(string(k), 2) }

// Revision names one revision of the family.
func (k FamilyKey) Revision(n int) TaskDefinitionKey {
	return TaskDefinitionKey(fmt.Sprintf("%s/%010d", k, n))
}

// Family of the revision.
func (k TaskDefinitionKey) Family() FamilyKey { return FamilyKey(parent(string(k))) }

// Revision number, from 1.
func (k TaskDefinitionKey) Revision() int {
	n, err := strconv.Atoi(part(string(k), 3))
	if err != nil {
		return 0
	}
	return n
}

// AccountSetting is one name and value of an account or of one principal. Written by api/ecs.
type AccountSetting struct {
	Scope     Scope
	Principal string // ARN; empty for the account's default
	Name      string
	Value     string
}

// ClientToken makes a repeated call answer as the first did. Written by api/ecs, forgotten by control/sweep.
type ClientToken struct {
	Key       string // cluster key or scope, operation and token
	Hash      string // of the parameters: another hash under the same token is a conflict
	Resources []string
	CreatedAt time.Time
}
