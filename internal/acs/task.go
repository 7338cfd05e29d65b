package acs

// Desired and reported statuses of tasks and containers, as the protocol spells them.
const (
	StatusPending = "PENDING"
	StatusRunning = "RUNNING"
	StatusStopped = "STOPPED"
)

// PayloadMessage tells an agent which tasks to start, keep or stop. MessageID, ClusterARN and ContainerInstanceARN
// must be set or an official agent drops it without an ack.
type PayloadMessage struct {
	MessageID            string `json:"messageId"`
	ClusterARN           string `json:"clusterArn"`
	ContainerInstanceARN string `json:"containerInstanceArn"`
	GeneratedAt          int64  `json:"generatedAt,omitempty"`
	SeqNum               int64  `json:"seqNum,omitempty"`
	Timeline             int64  `json:"timeline,omitempty"`
	Tasks                []Task `json:"tasks"`
}

// MessageType implements Message.
func (*PayloadMessage) MessageType() string { return "PayloadMessage" }

// Task is one task of a payload. Stopping a task is the same ARN with DesiredStatus STOPPED; containers may be empty.
type Task struct {
	ARN                      string              `json:"arn"`
	TaskClusterARN           string              `json:"taskClusterArn,omitempty"`
	Family                   string              `json:"family,omitempty"`
	Version                  string              `json:"version,omitempty"`
	DesiredStatus            string              `json:"desiredStatus"`
	NetworkMode              string              `json:"networkMode,omitempty"` // bridge, host, none, awsvpc; "" = bridge
	LaunchType               string              `json:"launchType,omitempty"`
	CPU                      float64             `json:"cpu,omitempty"`    // vCPU
	Memory                   int64               `json:"memory,omitempty"` // MiB
	Group                    string              `json:"group,omitempty"`
	ServiceName              string              `json:"serviceName,omitempty"`
	Overrides                string              `json:"overrides,omitempty"` // ignored by agents
	PIDMode                  string              `json:"pidMode,omitempty"`   // host, task
	IPCMode                  string              `json:"ipcMode,omitempty"`   // host, task, none
	Volumes                  []Volume            `json:"volumes,omitempty"`
	Containers               []Container         `json:"containers,omitempty"`
	RoleCredentials          *RoleCredentials    `json:"roleCredentials,omitempty"`
	ExecutionRoleCredentials *RoleCredentials    `json:"executionRoleCredentials,omitempty"`
	Associations             []Association       `json:"associations,omitempty"`
	Attachments              []Attachment        `json:"attachments,omitempty"`
	ENIs                     []ENI               `json:"elasticNetworkInterfaces,omitempty"`
	ProxyConfiguration       *ProxyConfiguration `json:"proxyConfiguration,omitempty"`
	EnableFaultInjection     bool                `json:"enableFaultInjection,omitempty"`
	TaskDefinitionAccountID  string              `json:"taskDefinitionAccountId,omitempty"`
	Zone                     string              `json:"zone,omitempty"`
	Longshore                *TaskExtension      `json:"longshore,omitempty"`
}

// TaskExtension carries what the official protocol has no field for.
type TaskExtension struct {
	Fargate              bool     `json:"fargate,omitempty"`
	AssignPublicIP       bool     `json:"assignPublicIp,omitempty"`
	EphemeralStorageGiB  int      `json:"ephemeralStorageGiB,omitempty"`
	SecurityGroups       []string `json:"securityGroups,omitempty"`
	SubnetCIDR           string   `json:"subnetCidr,omitempty"`
	VPC                  string   `json:"vpc,omitempty"` // id
	RetainStoppedSeconds int      `json:"retainStoppedSeconds,omitempty"`
	AvailabilityZone     string   `json:"availabilityZone,omitempty"`
	// LastStatus is StatusRunning once the server was told so: what is missing of the task then was removed, not
	// never made. Ended names the containers whose end the server was told as well.
	LastStatus string   `json:"lastStatus,omitempty"`
	Ended      []string `json:"ended,omitempty"`
}

// Volume is a named volume of a task. Type is host (default), docker, efs, fsxWindowsFileServer or attachment.
type Volume struct {
	Name   string           `json:"name"`
	Type   string           `json:"type,omitempty"`
	Host   *HostVolume      `json:"host,omitempty"`
	Docker *DockerVolume    `json:"dockerVolumeConfiguration,omitempty"`
	EFS    *EFSVolumeConfig `json:"efsVolumeConfiguration,omitempty"`
}

// HostVolume is a path of the host; an empty path means a Docker-managed volume.
type HostVolume struct {
	SourcePath string `json:"sourcePath"`
}

// DockerVolume is a Docker volume; scope "task" ones end with the task.
type DockerVolume struct {
	Scope         string            `json:"scope,omitempty"`
	Autoprovision bool              `json:"autoprovision,omitempty"`
	Driver        string            `json:"driver,omitempty"`
	DriverOpts    map[string]string `json:"driverOpts,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
}

// EFSVolumeConfig names a network file system.
type EFSVolumeConfig struct {
	FileSystemID          string   `json:"fileSystemId"`
	RootDirectory         string   `json:"rootDirectory,omitempty"`
	TransitEncryption     string   `json:"transitEncryption,omitempty"`
	TransitEncryptionPort int      `json:"transitEncryptionPort,omitempty"`
	AuthorizationConfig   *EFSAuth `json:"authorizationConfig,omitempty"`
}

// EFSAuth is the access point and IAM switch of an EFS volume.
type EFSAuth struct {
	AccessPointID string `json:"accessPointId,omitempty"`
	IAM           string `json:"iam,omitempty"`
}

// Association binds a device (GPU) to containers.
type Association struct {
	Type       string              `json:"type"`
	Name       string              `json:"name"`
	Containers []string            `json:"containers,omitempty"`
	Content    *AssociationContent `json:"content,omitempty"`
}

// AssociationContent is the payload of an association.
type AssociationContent struct {
	Encoding string `json:"encoding,omitempty"`
	Value    string `json:"value,omitempty"`
}

// Attachment is a generic attachment (EBS and the like) described by properties.
type Attachment struct {
	ARN        string     `json:"attachmentArn,omitempty"`
	Type       string     `json:"attachmentType,omitempty"`
	Properties []Property `json:"attachmentProperties,omitempty"`
}

// Property is a name and a value.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ProxyConfiguration is the APPMESH proxy of a task.
type ProxyConfiguration struct {
	Type          string            `json:"type,omitempty"`
	ContainerName string            `json:"containerName,omitempty"`
	Properties    map[string]string `json:"properties,omitempty"`
}
