package dispatch

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"longshore/internal/acs"
	"longshore/internal/state"
)

// engineConfig and engineHostConfig are the parts of Docker's container configuration that the protocol has
// no field of its own for; agents decode them over what they build from the fields. Names are Docker's.
type engineConfig struct {
	Labels          map[string]string `json:",omitempty"`
	User            string            `json:",omitempty"`
	WorkingDir      string            `json:",omitempty"`
	Hostname        string            `json:",omitempty"`
	Tty             bool              `json:",omitempty"`
	OpenStdin       bool              `json:",omitempty"`
	NetworkDisabled bool              `json:",omitempty"`
	Healthcheck     *engineHealth     `json:",omitempty"`
}

type engineHealth struct {
	Test        []string
	Interval    time.Duration
	Timeout     time.Duration
	Retries     int
	StartPeriod time.Duration `json:",omitempty"`
}

type engineHostConfig struct {
	NetworkMode       string
	Privileged        bool              `json:",omitempty"`
	ReadonlyRootfs    bool              `json:",omitempty"`
	CapAdd            []string          `json:",omitempty"`
	CapDrop           []string          `json:",omitempty"`
	Dns               []string          `json:",omitempty"`
	DnsSearch         []string          `json:",omitempty"`
	ExtraHosts        []string          `json:",omitempty"`
	SecurityOpt       []string          `json:",omitempty"`
	LogConfig         *engineLogConfig  `json:",omitempty"`
	Ulimits           []engineUlimit    `json:",omitempty"`
	MemoryReservation int64             `json:",omitempty"`
	MemorySwap        *int64            `json:",omitempty"`
	MemorySwappiness  *int64            `json:",omitempty"`
	ShmSize           int64             `json:",omitempty"`
	Tmpfs             map[string]string `json:",omitempty"`
	Devices           []engineDevice    `json:",omitempty"`
	Init              *bool             `json:",omitempty"`
	Sysctls           map[string]string `json:",omitempty"`
}

type engineLogConfig struct {
	Type   string
	Config map[string]string `json:",omitempty"`
}

type engineUlimit struct {
	Name       string
	Soft, Hard int
}

type engineDevice struct{ PathOnHost, PathInContainer, CgroupPermissions string }

// apiVersion is the lowest Engine API version that serves every key above.
const apiVersion = "1.25"

func dockerConfig(c *state.Container, td *state.TaskDefinition) *acs.DockerConfig {
	config := engineConfig{
		Labels: c.DockerLabels, User: c.User, WorkingDir: c.WorkingDirectory, Hostname: c.Hostname,
		Tty: isTrue(c.PseudoTerminal), OpenStdin: isTrue(c.Interactive),
		NetworkDisabled: isTrue(c.DisableNetworking), Healthcheck: healthCheck(c.HealthCheck),
	}
	host := engineHostConfig{
		NetworkMode: networkMode(td), Privileged: isTrue(c.Privileged), ReadonlyRootfs: isTrue(c.ReadonlyRootFilesystem),
		Dns: c.DNSServers, DnsSearch: c.DNSSearchDomains, SecurityOpt: c.DockerSecurityOptions,
		MemoryReservation: int64(c.MemoryReservation) << 20,
	}
	for _, h := range c.ExtraHosts {
		host.ExtraHosts = append(host.ExtraHosts, h.Name+":"+h.Value)
	}
	for _, u := range c.Ulimits {
		host.Ulimits = append(host.Ulimits, engineUlimit{u.Name, u.Soft, u.Hard})
	}
	for _, s := range c.SystemControls {
		if host.Sysctls == nil {
			host.Sysctls = map[string]string{}
		}
		host.Sysctls[s.Name] = s.Value
	}
	// awslogs is shipped by our agent from the engine's own log, which it bounds itself.
	if l := c.LogConfiguration; l != nil && l.Driver != "awslogs" {
		host.LogConfig = &engineLogConfig{Type: l.Driver, Config: l.Options}
	}
	linux(&host, c)
	return &acs.DockerConfig{Config: encode(config), HostConfig: encode(host), Version: apiVersion}
}

func linux(host *engineHostConfig, c *state.Container) {
	p := c.LinuxParameters
	if p == nil {
		return
	}
	host.CapAdd, host.CapDrop, host.Init = p.CapAdd, p.CapDrop, p.InitProcess
	if p.SharedMemorySize != nil {
		host.ShmSize = int64(*p.SharedMemorySize) << 20
	}
	for _, d := range p.Devices {
		host.Devices = append(host.Devices, engineDevice{d.HostPath, cmp.Or(d.ContainerPath, d.HostPath), permissions(d.Permissions)})
	}
	for _, t := range p.Tmpfs {
		if host.Tmpfs == nil {
			host.Tmpfs = map[string]string{}
		}
		options := append([]string{"size=" + strconv.Itoa(t.Size) + "m"}, t.Options...)
		host.Tmpfs[t.ContainerPath] = strings.Join(options, ",")
	}
	// Docker counts memory and swap together (API_LinuxParameters, maxSwap); without maxSwap the swappiness
	// is ignored.
	if p.MaxSwap != nil {
		total := int64(c.Memory+*p.MaxSwap) << 20
		host.MemorySwap = &total
		if p.Swappiness != nil {
			s := int64(*p.Swappiness)
			host.MemorySwappiness = &s
		}
	}
}

// permissions of a device as Docker writes them; all of them when none are named.
func permissions(names []string) string {
	if len(names) == 0 {
		return "rwm"
	}
	out := ""
	for _, n := range names {
		switch n {
		case "read":
			out += "r"
		case "write":
			out += "w"
		case "mknod":
			out += "m"
		}
	}
	return out
}

// Health check defaults of API_HealthCheck, in seconds.
const (
	healthInterval = 30
	healthTimeout  = 5
	healthRetries  = 3
)

// hasHealthCheck says whether a container is checked; NONE only turns the image's own check off.
func hasHealthCheck(c *state.Container) bool {
	h := c.HealthCheck
	return h != nil && len(h.Command) > 0 && h.Command[0] != "NONE"
}

func healthCheck(h *state.HealthCheck) *engineHealth {
	if h == nil {
		return nil
	}
	return &engineHealth{
		Test:        h.Command,
		Interval:    time.Duration(or(h.Interval, healthInterval)) * time.Second,
		Timeout:     time.Duration(or(h.Timeout, healthTimeout)) * time.Second,
		Retries:     or(h.Retries, healthRetries),
		StartPeriod: time.Duration(or(h.StartPeriod, 0)) * time.Second,
	}
}

func or(p *int, fallback int) int {
	if p == nil {
		return fallback
	}
	return *p
}

// encode cannot fail: the types above hold nothing that JSON cannot say.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
