package state

import (
	"maps"
	"slices"
	"time"
)

// Status is a step of a task's or container's life (API_Task, lastStatus). The order of Rank is the only
// order in which a task may move.
type Status string

// The steps of a task's life.
const (
	Provisioning   Status = "PROVISIONING"
	Pending        Status = "PENDING"
	Activating     Status = "ACTIVATING"
	Running        Status = "RUNNING"
	Deactivating   Status = "DEACTIVATING"
	Stopping       Status = "STOPPING"
	Deprovisioning Status = "DEPROVISIONING"
	Stopped        Status = "STOPPED"
)

// Rank orders the steps; unknown ones are 0.
func (s Status) Rank() int {
	switch s {
	case Provisioning:
		return 1
	case Pending:
		return 2
	case Activating:
		return 3
	case Running:
		return 4
	case Deactivating:
		return 5
	case Stopping:
		return 6
	case Deprovisioning:
		return 7
	case Stopped:
		return 8
	}
	return 0
}

// Stop codes (API_Task, stopCode).
const (
	StopEssentialExited   = "EssentialContainerExited"
	StopFailedToStart     = "TaskFailedToStart"
	StopUserInitiated     = "UserInitiated"
	StopServiceScheduler  = "ServiceSchedulerInitiated"
	StopSpotInterruption  = "SpotInterruption"
	StopTerminationNotice = "TerminationNotice"
)

// Health of a task or container.
const (
	HealthUnknown   = "UNKNOWN"
	HealthHealthy   = "HEALTHY"
	HealthUnhealthy = "UNHEALTHY"
)

// Task is one run of a task definition.
type Task struct {
	Key            TaskKey
	Service        ServiceKey    // empty for a standalone task
	Deployment     DeploymentKey // empty for a standalone task
	TaskDefinition TaskDefinitionKey
	CreatedAt      time.Time
	Version        int64 // grows by one at every state change

	// Asked for at creation. Written by api/ecs (RunTask, StartTask) or control/rollout.
	LaunchType           string // EC2, FARGATE, EXTERNAL
	CapacityProvider     string
	PlatformVersion      string
	Group                string
	StartedBy            string
	CPU, Memory          int // task level, after overrides; 0 = not set
	EphemeralStorageGiB  int
	Need                 Need
	Network              *NetworkConfig // awsvpc tasks
	Constraints          []PlacementConstraint
	Strategy             []PlacementStrategy
	Overrides            Overrides
	TaskRoleARN          string // after overrides
	ExecutionRoleARN     string // after overrides
	EnableExecuteCommand bool
	Tags                 Tags
	// Protection against scale-in. Written by api/ecs.
	ProtectedUntil time.Time

	// What control/rollout noted of the task, so that nothing is counted twice. Written by it.
	SeenHealthy bool // it has been healthy
	SeenStopped bool // throttle and circuit breaker know of its end

	// Desired is RUNNING or STOPPED. Written by api/ecs, control/rollout, control/presence; it only ever goes
	// to STOPPED, and the first who says so gives the code and reason. dispatch sets it when the agent
	// reports that the task stopped by itself.
	Desired       Status
	StopCode      string
	StoppedReason string
	StoppingAt    time.Time

	// Placement. Instance and Zone are written by control/schedule (by api/ecs inside RunTask and StartTask),
	// Interface by control/attach (same exception). Waiting says why the task still waits; it is cleared by
	// whoever ends the wait.
	Instance  InstanceKey
	Zone      string
	Interface *Interface
	Waiting   *Waiting

	// Observed. Written by dispatch (control/presence when the instance is lost).
	Last               Status
	Containers         []TaskContainer
	Health             string
	Connectivity       string // CONNECTED or DISCONNECTED
	ConnectivityAt     time.Time
	PullStartedAt      time.Time
	PullStoppedAt      time.Time
	StartedAt          time.Time
	ExecutionStoppedAt time.Time
	StoppedAt          time.Time
	// Released is when the instance's resources and the address were given back. Written by dispatch.
	Released time.Time
}

// Need is what the task takes from its instance: the task's own cpu and memory where they are set, else the
// sums over its containers (API_Resource).
type Need struct {
	CPU, Memory int
	TCP, UDP    []int // fixed host ports
	GPUs        int
}

// Waiting explains a wait to machines (Code) and people (Reason).
type Waiting struct {
	Code   string // for example RESOURCE:MEMORY, EMPTY CAPACITY PROVIDER, AGENT
	Reason string
	Since  time.Time
}

// Overrides given to RunTask or StartTask.
type Overrides struct {
	Containers          []ContainerOverride
	CPU, Memory         string // as given
	TaskRoleARN         string
	ExecutionRoleARN    string
	EphemeralStorageGiB int
}

// ContainerOverride replaces parameters of one container for one task; nil means "not given".
type ContainerOverride struct {
	Name                 string
	Command              []string
	Environment          []KeyValue
	EnvironmentFiles     []EnvironmentFile
	CPU                  *int
	Memory               *int
	MemoryReservation    *int
	ResourceRequirements []KeyValue
}

// TaskContainer is what is known of one container of a task.
type TaskContainer struct {
	ID                string // last part of the container's ARN, 36 characters
	Name              string
	Image             string
	ImageDigest       string
	RuntimeID         string
	Last              Status
	ExitCode          *int
	Reason            string
	Health            string
	NetworkBindings   []NetworkBinding
	CPU               int
	Memory            int
	MemoryReservation int
	GPUs              []string
}

// NetworkBinding is a port of a container that answers on the host.
type NetworkBinding struct {
	BindIP             string
	ContainerPort      int
	HostPort           int
	Protocol           string
	ContainerPortRange string
	HostPortRange      string
}

// Clone copies the task so deep that the copy may be changed anywhere.
func (t *Task) Clone() *Task {
	c := *t
	c.Containers = slices.Clone(t.Containers)
	for i := range c.Containers {
		c.Containers[i].NetworkBindings = slices.Clone(c.Containers[i].NetworkBindings)
	}
	c.Tags = maps.Clone(t.Tags)
	if t.Interface != nil {
		i := *t.Interface
		c.Interface = &i
	}
	if t.Waiting != nil {
		w := *t.Waiting
		c.Waiting = &w
	}
	return &c
}

// Live says whether the task still has, or may still get, processes.
func (t *Task) Live() bool { return t.Last != Stopped }

// Stop asks for the end of the task. The first request gives the code and the reason; later ones change
// nothing. It reports whether the task was changed.
func (t *Task) Stop(code, reason string, now time.Time) bool {
	if t.Desired == Stopped {
		return false
	}
	t.Desired = Stopped
	t.StopCode = code
	t.StoppedReason = reason
	t.StoppingAt = now
	t.Version++
	return true
}
