package engine

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

func (x *exchange) inspect() answer {
	return x.with(func(r *record) answer {
		if r.inspection == nil {
			r.inspection = encode(x.e.inspection(r))
		}
		return answer{status: 200, body: r.inspection}
	})
}

// list answers newest first, as the engine does.
func (x *exchange) list() answer {
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	wanted, all := x.q.labels(), x.q.flag("all")
	var out bytes.Buffer
	out.WriteByte('[')
	live := x.e.live()
	for i := len(live) - 1; i >= 0; i-- {
		r := live[i]
		if !all && !r.Running || !carries(r.Labels, wanted) {
			continue
		}
		if r.row == nil {
			r.row = encode(x.e.rowOf(r))
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(r.row)
	}
	out.WriteByte(']')
	return answer{status: 200, body: out.Bytes()}
}

// row is a container in the list.
type row struct {
	ID      string `json:"Id"`
	Names   []string
	Image   string
	Command string
	Created int64
	Labels  map[string]string
	State   string
	Status  string
}

func (e *Engine) rowOf(r *record) row {
	out := row{
		ID: r.ID, Names: []string{"/" + r.Name}, Image: r.Image, Created: r.Created.Unix(), Labels: r.Labels,
		State: r.status(), Status: "Created",
	}
	switch {
	case r.Running:
		out.Status = "Up Less than a second"
		if r.Paused {
			out.Status += " (Paused)"
		}
		switch {
		case r.Paused:
		case r.Health == "starting":
			out.Status += " (health: starting)"
		case r.Health != "":
			out.Status += " (" + r.Health + ")"
		}
	case r.Starts > 0:
		out.Status = "Exited (" + strconv.Itoa(r.ExitCode) + ") Less than a second ago"
	}
	return out
}

func (r *record) status() string {
	switch {
	case r.Paused:
		return "paused"
	case r.Running:
		return "running"
	case r.Starts > 0:
		return "exited"
	}
	return "created"
}

// inspection is the answer to inspect.
type inspection struct {
	ID              string `json:"Id"`
	Created         time.Time
	Name            string
	Image           string
	State           state
	LogPath         string
	RestartCount    int
	Driver          string
	Platform        string
	Mounts          []mount
	Config          json.RawMessage
	HostConfig      json.RawMessage
	NetworkSettings network
}

type state struct {
	Status     string
	Running    bool
	Paused     bool
	Restarting bool
	OOMKilled  bool
	Dead       bool
	Pid        int
	ExitCode   int
	Error      string
	StartedAt  time.Time
	FinishedAt time.Time
	Health     *health `json:",omitempty"`
}

type health struct {
	Status        string
	FailingStreak int
	Log           []check
}

type check struct {
	Start    time.Time
	End      time.Time
	ExitCode int
	Output   string
}

type network struct {
	Ports    map[string][]binding
	Networks map[string]endpoint
}

type binding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

type endpoint struct {
	Gateway     string
	IPAddress   string
	IPPrefixLen int
	MacAddress  string
}

func (e *Engine) inspection(r *record) inspection {
	out := inspection{
		ID: r.ID, Created: r.Created.UTC(), Name: "/" + r.Name, Driver: "overlay2", Platform: "linux",
		Mounts: r.spec.mounts, Config: r.spec.rawConfig, HostConfig: r.spec.rawHost,
		State: state{
			Status: r.status(), Running: r.Running, Paused: r.Paused, OOMKilled: r.OOMKilled, Pid: r.pid,
			ExitCode: r.ExitCode, Error: r.failed, StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
		},
		NetworkSettings: network{Ports: map[string][]binding{}, Networks: map[string]endpoint{}},
	}
	if i := e.findImage(r.Image); i != nil {
		out.Image = i.id
	}
	if r.spec.host.LogConfig.Type == "json-file" {
		out.LogPath = "/var/lib/docker/containers/" + r.ID + "/" + r.ID + "-json.log"
	}
	if r.Health != "" {
		out.State.Health = &health{Status: r.Health}
		if !r.checked.IsZero() {
			out.State.Health.Log = []check{{Start: r.checked.UTC(), End: r.checked.UTC()}}
		}
	}
	e.networks(r, &out.NetworkSettings)
	return out
}

func (e *Engine) networks(r *record, n *network) {
	if _, joins := r.spec.joins(); joins {
		return
	}
	for _, p := range r.Ports {
		key := strconv.Itoa(p.ContainerPort) + "/" + p.Protocol
		n.Ports[key] = append(n.Ports[key], binding{HostIP: "0.0.0.0", HostPort: strconv.Itoa(p.HostPort)})
	}
	mode := r.spec.host.NetworkMode
	if mode == "default" {
		mode = "bridge"
	}
	end := endpoint{}
	if r.Address.IsValid() {
		a := r.Address.As4()
		end = endpoint{
			Gateway: "172.17.0.1", IPAddress: r.Address.String(), IPPrefixLen: 16,
			MacAddress: "02:42:ac:11:" + hex2(a[2]) + ":" + hex2(a[3]),
		}
	}
	n.Networks[mode] = end
}

func hex2(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}
