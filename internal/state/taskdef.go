package state

import "time"

// Task definition status values (API_TaskDefinition).
const (
	StatusDeleteInProgress = "DELETE_IN_PROGRESS"
)

// Network modes of a task definition.
const (
	NetworkBridge = "bridge"
	NetworkHost   = "host"
	NetworkNone   = "none"
	NetworkAWSVPC = "awsvpc"
)

// Launch types (API_RunTask).
const (
	LaunchEC2      = "EC2"
	LaunchFargate  = "FARGATE"
	LaunchExternal = "EXTERNAL"
)

// TaskDefinition is one immutable revision of a family. Written by api/ecs; only the status changes later.
type TaskDefinition struct {
	Key               TaskDefinitionKey
	Status            string // ACTIVE, INACTIVE, DELETE_IN_PROGRESS
	RegisteredAt      time.Time
	RegisteredBy      string // ARN of the caller
	DeregisteredAt    time.Time
	DeleteRequestedAt time.Time

	TaskRoleARN, ExecutionRoleARN string
	NetworkMode                   string // as stored; "" means bridge on EC2
	RequiresCompatibilities       []string
	Compatibilities               []string
	RequiresAttributes            []Attribute
	CPU                           int // units, 1024 a vCPU; 0 = not set
	Memory                        int // MiB; 0 = not set
	PIDMode, IPCMode              string
	EphemeralStorageGiB           int // 0 = not set
	RuntimePlatform               *RuntimePlatform
	EnableFaultInjection          *bool
	PlacementConstraints          []PlacementConstraint
	ProxyConfiguration            *ProxyConfiguration
	Containers                    []Container
	Volumes                       []Volume
	Tags                          Tags
}

// RuntimePlatform as given.
type RuntimePlatform struct{ CPUArchitecture, OSFamily string }

// ProxyConfiguration (App Mesh) as given; its use is refused at run time.
type ProxyConfiguration struct {
	Type, Container string
	Properties      []KeyValue
}

// KeyValue keeps the order in which pairs were given.
type KeyValue struct{ Name, Value string }

// Container is one container of a task definition, every parameter as stored. Pointers mean "was given".
type Container struct {
	Name                                                                               string
	Image                                                                              string
	CPU                                                                                int // shares
	Memory                                                                             int // MiB hard limit; 0 = not set
	MemoryReservation                                                                  int // MiB; 0 = not set
	Essential                                                                          bool
	Command                                                                            []string
	EntryPoint                                                                         []string
	Environment                                                                        []KeyValue
	EnvironmentFiles                                                                   []EnvironmentFile
	Secrets                                                                            []Secret
	Links                                                                              []string
	PortMappings                                                                       []PortMapping
	MountPoints                                                                        []MountPoint
	VolumesFrom                                                                        []VolumeFrom
	DependsOn                                                                          []Dependency
	StartTimeout                                                                       int // seconds; 0 = not set
	StopTimeout                                                                        *int
	HealthCheck                                                                        *HealthCheck
	RestartPolicy                                                                      *RestartPolicy
	Ulimits                                                                            []Ulimit
	LinuxParameters                                                                    *LinuxParameters
	SystemControls                                                                     []KeyValue
	LogConfiguration                                                                   *LogConfiguration
	FirelensType                                                                       string
	FirelensOptions                                                                    map[string]string
	RepositoryCredentials                                                              string     // ARN of the secret
	ResourceRequirements                                                               []KeyValue // type and value
	DockerLabels                                                                       map[string]string
	DockerSecurityOptions                                                              []string
	DNSServers, DNSSearchDomains                                                       []string
	ExtraHosts                                                                         []KeyValue // hostname and IP address
	Hostname, User, WorkingDirectory                                                   string
	DisableNetworking, Interactive, Privileged, PseudoTerminal, ReadonlyRootFilesystem *bool
	CredentialSpecs                                                                    []string
	VersionConsistency                                                                 string
}

// EnvironmentFile is a file of VAR=VALUE lines.
type EnvironmentFile struct{ Value, Type string }

// Secret names a value in Secrets Manager or the parameter store; the value itself is never in a record.
type Secret struct{ Name, ValueFrom string }

// PortMapping of a container; a range excludes the single ports.
type PortMapping struct {
	ContainerPort int
	HostPort      *int
	Protocol      string
	Range         string // "a-b"
	Name          string
	AppProtocol   string
}

// MountPoint of a volume in a container.
type MountPoint struct {
	SourceVolume, ContainerPath string
	ReadOnly                    *bool
}

// VolumeFrom mounts another container's volumes.
type VolumeFrom struct {
	SourceContainer string
	ReadOnly        *bool
}

// Dependency orders the start of containers: START, COMPLETE, SUCCESS or HEALTHY.
type Dependency struct{ Container, Condition string }

// HealthCheck of a container; times in seconds. Zero StartPeriod is off.
type HealthCheck struct {
	Command                                 []string
	Interval, Timeout, Retries, StartPeriod *int
}

// RestartPolicy of a container.
type RestartPolicy struct {
	Enabled          bool
	IgnoredExitCodes []int
	AttemptPeriod    int // seconds
}

// Ulimit of a container.
type Ulimit struct {
	Name       string
	Soft, Hard int
}

// LinuxParameters of a container.
type LinuxParameters struct {
	CapAdd, CapDrop     []string
	HasCapabilities     bool // an empty capabilities object was given
	Devices             []Device
	InitProcess         *bool
	SharedMemorySize    *int // MiB
	Tmpfs               []Tmpfs
	MaxSwap, Swappiness *int
}

// Device of the host in a container.
type Device struct {
	HostPath, ContainerPath string
	Permissions             []string
}

// Tmpfs mount; size in MiB.
type Tmpfs struct {
	ContainerPath string
	Size          int
	Options       []string
}

// LogConfiguration of a container.
type LogConfiguration struct {
	Driver        string
	Options       map[string]string
	SecretOptions []Secret
}

// Volume of a task definition; at most one of the kinds is set.
type Volume struct {
	Name               string
	HostPath           *string // host volume; "" is an anonymous one
	Docker             *DockerVolume
	ConfiguredAtLaunch *bool
}

// DockerVolume is a named volume of the engine.
type DockerVolume struct {
	Scope         string // task or shared
	Autoprovision *bool
	Driver        string
	DriverOpts    map[string]string
	Labels        map[string]string
}
