package acs

// Conditions of DependsOn.
const (
	ConditionStart    = "START"
	ConditionComplete = "COMPLETE"
	ConditionSuccess  = "SUCCESS"
	ConditionHealthy  = "HEALTHY"
)

// HealthCheckDocker is the healthCheckType that makes an agent report container health; lower case, nothing else works.
const HealthCheckDocker = "docker"

// Container is one container of a task. Environment, command and role overrides are already merged by the server;
// Overrides is a JSON string that may hold only {"command":[…]}.
type Container struct {
	Name                   string                  `json:"name"`
	ARN                    string                  `json:"containerArn,omitempty"`
	Image                  string                  `json:"image"`
	CPU                    int64                   `json:"cpu,omitempty"`    // shares
	Memory                 int64                   `json:"memory,omitempty"` // MiB, hard limit
	Essential              bool                    `json:"essential"`
	Command                []string                `json:"command,omitempty"`
	EntryPoint             []string                `json:"entryPoint,omitempty"`
	Environment            map[string]string       `json:"environment,omitempty"`
	EnvironmentFiles       []EnvironmentFile       `json:"environmentFiles,omitempty"`
	Secrets                []Secret                `json:"secrets,omitempty"`
	PortMappings           []PortMapping           `json:"portMappings,omitempty"`
	MountPoints            []MountPoint            `json:"mountPoints,omitempty"`
	VolumesFrom            []VolumeFrom            `json:"volumesFrom,omitempty"`
	Links                  []string                `json:"links,omitempty"`
	DependsOn              []Dependency            `json:"dependsOn,omitempty"`
	Overrides              string                  `json:"overrides,omitempty"`
	StartTimeout           int                     `json:"startTimeout,omitempty"` // seconds
	StopTimeout            int                     `json:"stopTimeout,omitempty"`  // seconds
	HealthCheckType        string                  `json:"healthCheckType,omitempty"`
	LogsAuthStrategy       string                  `json:"logsAuthStrategy,omitempty"`
	RegistryAuthentication *RegistryAuthentication `json:"registryAuthentication,omitempty"`
	Firelens               *FirelensConfiguration  `json:"firelensConfiguration,omitempty"`
	ManagedAgents          []ManagedAgent          `json:"managedAgents,omitempty"`
	RestartPolicy          *RestartPolicy          `json:"restartPolicy,omitempty"`
	CredentialSpecs        []string                `json:"credentialSpecs,omitempty"`
	NetworkInterfaceNames  []string                `json:"networkInterfaceNames,omitempty"`
	Privileged             bool                    `json:"privileged,omitempty"`
	DockerConfig           *DockerConfig           `json:"dockerConfig,omitempty"`
	Longshore              *ContainerExtension     `json:"longshore,omitempty"`
}

// ContainerExtension carries logging that our agent ships itself, so that Docker needs no AWS log driver.
type ContainerExtension struct {
	LogDriver  string            `json:"logDriver,omitempty"`
	LogOptions map[string]string `json:"logOptions,omitempty"`
}

// DockerConfig holds Docker Engine JSON as strings; it is decoded over what the plain fields built, so a key present
// here wins. HostConfig must carry NetworkMode.
type DockerConfig struct {
	Config     string `json:"config,omitempty"`
	HostConfig string `json:"hostConfig,omitempty"`
	Version    string `json:"version,omitempty"` // lowest Engine API version
}

// EnvironmentFile is a file of VAR=VALUE lines.
type EnvironmentFile struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Secret is a value the agent fetches with the execution role.
type Secret struct {
	Name          string `json:"name"`
	ValueFrom     string `json:"valueFrom"`
	Provider      string `json:"provider,omitempty"` // ssm, asm
	Region        string `json:"region,omitempty"`
	ContainerPath string `json:"containerPath,omitempty"`
	Type          string `json:"type,omitempty"`   // ENVIRONMENT_VARIABLE, MOUNT_POINT, BOOTSTRAP
	Target        string `json:"target,omitempty"` // CONTAINER, LOG_DRIVER
}

// PortMapping maps one port, or a range "a-b" whose host ports the agent picks.
type PortMapping struct {
	ContainerPort      int    `json:"containerPort,omitempty"`
	HostPort           int    `json:"hostPort,omitempty"` // 0 = dynamic in bridge mode
	Protocol           string `json:"protocol,omitempty"`
	ContainerPortRange string `json:"containerPortRange,omitempty"`
}

// MountPoint mounts a volume of the task.
type MountPoint struct {
	SourceVolume  string `json:"sourceVolume"`
	ContainerPath string `json:"containerPath"`
	ReadOnly      bool   `json:"readOnly,omitempty"`
}

// VolumeFrom mounts every volume of a sibling.
type VolumeFrom struct {
	SourceContainer string `json:"sourceContainer"`
	ReadOnly        bool   `json:"readOnly,omitempty"`
}

// Dependency orders starts (and, reversed, stops).
type Dependency struct {
	ContainerName string `json:"containerName"`
	Condition     string `json:"condition"`
}

// RegistryAuthentication says how to log in to the image's registry.
type RegistryAuthentication struct {
	Type        string       `json:"type"` // ecr, asm
	ECRAuthData *ECRAuthData `json:"ecrAuthData,omitempty"`
	ASMAuthData *ASMAuthData `json:"asmAuthData,omitempty"`
}

// ECRAuthData names an ECR registry and the role that may read it.
type ECRAuthData struct {
	RegistryID       string `json:"registryId,omitempty"`
	Region           string `json:"region,omitempty"`
	EndpointOverride string `json:"endpointOverride,omitempty"`
	UseExecutionRole bool   `json:"useExecutionRole,omitempty"`
}

// ASMAuthData names a secret with user name and password.
type ASMAuthData struct {
	CredentialsParameter string `json:"credentialsParameter"`
	Region               string `json:"region,omitempty"`
}

// FirelensConfiguration marks the log router container.
type FirelensConfiguration struct {
	Type    string            `json:"type"`
	Options map[string]string `json:"options,omitempty"`
}

// ManagedAgent asks for ECS Exec.
type ManagedAgent struct {
	Name       string            `json:"name"`
	Properties map[string]string `json:"properties,omitempty"`
}

// RestartPolicy restarts a container in place if it ran at least RestartAttemptPeriod seconds.
type RestartPolicy struct {
	Enabled              bool  `json:"enabled"`
	IgnoredExitCodes     []int `json:"ignoredExitCodes,omitempty"`
	RestartAttemptPeriod int   `json:"restartAttemptPeriod,omitempty"`
}
