package docker

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
)

// Spec is a container to create. RawConfig and RawHostConfig are Engine JSON decoded over what the plain fields
// build, as the agent protocol wants it; the fields under "last word" are applied after that and cannot be overridden.
type Spec struct {
	Name       string
	Image      string
	Command    []string
	EntryPoint []string
	Env        []string // KEY=VALUE

	ExposedPorts []Port // container side only
	Ports        []Port
	Binds        []string
	VolumesFrom  []string
	Links        []string
	CPUShares    int64
	NanoCPUs     int64 // 0 = unlimited
	MemoryBytes  int64

	RawConfig     string
	RawHostConfig string

	// The last word.

	Labels       map[string]string
	ExtraEnv     []string // what the node injects
	NetworkMode  string   // "" keeps what RawHostConfig says
	PIDMode      string
	IPCMode      string
	CgroupParent string
	Log          *LogConfig
	// OpenFiles is the limit of open files where RawHostConfig has none; 0 leaves it to the engine.
	OpenFiles int64
	// AddBinds are binds the node adds, whatever RawHostConfig says.
	AddBinds []string
	// GPUs are device ids the container may use.
	GPUs []string
}

// Port is one mapping. HostPort 0 lets the engine choose.
type Port struct {
	ContainerPort int
	HostPort      int
	Protocol      string // tcp, udp
	HostIP        string
}

// LogConfig selects an engine log driver.
type LogConfig struct {
	Driver  string
	Options map[string]string
}

// build makes the Engine structures.
func (s Spec) build() (*container.Config, *container.HostConfig, error) {
	cfg := &container.Config{
		Image:      s.Image,
		Cmd:        s.Command,
		Entrypoint: s.EntryPoint,
		Env:        append([]string(nil), s.Env...),
	}
	host := &container.HostConfig{
		Binds:       s.Binds,
		VolumesFrom: s.VolumesFrom,
		Links:       s.Links,
	}
	host.CPUShares = s.CPUShares
	host.Memory = s.MemoryBytes
	host.NanoCPUs = s.NanoCPUs
	err := s.mapPorts(cfg, host)
	if err != nil {
		return nil, nil, err
	}
	err = overlay("config", s.RawConfig, cfg)
	if err != nil {
		return nil, nil, err
	}
	err = overlay("hostConfig", s.RawHostConfig, host)
	if err != nil {
		return nil, nil, err
	}
	s.lastWord(cfg, host)
	return cfg, host, nil
}

func overlay(name, raw string, into any) error {
	if raw == "" {
		return nil
	}
	err := json.Unmarshal([]byte(raw), into)
	if err != nil {
		return fmt.Errorf("%w: dockerConfig.%s: %w", ErrInvalid, name, err)
	}
	return nil
}

func (s Spec) lastWord(cfg *container.Config, host *container.HostConfig) {
	// Who owns a container is ours to say: no label of a task definition may pass for one of ours.
	maps.DeleteFunc(cfg.Labels, func(k, _ string) bool { return strings.HasPrefix(k, labelPrefix) })
	if cfg.Labels == nil {
		cfg.Labels = map[string]string{}
	}
	maps.Copy(cfg.Labels, s.Labels)
	cfg.Env = inject(cfg.Env, s.ExtraEnv)
	// ECS ignores the HEALTHCHECK of an image; only the task definition's counts.
	if cfg.Healthcheck == nil || len(cfg.Healthcheck.Test) == 0 {
		cfg.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
	}
	if s.NetworkMode != "" {
		host.NetworkMode = container.NetworkMode(s.NetworkMode)
	}
	if s.PIDMode != "" {
		host.PidMode = container.PidMode(s.PIDMode)
	}
	if s.IPCMode != "" {
		host.IpcMode = container.IpcMode(s.IPCMode)
	}
	if s.CgroupParent != "" {
		host.CgroupParent = s.CgroupParent
	}
	if s.Log != nil {
		host.LogConfig = container.LogConfig{Type: s.Log.Driver, Config: s.Log.Options}
	}
	if s.OpenFiles > 0 && !limits(host, nofile) {
		host.Ulimits = append(host.Ulimits, &container.Ulimit{Name: nofile, Soft: s.OpenFiles, Hard: s.OpenFiles})
	}
	host.Binds = append(host.Binds, s.AddBinds...)
	if len(s.GPUs) > 0 {
		host.DeviceRequests = []container.DeviceRequest{{DeviceIDs: s.GPUs, Capabilities: [][]string{{"gpu"}}}}
	}
	if host.NetworkMode.IsContainer() {
		// A shared namespace has one host name, one resolver and one set of ports: those of its owner.
		cfg.Hostname, cfg.Domainname, cfg.ExposedPorts = "", "", nil
		host.DNS, host.DNSOptions, host.DNSSearch, host.ExtraHosts = nil, nil, nil, nil
		host.PortBindings, host.Links = nil, nil
	}
	// Restarts are decided by the task runner alone, and a container that removes itself takes its exit code along.
	host.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
	host.AutoRemove = false
}

// inject puts extra behind env and takes out what it replaces: of two values of one name, libc finds the first.
func inject(env, extra []string) []string {
	replaced := map[string]bool{}
	for _, kv := range extra {
		name, _, _ := strings.Cut(kv, "=")
		replaced[name] = true
	}
	env = slices.DeleteFunc(env, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return replaced[name]
	})
	return append(env, extra...)
}

func (s Spec) mapPorts(cfg *container.Config, host *container.HostConfig) error {
	if len(s.Ports)+len(s.ExposedPorts) == 0 {
		return nil
	}
	cfg.ExposedPorts = network.PortSet{}
	host.PortBindings = network.PortMap{}
	for _, p := range s.ExposedPorts {
		port, err := p.engine()
		if err != nil {
			return err
		}
		cfg.ExposedPorts[port] = struct{}{}
	}
	for _, p := range s.Ports {
		port, err := p.engine()
		if err != nil {
			return err
		}
		cfg.ExposedPorts[port] = struct{}{}
		b := network.PortBinding{}
		if p.HostPort != 0 {
			b.HostPort = strconv.Itoa(p.HostPort)
		}
		host.PortBindings[port] = append(host.PortBindings[port], b)
	}
	return nil
}

func (p Port) engine() (network.Port, error) {
	proto := p.Protocol
	if proto == "" {
		proto = "tcp"
	}
	port, err := network.ParsePort(strconv.Itoa(p.ContainerPort) + "/" + proto)
	if err != nil {
		return port, fmt.Errorf("%w: port mapping: %w", ErrInvalid, err)
	}
	return port, nil
}

// HasHealthCheck says whether raw Engine config JSON defines a health check that runs.
func HasHealthCheck(rawConfig string) bool {
	var cfg container.Config
	if rawConfig == "" || json.Unmarshal([]byte(rawConfig), &cfg) != nil || cfg.Healthcheck == nil {
		return false
	}
	return len(cfg.Healthcheck.Test) > 0 && cfg.Healthcheck.Test[0] != "NONE"
}
