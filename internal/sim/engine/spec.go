package engine

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spec is what a container was created with: the fields that matter here, and all of it as it came.
type spec struct {
	config    config
	host      hostConfig
	rawConfig json.RawMessage
	rawHost   json.RawMessage
	mounts    []mount
}

type config struct {
	Image       string
	Cmd         []string
	Entrypoint  []string
	Labels      map[string]string
	Healthcheck *struct{ Test []string }
}

type hostConfig struct {
	Binds        []string
	VolumesFrom  []string
	NetworkMode  string
	Memory       int64
	PortBindings map[string][]struct{ HostPort string }
	LogConfig    struct {
		Type   string
		Config map[string]string `json:",omitempty"`
	}
}

type mount struct {
	Type        string
	Name        string `json:",omitempty"`
	Source      string
	Destination string
	Driver      string `json:",omitempty"`
	RW          bool
}

// readSpec reads the body of a create call, which is the configuration with the host's within.
func readSpec(body []byte) (spec, *refusal) {
	var in struct {
		config
		HostConfig json.RawMessage
	}
	err := json.Unmarshal(body, &in)
	if err != nil {
		return spec{}, &refusal{400, "invalid JSON: " + err.Error()}
	}
	s := spec{config: in.config, rawHost: in.HostConfig}
	if len(s.rawHost) == 0 || string(s.rawHost) == "null" {
		s.rawHost = json.RawMessage("{}")
	}
	err = json.Unmarshal(s.rawHost, &s.host)
	if err != nil {
		return spec{}, &refusal{400, "invalid JSON: " + err.Error()}
	}
	if s.config.Image == "" {
		return spec{}, &refusal{400, "no image specified"}
	}
	if s.host.NetworkMode == "" {
		s.host.NetworkMode = "default"
	}
	if s.host.LogConfig.Type == "" {
		s.host.LogConfig.Type = "json-file"
	}
	return s, s.finish(body)
}

// finish keeps what came as inspect will repeat it.
func (s *spec) finish(body []byte) *refusal {
	whole, host := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	err := json.Unmarshal(body, &whole)
	if err == nil {
		err = json.Unmarshal(s.rawHost, &host)
	}
	if err != nil {
		return &refusal{400, "invalid JSON: " + err.Error()}
	}
	delete(whole, "HostConfig")
	delete(whole, "NetworkingConfig")
	host["NetworkMode"], _ = json.Marshal(s.host.NetworkMode) // a string always encodes
	host["LogConfig"], _ = json.Marshal(s.host.LogConfig)
	s.rawConfig, _ = json.Marshal(whole) // what was just decoded
	s.rawHost, _ = json.Marshal(host)
	return nil
}

// checks says whether a health check is to run.
func (s spec) checks() bool {
	h := s.config.Healthcheck
	return h != nil && len(h.Test) > 0 && h.Test[0] != "NONE"
}

// joins answers the container whose network this one shares.
func (s spec) joins() (string, bool) { return strings.CutPrefix(s.host.NetworkMode, "container:") }

func (s spec) bridged() bool {
	return s.host.NetworkMode == "default" || s.host.NetworkMode == "bridge"
}

// ports answers the wanted ports of the host, in a fixed order; 0 leaves the choice to the engine.
func (s spec) ports() []Port {
	var out []Port
	for name, bindings := range s.host.PortBindings {
		number, protocol, _ := strings.Cut(name, "/")
		inside, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		if protocol == "" {
			protocol = "tcp"
		}
		for _, b := range bindings {
			outside, _ := strconv.Atoi(b.HostPort) // none = 0
			out = append(out, Port{Protocol: protocol, HostPort: outside, ContainerPort: inside})
		}
	}
	slices.SortFunc(out, func(a, b Port) int {
		if a.ContainerPort != b.ContainerPort {
			return a.ContainerPort - b.ContainerPort
		}
		return strings.Compare(a.key(), b.key())
	})
	return out
}

// mount works out a container's mounts and makes the volumes it names.
func (e *Engine) mount(s *spec) *refusal {
	for _, from := range s.host.VolumesFrom {
		id, _, _ := strings.Cut(from, ":")
		r := e.find(id)
		if r == nil {
			return noContainer(id)
		}
		s.mounts = append(s.mounts, r.spec.mounts...)
	}
	for _, bind := range s.host.Binds {
		parts := strings.Split(bind, ":")
		if len(parts) < 2 {
			return &refusal{400, "invalid volume specification: '" + bind + "'"}
		}
		m := mount{Type: "bind", Source: parts[0], Destination: parts[1], RW: len(parts) < 3 || parts[2] != "ro"}
		if !strings.HasPrefix(parts[0], "/") {
			v := e.volumes[parts[0]]
			if v == nil {
				v = e.addVolume(volume{Name: parts[0]})
			}
			m.Type, m.Name, m.Source, m.Driver = "volume", v.Name, v.Mountpoint, v.Driver
		}
		s.mounts = append(s.mounts, m)
	}
	return nil
}

// volume is a volume in the engine's own words.
type volume struct {
	Name       string
	Driver     string
	Mountpoint string
	Labels     map[string]string
	Options    map[string]string
	Scope      string
	CreatedAt  time.Time
}

// readVolume reads the body of a call to create one.
func readVolume(body []byte) (volume, *refusal) {
	var in struct {
		Name       string
		Driver     string
		DriverOpts map[string]string
		Labels     map[string]string
	}
	err := json.Unmarshal(body, &in)
	if err != nil {
		return volume{}, &refusal{400, "invalid JSON: " + err.Error()}
	}
	return volume{Name: in.Name, Driver: in.Driver, Options: in.DriverOpts, Labels: in.Labels}, nil
}

func (e *Engine) addVolume(v volume) *volume {
	if v.Driver == "" {
		v.Driver = "local"
	}
	v.Mountpoint = "/var/lib/docker/volumes/" + v.Name + "/_data"
	v.Scope, v.CreatedAt = "local", e.cfg.Now()
	e.volumes[v.Name] = &v
	return &v
}

func (e *Engine) sortedVolumes() []*volume {
	out := make([]*volume, 0, len(e.volumes))
	for _, v := range e.volumes {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b *volume) int { return strings.Compare(a.Name, b.Name) })
	return out
}
