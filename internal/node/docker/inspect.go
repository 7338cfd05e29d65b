package docker

import (
	"context"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Labels on everything this product makes. A resource without our exact installation label is never touched.
const (
	labelPrefix       = "longshore."
	LabelInstallation = "longshore.installation"
	LabelInstance     = "longshore.instance"
	LabelTask         = "longshore.task" // ARN
	LabelContainer    = "longshore.container"
	LabelSpec         = "longshore.spec" // hash of what was asked for
	LabelEssential    = "longshore.essential"
	LabelRole         = "longshore.role" // "pause" on namespace holders
)

// State is the engine's truth about a container.
type State struct {
	ID         string
	Name       string
	Image      string // as asked for
	ImageID    string
	Labels     map[string]string
	Env        []string
	Status     string // created, running, paused, exited, dead, …
	Running    bool   // also while paused
	Paused     bool
	Pid        int
	ExitCode   int
	OOMKilled  bool
	Error      string
	Created    time.Time
	StartedAt  time.Time // zero = never
	FinishedAt time.Time
	Health     string // "", starting, healthy, unhealthy
	HealthAt   time.Time
	Ports      []Port
	Networks   map[string]NetworkAddress
	LogDriver  string
	LogPath    string
	Volumes    []MountedVolume
}

// NetworkAddress is a container's address on a Docker network.
type NetworkAddress struct {
	IPv4       string
	IPv6       string
	MACAddress string
	Gateway    string
}

// MountedVolume is a mount as the engine made it.
type MountedVolume struct {
	Name        string
	Source      string
	Destination string
}

// Inspect reads the truth about one container, by id or name.
func (e *Engine) Inspect(ctx context.Context, id string) (State, error) {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "inspect")
	defer cancel()
	res, err := e.c.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return State{}, classify(ctx, "inspect", err)
	}
	return stateOf(res.Container), nil
}

func stateOf(c container.InspectResponse) State {
	s := State{
		ID:      c.ID,
		Name:    strings.TrimPrefix(c.Name, "/"),
		ImageID: c.Image,
		Created: parseTime(c.Created),
		LogPath: c.LogPath,
	}
	if c.Config != nil {
		s.Image, s.Labels, s.Env = c.Config.Image, c.Config.Labels, c.Config.Env
	}
	if c.HostConfig != nil {
		s.LogDriver = c.HostConfig.LogConfig.Type
	}
	for _, m := range c.Mounts {
		s.Volumes = append(s.Volumes, MountedVolume{Name: m.Name, Source: m.Source, Destination: m.Destination})
	}
	s.readState(c.State)
	s.readNetwork(c.NetworkSettings)
	return s
}

func (s *State) readState(st *container.State) {
	if st == nil {
		return
	}
	s.Status = string(st.Status)
	s.Running = st.Running
	s.Paused = st.Paused
	s.Pid = st.Pid
	s.ExitCode = st.ExitCode
	s.OOMKilled = st.OOMKilled
	s.Error = st.Error
	s.StartedAt = parseTime(st.StartedAt)
	s.FinishedAt = parseTime(st.FinishedAt)
	if st.Health != nil && st.Health.Status != container.NoHealthcheck {
		s.Health = string(st.Health.Status)
		if n := len(st.Health.Log); n > 0 && st.Health.Log[n-1] != nil {
			s.HealthAt = st.Health.Log[n-1].End
		}
	}
}

func (s *State) readNetwork(n *container.NetworkSettings) {
	if n == nil {
		return
	}
	for port, bindings := range n.Ports {
		for _, b := range bindings {
			host, err := strconv.Atoi(b.HostPort)
			if err != nil {
				continue
			}
			p := Port{ContainerPort: int(port.Num()), HostPort: host, Protocol: string(port.Proto())}
			if b.HostIP.IsValid() {
				p.HostIP = b.HostIP.String()
			}
			s.Ports = append(s.Ports, p)
		}
	}
	sort.Slice(s.Ports, func(i, j int) bool {
		a, b := s.Ports[i], s.Ports[j]
		if a.ContainerPort != b.ContainerPort {
			return a.ContainerPort < b.ContainerPort
		}
		return a.Protocol+a.HostIP < b.Protocol+b.HostIP
	})
	s.Networks = map[string]NetworkAddress{}
	for name, ep := range n.Networks {
		if ep == nil {
			continue
		}
		a := NetworkAddress{MACAddress: ep.MacAddress.String()}
		if ep.IPAddress.IsValid() {
			a.IPv4 = ep.IPAddress.String()
		}
		if ep.GlobalIPv6Address.IsValid() {
			a.IPv6 = ep.GlobalIPv6Address.String()
		}
		if ep.Gateway.IsValid() {
			a.Gateway = ep.Gateway.String()
		}
		s.Networks[name] = a
	}
}

// parseTime reads the engine's times; the engine writes year 1 for "never".
func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// Summary is one row of List.
type Summary struct {
	ID      string
	Name    string
	Labels  map[string]string
	Status  string // created, running, paused, exited, …
	Health  string // "", starting, healthy, unhealthy
	Created time.Time
}

// List returns every container, running or not, that carries all the given labels.
func (e *Engine) List(ctx context.Context, labels map[string]string) ([]Summary, error) {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "list")
	defer cancel()
	res, err := e.c.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: labelFilter(labels)})
	if err != nil {
		return nil, classify(ctx, "list", err)
	}
	out := make([]Summary, 0, len(res.Items))
	for _, c := range res.Items {
		s := Summary{
			ID: c.ID, Labels: c.Labels, Status: string(c.State), Health: healthIn(c.Status), Created: time.Unix(c.Created, 0),
		}
		if len(c.Names) > 0 {
			s.Name = strings.TrimPrefix(c.Names[0], "/")
		}
		out = append(out, s)
	}
	return out, nil
}

// healthIn reads the health out of "Up 2 minutes (healthy)": engines before API 1.52 list it nowhere else.
func healthIn(status string) string {
	switch {
	case strings.HasSuffix(status, "(healthy)"):
		return "healthy"
	case strings.HasSuffix(status, "(unhealthy)"):
		return "unhealthy"
	case strings.HasSuffix(status, "(health: starting)"):
		return "starting"
	}
	return ""
}

func labelFilter(labels map[string]string) client.Filters {
	f := client.Filters{}
	for k, v := range labels {
		f = f.Add("label", k+"="+v)
	}
	return f
}
