package acs

// HeartbeatMessage keeps a session alive; an agent drops a silent one after 60–120 s. It serves ACS and TCS.
type HeartbeatMessage struct {
	MessageID string `json:"messageId,omitempty"`
	Healthy   bool   `json:"healthy"`
}

// MessageType implements Message.
func (*HeartbeatMessage) MessageType() string { return "HeartbeatMessage" }

// HeartbeatAckRequest answers a heartbeat.
type HeartbeatAckRequest struct {
	MessageID string `json:"messageId"`
}

// MessageType implements Message.
func (*HeartbeatAckRequest) MessageType() string { return "HeartbeatAckRequest" }

// AckRequest accepts a payload, manifest or attachment. Cluster and ContainerInstance echo the message's ARNs.
type AckRequest struct {
	Cluster           string `json:"cluster"`
	ContainerInstance string `json:"containerInstance"`
	MessageID         string `json:"messageId"`
}

// MessageType implements Message.
func (*AckRequest) MessageType() string { return "AckRequest" }

// NackRequest refuses an agent update.
type NackRequest struct {
	Cluster           string `json:"cluster"`
	ContainerInstance string `json:"containerInstance"`
	MessageID         string `json:"messageId"`
	Reason            string `json:"reason,omitempty"`
}

// MessageType implements Message.
func (*NackRequest) MessageType() string { return "NackRequest" }

// CloseMessage announces a close; the websocket close frame is what counts.
type CloseMessage struct {
	Message string `json:"message,omitempty"`
}

// MessageType implements Message.
func (*CloseMessage) MessageType() string { return "CloseMessage" }

// Role types of IAMRoleCredentialsMessage.
const (
	RoleTaskApplication = "TaskApplication"
	RoleTaskExecution   = "TaskExecution"
)

// RoleCredentials are temporary keys of a role. CredentialsID stays the same for the life of a task: containers
// hold it in their URL.
type RoleCredentials struct {
	CredentialsID   string `json:"credentialsId"`
	RoleARN         string `json:"roleArn,omitempty"`
	AccessKeyID     string `json:"accessKeyId,omitempty"`
	SecretAccessKey string `json:"secretAccessKey,omitempty"`
	SessionToken    string `json:"sessionToken,omitempty"`
	Expiration      string `json:"expiration,omitempty"` // RFC 3339, opaque to the agent
	CredentialScope string `json:"credentialScope,omitempty"`
}

// IAMRoleCredentialsMessage refreshes the keys of a task.
type IAMRoleCredentialsMessage struct {
	MessageID       string           `json:"messageId"`
	TaskARN         string           `json:"taskArn"`
	TaskClusterARN  string           `json:"taskClusterArn,omitempty"`
	RoleType        string           `json:"roleType"`
	RoleCredentials *RoleCredentials `json:"roleCredentials"`
}

// MessageType implements Message.
func (*IAMRoleCredentialsMessage) MessageType() string { return "IAMRoleCredentialsMessage" }

// IAMRoleCredentialsAckRequest accepts one set of keys.
type IAMRoleCredentialsAckRequest struct {
	CredentialsID string `json:"credentialsId"`
	Expiration    string `json:"expiration"`
	MessageID     string `json:"messageId"`
}

// MessageType implements Message.
func (*IAMRoleCredentialsAckRequest) MessageType() string { return "IAMRoleCredentialsAckRequest" }

// LongshoreInstanceCredentialsMessage (extension) hands the instance keys that are bound to it, so that a joining
// secret is needed once only.
type LongshoreInstanceCredentialsMessage struct {
	MessageID       string `json:"messageId,omitempty"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken,omitempty"`
	Expiration      string `json:"expiration,omitempty"`
}

// MessageType implements Message.
func (*LongshoreInstanceCredentialsMessage) MessageType() string {
	return "LongshoreInstanceCredentialsMessage"
}

// TaskIdentifier names a task in a manifest.
type TaskIdentifier struct {
	TaskARN        string `json:"taskArn"`
	TaskClusterARN string `json:"taskClusterArn,omitempty"`
	DesiredStatus  string `json:"desiredStatus"`
}

// TaskManifestMessage lists every task of the instance. Timeline must exceed every SeqNum and Timeline sent before,
// or the agent discards it without an ack.
type TaskManifestMessage struct {
	MessageID            string           `json:"messageId"`
	ClusterARN           string           `json:"clusterArn"`
	ContainerInstanceARN string           `json:"containerInstanceArn"`
	GeneratedAt          int64            `json:"generatedAt,omitempty"`
	Timeline             int64            `json:"timeline"`
	Tasks                []TaskIdentifier `json:"tasks"`
}

// MessageType implements Message.
func (*TaskManifestMessage) MessageType() string { return "TaskManifestMessage" }

// TaskStopVerificationMessage asks whether the tasks missing from a manifest really are to stop.
type TaskStopVerificationMessage struct {
	MessageID      string           `json:"messageId"` // the manifest's
	StopCandidates []TaskIdentifier `json:"stopCandidates"`
}

// MessageType implements Message.
func (*TaskStopVerificationMessage) MessageType() string { return "TaskStopVerificationMessage" }

// TaskStopVerificationAck confirms them; it is usable once per manifest.
type TaskStopVerificationAck struct {
	MessageID   string           `json:"messageId"` // the manifest's
	GeneratedAt int64            `json:"generatedAt,omitempty"`
	StopTasks   []TaskIdentifier `json:"stopTasks"`
}

// MessageType implements Message.
func (*TaskStopVerificationAck) MessageType() string { return "TaskStopVerificationAck" }

// UpdateInfo locates a new agent.
type UpdateInfo struct {
	Location  string `json:"location"`
	Signature string `json:"signature"` // SHA-256, hex
}

// StageUpdateMessage asks an agent to download an update.
type StageUpdateMessage struct {
	MessageID            string      `json:"messageId"`
	ClusterARN           string      `json:"clusterArn"`
	ContainerInstanceARN string      `json:"containerInstanceArn"`
	UpdateInfo           *UpdateInfo `json:"updateInfo,omitempty"`
}

// MessageType implements Message.
func (*StageUpdateMessage) MessageType() string { return "StageUpdateMessage" }

// PerformUpdateMessage asks an agent to restart into a staged update.
type PerformUpdateMessage struct {
	MessageID            string      `json:"messageId"`
	ClusterARN           string      `json:"clusterArn"`
	ContainerInstanceARN string      `json:"containerInstanceArn"`
	UpdateInfo           *UpdateInfo `json:"updateInfo,omitempty"`
}

// MessageType implements Message.
func (*PerformUpdateMessage) MessageType() string { return "PerformUpdateMessage" }

// InactiveInstance is the Kind that tells an agent its instance was deregistered.
const InactiveInstance = "InactiveInstanceException"

// Exception is an error frame of either session. Kind is the frame's type.
type Exception struct {
	Kind    string `json:"-"`
	Message string `json:"message,omitempty"`
}

// MessageType implements Message.
func (e *Exception) MessageType() string { return e.Kind }

// Error makes an Exception an error.
func (e *Exception) Error() string { return e.Kind + ": " + e.Message }

func isErrorType(name string) bool {
	switch name {
	case "ErrorMessage", "ServerException", "BadRequestException", "InvalidClusterException",
		"InvalidInstanceException", "AccessDeniedException", InactiveInstance,
		"ResourceValidationException", "InvalidParameterException":
		return true
	}
	return false
}
