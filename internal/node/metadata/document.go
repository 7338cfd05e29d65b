package metadata

import "time"

// taskDocument is a task as containers see it. Fields from LaunchType on are v4's, save Errors.
type taskDocument struct {
	Cluster               string
	TaskARN               string
	Family                string
	Revision              string
	ServiceName           string `json:",omitempty"`
	DesiredStatus         string `json:",omitempty"`
	KnownStatus           string
	Containers            []containerDocument `json:",omitempty"`
	Limits                *limits             `json:",omitempty"`
	PullStartedAt         *time.Time          `json:",omitempty"`
	PullStoppedAt         *time.Time          `json:",omitempty"`
	ExecutionStoppedAt    *time.Time          `json:",omitempty"`
	AvailabilityZone      string              `json:",omitempty"`
	AvailabilityZoneID    string              `json:",omitempty"`
	LaunchType            string              `json:",omitempty"`
	Group                 string              `json:",omitempty"`
	TaskTags              map[string]string   `json:",omitempty"`
	ContainerInstanceTags map[string]string   `json:",omitempty"`
	Errors                []tagError          `json:",omitempty"`
	VPCID                 string              `json:",omitempty"`
	FaultInjectionEnabled *bool               `json:",omitempty"`
}

// limits of a task are vCPU and MiB; of a container CPU units and MiB.
type limits struct {
	CPU    *float64 `json:",omitempty"`
	Memory *int64   `json:",omitempty"`
}

// tagError says in a 200 answer why tags are missing.
type tagError struct {
	ErrorField   string
	ErrorCode    string
	ErrorMessage string
	StatusCode   int
	ResourceARN  string
}

// containerDocument is a container as it sees itself. LogDriver to RestartCount are v4's.
type containerDocument struct {
	DockerID      string `json:"DockerId"`
	Name          string
	DockerName    string
	Image         string
	ImageID       string
	Ports         []Port            `json:",omitempty"`
	Labels        map[string]string `json:",omitempty"`
	DesiredStatus string
	KnownStatus   string
	ExitCode      *int `json:",omitempty"`
	Limits        limits
	CreatedAt     *time.Time `json:",omitempty"`
	StartedAt     *time.Time `json:",omitempty"`
	FinishedAt    *time.Time `json:",omitempty"`
	Type          string
	Health        *Health           `json:"Health,omitempty"`
	Volumes       []Volume          `json:",omitempty"`
	LogDriver     string            `json:",omitempty"`
	LogOptions    map[string]string `json:",omitempty"`
	ContainerARN  string            `json:",omitempty"`
	Networks      []network         `json:",omitempty"`
	RestartCount  *int              `json:",omitempty"`
}

// Port is a published port.
type Port struct {
	ContainerPort uint16 `json:",omitempty"`
	Protocol      string `json:",omitempty"`
	HostPort      uint16 `json:",omitempty"`
	HostIP        string `json:"HostIp,omitempty"`
}

// Volume is a mount.
type Volume struct {
	DockerName  string `json:",omitempty"`
	Source      string `json:",omitempty"`
	Destination string `json:",omitempty"`
}

// Health is the last result of a container's health check.
type Health struct {
	Status      string     `json:"status,omitempty"`
	StatusSince *time.Time `json:"statusSince,omitempty"`
	ExitCode    int        `json:"exitCode,omitempty"`
	Output      string     `json:"output,omitempty"`
}

// network: what follows IPv6Addresses is v4's and awsvpc's.
type network struct {
	NetworkMode              string   `json:",omitempty"`
	IPv4Addresses            []string `json:",omitempty"`
	IPv6Addresses            []string `json:",omitempty"`
	AttachmentIndex          *int64   `json:",omitempty"`
	MACAddress               string   `json:",omitempty"`
	IPv4SubnetCIDRBlock      string   `json:",omitempty"`
	DomainNameServers        []string `json:",omitempty"`
	DomainNameSearchList     []string `json:",omitempty"`
	PrivateDNSName           string   `json:",omitempty"`
	SubnetGatewayIpv4Address string   `json:",omitempty"`
}
