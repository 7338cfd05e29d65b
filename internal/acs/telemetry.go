package acs

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Timestamp travels as epoch seconds with a fraction, as AWS JSON 1.1 does.
type Timestamp time.Time

// MarshalJSON writes epoch seconds with millisecond precision.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	ms := time.Time(t).UnixMilli()
	return strconv.AppendFloat(nil, float64(ms)/1000, 'f', 3, 64), nil
}

// UnmarshalJSON reads a number of epoch seconds, or an RFC 3339 string.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	var seconds float64
	err := json.Unmarshal(data, &seconds)
	if err == nil {
		if math.Abs(seconds) > 1e12 {
			return fmt.Errorf("decode timestamp: %v is out of range", seconds)
		}
		*t = Timestamp(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC())
		return nil
	}
	var text time.Time
	err = json.Unmarshal(data, &text)
	if err != nil {
		return fmt.Errorf("decode timestamp: %w", err)
	}
	*t = Timestamp(text)
	return nil
}

// MetricsMetadata heads a PublishMetricsRequest; Fin marks the last frame of a round.
type MetricsMetadata struct {
	Cluster           string `json:"cluster,omitempty"`
	ContainerInstance string `json:"containerInstance,omitempty"`
	Idle              bool   `json:"idle,omitempty"`
	MessageID         string `json:"messageId,omitempty"`
	Fin               bool   `json:"fin,omitempty"`
}

// PublishMetricsRequest carries at most ten tasks' metrics.
type PublishMetricsRequest struct {
	Metadata        MetricsMetadata  `json:"metadata"`
	Timestamp       Timestamp        `json:"timestamp"`
	InstanceMetrics *InstanceMetrics `json:"instanceMetrics,omitempty"`
	TaskMetrics     []TaskMetric     `json:"taskMetrics,omitempty"`
}

// MessageType implements Message.
func (*PublishMetricsRequest) MessageType() string { return "PublishMetricsRequest" }

// InstanceMetrics describes the agent's storage; rarely filled.
type InstanceMetrics struct {
	Storage json.RawMessage `json:"storage,omitempty"`
}

// TaskMetric is one task's metrics.
type TaskMetric struct {
	ClusterARN              string                   `json:"clusterArn,omitempty"`
	TaskARN                 string                   `json:"taskArn"`
	TaskDefinitionFamily    string                   `json:"taskDefinitionFamily,omitempty"`
	TaskDefinitionVersion   string                   `json:"taskDefinitionVersion,omitempty"`
	ContainerMetrics        []ContainerMetric        `json:"containerMetrics,omitempty"`
	EphemeralStorageMetrics *EphemeralStorageMetrics `json:"ephemeralStorageMetrics,omitempty"`
}

// EphemeralStorageMetrics is the disk a task uses.
type EphemeralStorageMetrics struct {
	UtilizedMiBs int64 `json:"utilizedMiBs,omitempty"`
	ReservedMiBs int64 `json:"reservedMiBs,omitempty"`
}

// ContainerMetric is one container's sets of one-second samples.
type ContainerMetric struct {
	ContainerName   string           `json:"containerName"`
	ContainerARN    string           `json:"containerArn,omitempty"`
	CPUStatsSet     *StatsSet        `json:"cpuStatsSet,omitempty"`    // percent as docker stats computes it
	MemoryStatsSet  *StatsSet        `json:"memoryStatsSet,omitempty"` // MiB
	NetworkStatsSet *NetworkStatsSet `json:"networkStatsSet,omitempty"`
	StorageStatsSet *StorageStatsSet `json:"storageStatsSet,omitempty"`
	RestartStatsSet *RestartStatsSet `json:"restartStatsSet,omitempty"`
}

// StatsSet summarises samples.
type StatsSet struct {
	Min         float64 `json:"min"`
	Max         float64 `json:"max"`
	SampleCount int64   `json:"sampleCount"`
	Sum         float64 `json:"sum"`
}

// ULongStatsSet summarises unsigned counters; what exceeds an int64 is in the overflow fields.
type ULongStatsSet struct {
	Min         int64 `json:"min"`
	OverflowMin int64 `json:"overflowMin,omitempty"`
	Max         int64 `json:"max"`
	OverflowMax int64 `json:"overflowMax,omitempty"`
	SampleCount int64 `json:"sampleCount"`
	Sum         int64 `json:"sum"`
	OverflowSum int64 `json:"overflowSum,omitempty"`
}

// NetworkStatsSet is the traffic of a container.
type NetworkStatsSet struct {
	RxBytes          *ULongStatsSet `json:"rxBytes,omitempty"`
	RxPackets        *ULongStatsSet `json:"rxPackets,omitempty"`
	RxErrors         *ULongStatsSet `json:"rxErrors,omitempty"`
	RxDropped        *ULongStatsSet `json:"rxDropped,omitempty"`
	TxBytes          *ULongStatsSet `json:"txBytes,omitempty"`
	TxPackets        *ULongStatsSet `json:"txPackets,omitempty"`
	TxErrors         *ULongStatsSet `json:"txErrors,omitempty"`
	TxDropped        *ULongStatsSet `json:"txDropped,omitempty"`
	RxBytesPerSecond *StatsSet      `json:"rxBytesPerSecond,omitempty"`
	TxBytesPerSecond *StatsSet      `json:"txBytesPerSecond,omitempty"`
}

// StorageStatsSet is the block I/O of a container.
type StorageStatsSet struct {
	ReadSizeBytes  *ULongStatsSet `json:"readSizeBytes,omitempty"`
	WriteSizeBytes *ULongStatsSet `json:"writeSizeBytes,omitempty"`
}

// RestartStatsSet counts restarts by restartPolicy.
type RestartStatsSet struct {
	RestartCount int64 `json:"restartCount"`
}

// Container health values.
const (
	HealthHealthy   = "HEALTHY"
	HealthUnhealthy = "UNHEALTHY"
	HealthUnknown   = "UNKNOWN"
)

// HealthMetadata heads a PublishHealthRequest.
type HealthMetadata struct {
	Cluster           string `json:"cluster,omitempty"`
	ContainerInstance string `json:"containerInstance,omitempty"`
	Fin               bool   `json:"fin,omitempty"`
	MessageID         string `json:"messageId,omitempty"`
}

// PublishHealthRequest is the only way container health reaches the server.
type PublishHealthRequest struct {
	Metadata  HealthMetadata `json:"metadata"`
	Tasks     []TaskHealth   `json:"tasks,omitempty"`
	Timestamp Timestamp      `json:"timestamp"`
}

// MessageType implements Message.
func (*PublishHealthRequest) MessageType() string { return "PublishHealthRequest" }

// TaskHealth is one task's container health.
type TaskHealth struct {
	ClusterARN            string            `json:"clusterArn,omitempty"`
	TaskARN               string            `json:"taskArn"`
	TaskDefinitionFamily  string            `json:"taskDefinitionFamily,omitempty"`
	TaskDefinitionVersion string            `json:"taskDefinitionVersion,omitempty"`
	Containers            []ContainerHealth `json:"containers,omitempty"`
}

// ContainerHealth is one container's health and since when.
type ContainerHealth struct {
	ContainerName string    `json:"containerName"`
	HealthStatus  string    `json:"healthStatus"`
	StatusSince   Timestamp `json:"statusSince"`
}

// InstanceStatusMetadata heads a PublishInstanceStatusRequest.
type InstanceStatusMetadata struct {
	Cluster           string `json:"cluster,omitempty"`
	ContainerInstance string `json:"containerInstance,omitempty"`
	RequestID         string `json:"requestId,omitempty"`
}

// PublishInstanceStatusRequest reports whether the container runtime answers.
type PublishInstanceStatusRequest struct {
	Metadata  InstanceStatusMetadata `json:"metadata"`
	Statuses  []InstanceStatus       `json:"statuses,omitempty"`
	Timestamp Timestamp              `json:"timestamp"`
}

// MessageType implements Message.
func (*PublishInstanceStatusRequest) MessageType() string { return "PublishInstanceStatusRequest" }

// InstanceStatus is one check, e.g. ContainerRuntime OK or IMPAIRED.
type InstanceStatus struct {
	Type             string    `json:"type"`
	Status           string    `json:"status"`
	LastUpdated      Timestamp `json:"lastUpdated"`
	LastStatusChange Timestamp `json:"lastStatusChange"`
}

// AckPublishMetric answers PublishMetricsRequest.
type AckPublishMetric struct {
	Message string `json:"message,omitempty"`
}

// MessageType implements Message.
func (*AckPublishMetric) MessageType() string { return "AckPublishMetric" }

// AckPublishHealth answers PublishHealthRequest.
type AckPublishHealth struct {
	Message string `json:"message,omitempty"`
}

// MessageType implements Message.
func (*AckPublishHealth) MessageType() string { return "AckPublishHealth" }

// AckPublishInstanceStatus answers PublishInstanceStatusRequest.
type AckPublishInstanceStatus struct {
	Message string `json:"message,omitempty"`
}

// MessageType implements Message.
func (*AckPublishInstanceStatus) MessageType() string { return "AckPublishInstanceStatus" }

// StopTelemetrySessionMessage ends a TCS session.
type StopTelemetrySessionMessage struct {
	Message string `json:"message,omitempty"`
}

// MessageType implements Message.
func (*StopTelemetrySessionMessage) MessageType() string { return "StopTelemetrySessionMessage" }

// StartTelemetrySessionRequest is never sent by agents (the upgrade replaces it), but belongs to the protocol.
type StartTelemetrySessionRequest struct {
	Cluster           string `json:"cluster,omitempty"`
	ContainerInstance string `json:"containerInstance,omitempty"`
}

// MessageType implements Message.
func (*StartTelemetrySessionRequest) MessageType() string { return "StartTelemetrySessionRequest" }
