package metadata

import (
	"longshore/internal/acs"
	"longshore/internal/node/taskrun"
)

// taskMetadata takes a task runner's snapshots as State.
type taskMetadata struct{ *Server }

var _ taskrun.Metadata = taskMetadata{}

// ForTasks lets a task runner keep the server up to date.
func ForTasks(s *Server) taskrun.Metadata { return taskMetadata{s} }

// Update implements taskrun.Metadata.
func (m taskMetadata) Update(s taskrun.Snapshot) { m.Server.Update(stateOf(s)) }

func stateOf(s taskrun.Snapshot) State {
	st := State{
		TaskARN: s.TaskARN, DesiredStatus: s.Desired, KnownStatus: s.Status,
		PullStartedAt: s.PullStartedAt, PullStoppedAt: s.PullStoppedAt, ExecutionStoppedAt: s.ExecutionStoppedAt,
	}
	for _, c := range s.Containers {
		st.Containers = append(st.Containers, containerOf(s.Desired, c))
	}
	return st
}

func containerOf(desired string, c taskrun.ContainerSnapshot) ContainerState {
	out := ContainerState{
		Name: c.Name, DockerID: c.RuntimeID, DockerName: c.DockerName, ImageID: c.ImageID,
		DesiredStatus: desired, KnownStatus: c.Status, ExitCode: c.ExitCode,
		CreatedAt: c.CreatedAt, StartedAt: c.StartedAt, FinishedAt: c.FinishedAt,
		Labels: c.Labels, Addresses: c.Addresses, RestartCount: &c.RestartCount,
	}
	for _, m := range c.Mounts {
		out.Volumes = append(out.Volumes, Volume{DockerName: m.Name, Source: m.Source, Destination: m.Destination})
	}
	if c.HealthCheck && c.Health != "" && c.Health != acs.HealthUnknown {
		out.Health = &Health{Status: c.Health, StatusSince: timeOf(c.HealthSince)}
	}
	for _, b := range c.Bindings {
		if b.ContainerPort == 0 {
			continue // a range; its ports are not listed singly
		}
		out.Ports = append(out.Ports, Port{
			ContainerPort: uint16(b.ContainerPort), HostPort: uint16(b.HostPort), Protocol: b.Protocol, HostIP: b.BindIP,
		})
	}
	return out
}
