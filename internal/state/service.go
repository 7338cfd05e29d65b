package state

import "time"

// Scheduling strategies of a service.
const (
	SchedulingReplica = "REPLICA"
	SchedulingDaemon  = "DAEMON"
)

// Service is intent: what the user asked to be kept running. Written by api/ecs.
type Service struct {
	Key        ServiceKey
	Status     string // ACTIVE, DRAINING, INACTIVE
	Generation int64  // grows when the name is used again after a deletion
	CreatedAt  time.Time
	CreatedBy  string    // ARN
	DeletedAt  time.Time // when it became INACTIVE (written by control/rollout)
	CreateHash string    // of the parameters of CreateService, for its idempotency

	Scheduling           string // REPLICA or DAEMON
	DesiredCount         int
	TaskDefinition       TaskDefinitionKey
	LaunchType           string // empty when a capacity provider strategy was given
	CapacityStrategy     []StrategyItem
	PlatformVersion      string
	Network              *NetworkConfig
	Constraints          []PlacementConstraint
	Strategy             []PlacementStrategy
	Deploy               DeployConfig
	AZRebalancing        string // ENABLED or DISABLED
	EnableECSManagedTags bool
	PropagateTags        string // TASK_DEFINITION, SERVICE, NONE
	EnableExecuteCommand bool
	RoleARN              string
	Tags                 Tags

	// Throttle of restarts. Written by control/rollout.
	Throttle Throttle
	// SteadyAt is when "has reached a steady state." was last written. Written by control/rollout.
	SteadyAt time.Time
	// Notices remembers the repeated events that are suppressed until resolved. Written by control/rollout.
	Notices map[string]time.Time
}

// Throttle delays the replacement of tasks that keep failing before RUNNING.
type Throttle struct {
	Deployment DeploymentKey // that the failures belong to: another one starts afresh
	Failures   int           // PENDING→STOPPED in a row
	Crashes    int           // RUNNING→STOPPED by themselves soon after the start, in a row
	Until      time.Time     // no start before
}

// NetworkConfig of an awsvpc task.
type NetworkConfig struct {
	Subnets, SecurityGroups []string
	AssignPublicIP          string // ENABLED or DISABLED
}

// PlacementConstraint is distinctInstance or memberOf with an expression.
type PlacementConstraint struct{ Type, Expression string }

// PlacementStrategy is random, spread or binpack with a field.
type PlacementStrategy struct{ Type, Field string }

// DeployConfig rules a rolling deployment; percentages of the desired count.
type DeployConfig struct {
	Controller            string // ECS
	Strategy              string // ROLLING
	MaximumPercent        int
	MinimumHealthyPercent int
	CircuitBreaker        bool
	Rollback              bool
	ResetOnHealthy        *bool
	ThresholdType         string // COUNT, BOUNDED_PERCENT, UNBOUNDED_PERCENT; empty = BOUNDED_PERCENT
	ThresholdValue        int    // 0 = 50
	Alarms                *DeployAlarms
	BakeMinutes           int
}

// DeployAlarms are kept for clients that diff on them.
type DeployAlarms struct {
	Names            []string
	Enable, Rollback bool
}

// Deployment status and rollout states.
const (
	DeploymentPrimary  = "PRIMARY"
	DeploymentActive   = "ACTIVE"
	DeploymentInactive = "INACTIVE"

	RolloutInProgress = "IN_PROGRESS"
	RolloutCompleted  = "COMPLETED"
	RolloutFailed     = "FAILED"
)

// Deployment is one version of a service with tasks of its own. Intent is written by api/ecs (and by
// control/rollout when it rolls back); the fields below the line by control/rollout alone.
type Deployment struct {
	Key               DeploymentKey
	Service           ServiceKey
	Revision          RevisionKey
	ServiceDeployment ServiceDeploymentKey
	CreatedAt         time.Time
	TaskDefinition    TaskDefinitionKey
	LaunchType        string
	CapacityStrategy  []StrategyItem
	PlatformVersion   string
	Network           *NetworkConfig
	RollbackOf        DeploymentKey // set when this deployment is a rollback of another

	Status        string // PRIMARY, ACTIVE; INACTIVE ones are deleted
	Rollout       string // IN_PROGRESS, COMPLETED, FAILED
	RolloutReason string
	DesiredCount  int
	FailedTasks   int  // as the circuit breaker counts them
	Reached       bool // a task of it has been healthy
	Completed     bool // it has been COMPLETED once: what a rollback may return to
	UpdatedAt     time.Time
}

// ServiceDeployment statuses (API_ServiceDeployment).
const (
	ServiceDeploymentPending            = "PENDING"
	ServiceDeploymentInProgress         = "IN_PROGRESS"
	ServiceDeploymentSuccessful         = "SUCCESSFUL"
	ServiceDeploymentStopRequested      = "STOP_REQUESTED"
	ServiceDeploymentStopped            = "STOPPED"
	ServiceDeploymentRollbackRequested  = "ROLLBACK_REQUESTED"
	ServiceDeploymentRollbackInProgress = "ROLLBACK_IN_PROGRESS"
	ServiceDeploymentRollbackSuccessful = "ROLLBACK_SUCCESSFUL"
	ServiceDeploymentRollbackFailed     = "ROLLBACK_FAILED"
)

// ServiceDeployment is the history of one change of a service. Requests (StopRequest) are written by api/ecs,
// the rest by control/rollout; the record itself is made with the deployment.
type ServiceDeployment struct {
	Key         ServiceDeploymentKey
	Service     ServiceKey
	CreatedAt   time.Time
	Sources     []RevisionKey
	Target      RevisionKey
	Config      DeployConfig
	StopRequest string // ABORT or ROLLBACK

	Status         string
	StatusReason   string
	StartedAt      time.Time
	FinishedAt     time.Time
	StoppedAt      time.Time
	UpdatedAt      time.Time
	RollbackTo     RevisionKey
	RollbackReason string
	RollbackAt     time.Time
	BreakerStatus  string // TRIGGERED, MONITORING, MONITORING_COMPLETE, DISABLED
	FailureCount   int
	Threshold      int
}

// ServiceRevision is the immutable snapshot that a deployment brings about. Written by api/ecs; the image digests
// that its tasks report are read from the tasks.
type ServiceRevision struct {
	Key              RevisionKey
	Service          ServiceKey
	CreatedAt        time.Time
	TaskDefinition   TaskDefinitionKey
	LaunchType       string
	CapacityStrategy []StrategyItem
	PlatformVersion  string
	Network          *NetworkConfig
}

// Event is a line of a service's story; the last 100 are shown, newest first.
type Event struct {
	Key     string // ServiceKey, generation and a sortable number
	ID      string // UUID
	Service ServiceKey
	At      time.Time
	Message string
}
