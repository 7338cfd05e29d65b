package taskrun

import (
	"fmt"
	"net/netip"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// Snapshot is what is known of a task at one moment.
type Snapshot struct {
	TaskARN    string
	ClusterARN string
	Family     string
	Version    string
	Desired    string
	Status     string // acs.StatusPending, StatusRunning, StatusStopped
	Reason     string // of the task as such; "" when a container's reason or exit code tells it
	Containers []ContainerSnapshot

	PullStartedAt      time.Time
	PullStoppedAt      time.Time
	ExecutionStoppedAt time.Time
	// Warnings are promises of the task that this host cannot keep.
	Warnings []string
}

// ContainerSnapshot is what is known of a container at one moment.
type ContainerSnapshot struct {
	Name         string
	ARN          string
	RuntimeID    string
	DockerName   string
	Image        string
	ImageID      string
	ImageDigest  string
	Essential    bool
	Status       string
	ExitCode     *int
	Reason       string
	Bindings     []Binding
	Labels       map[string]string      // as the engine has them, once it was asked
	Mounts       []docker.MountedVolume // likewise
	Addresses    []netip.Addr           // on Docker's networks
	CreatedAt    time.Time
	StartedAt    time.Time
	FinishedAt   time.Time
	HealthCheck  bool   // the task definition has one
	Health       string // acs.HealthHealthy, …; meaningful when HealthCheck
	HealthSince  time.Time
	RestartCount int
	PauseID      string // namespace holder, in awsvpc mode
}

// Binding is a network binding as the control plane shows it.
type Binding struct {
	BindIP             string
	ContainerPort      int
	HostPort           int
	Protocol           string
	ContainerPortRange string
	HostPortRange      string
}

// snapshot renders the view; the caller holds the lock of its runner.
func (v *view) snapshot() Snapshot {
	s := Snapshot{
		TaskARN: v.Task.ARN, ClusterARN: v.Task.TaskClusterARN, Family: v.Task.Family, Version: v.Task.Version,
		Desired: v.Desired, Status: v.status(), Reason: v.Reason,
		PullStartedAt: v.PullStartedAt, PullStoppedAt: v.PullStoppedAt, ExecutionStoppedAt: v.ExecutionStoppedAt,
		Warnings: append([]string(nil), v.Warnings...),
	}
	for _, c := range v.Containers {
		s.Containers = append(s.Containers, c.snapshot(v.PauseID))
	}
	return s
}

func (c *containerView) snapshot(pause string) ContainerSnapshot {
	out := ContainerSnapshot{
		Name: c.Spec.Name, ARN: c.Spec.ARN, RuntimeID: c.ID, DockerName: c.DockerName, Image: c.Spec.Image,
		ImageID: c.Image.ID, ImageDigest: c.Image.Digest, Essential: c.Spec.Essential,
		Status: acs.StatusPending, Reason: c.Reason, Bindings: c.Bindings,
		Labels: c.Labels, Mounts: c.Mounts, Addresses: c.Addresses,
		CreatedAt: c.CreatedAt, StartedAt: c.StartedAt, FinishedAt: c.FinishedAt,
		HealthCheck: c.Spec.HealthCheckType == acs.HealthCheckDocker,
		Health:      c.Health, HealthSince: c.HealthSince, RestartCount: c.Restarts, PauseID: pause,
	}
	switch c.Phase {
	case phaseWaiting, phaseCreated:
		if c.Slow {
			out.Reason = slowReason(c.Busy)
		}
	case phaseRunning:
		out.Status = acs.StatusRunning
	case phaseStopped:
		out.Status = acs.StatusStopped
		out.ExitCode = c.ExitCode
		if c.willRestart() {
			out.Status, out.ExitCode, out.Reason = acs.StatusRunning, nil, ""
		}
	}
	return out
}

// slowReason says what a container that does not come up waits for.
func slowReason(o op) string {
	if o == opPull {
		return "The image is being pulled"
	}
	return fmt.Sprintf("Docker Engine has not answered yet (%s)", o)
}

// status of the task as a whole: RUNNING once every container has run, STOPPED once everything is torn down.
func (v *view) status() string {
	if v.Final {
		return acs.StatusStopped
	}
	if v.EverRunning {
		return acs.StatusRunning
	}
	return acs.StatusPending
}
