package taskrun

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// Ports hands out host ports. It probes each candidate, so that a port another process holds is passed over, and
// moves round its range, so that a port just given back rests before it is reused.
type Ports struct {
	low, high int
	probe     func(protocol string, port int) bool

	mu   sync.Mutex
	next int
	used map[string]int // "tcp/80" → holders
}

// NewPorts makes an allocator for low..high; zero values mean 49153–65535. Probe says whether a port is free on the
// host; ProbeHost is the real one.
func NewPorts(low, high int, probe func(protocol string, port int) bool) *Ports {
	if low <= 0 || high > 65535 || low > high {
		low, high = 49153, 65535
	}
	return &Ports{low: low, high: high, probe: probe, next: low, used: map[string]int{}}
}

// ProbeHost binds the port on all interfaces for a moment.
func ProbeHost(protocol string, port int) bool {
	addr := ":" + strconv.Itoa(port)
	if protocol == "udp" {
		c, err := net.ListenPacket("udp", addr)
		if err != nil {
			return false
		}
		return c.Close() == nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// take reserves n consecutive free ports and returns the first.
func (p *Ports) take(protocol string, n int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	span := p.high - p.low + 1
	if n < 1 || n > span {
		return 0, fmt.Errorf("%d host ports do not fit into %d-%d", n, p.low, p.high)
	}
	for tried := 0; tried < span; {
		first := p.next
		if first+n-1 > p.high {
			tried += p.high - first + 1
			p.next = p.low
			continue
		}
		bad := p.firstBusy(protocol, first, n)
		if bad < 0 {
			for i := range n {
				p.used[key(protocol, first+i)]++
			}
			p.advance(first + n)
			return first, nil
		}
		tried += bad - first + 1
		p.advance(bad + 1)
	}
	return 0, fmt.Errorf("no %d free %s host ports in %d-%d", n, protocol, p.low, p.high)
}

func (p *Ports) advance(next int) {
	p.next = next
	if next > p.high {
		p.next = p.low
	}
}

func (p *Ports) firstBusy(protocol string, first, n int) int {
	for i := range n {
		if p.used[key(protocol, first+i)] > 0 || !p.probe(protocol, first+i) {
			return first + i
		}
	}
	return -1
}

// mark notes ports that an adopted container holds.
func (p *Ports) mark(ports []docker.Port) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range ports {
		p.used[key(port.Protocol, port.HostPort)]++
	}
}

func (p *Ports) release(ports []docker.Port) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range ports {
		k := key(port.Protocol, port.HostPort)
		if p.used[k] <= 1 {
			delete(p.used, k)
			continue
		}
		p.used[k]--
	}
}

func key(protocol string, port int) string {
	if protocol == "" {
		protocol = "tcp"
	}
	return protocol + "/" + strconv.Itoa(port)
}

// choose turns port mappings into engine ports with explicit host ports; bridge mode only.
func (p *Ports) choose(mappings []acs.PortMapping) ([]docker.Port, error) {
	var out []docker.Port
	for _, m := range mappings {
		first, last, err := span(m)
		if err == nil && m.HostPort == 0 {
			var host int
			host, err = p.take(protocolOf(m), last-first+1)
			for i := first; err == nil && i <= last; i++ {
				out = append(out, docker.Port{ContainerPort: i, HostPort: host + i - first, Protocol: protocolOf(m)})
			}
		}
		if err != nil {
			p.release(out)
			return nil, err
		}
		if m.HostPort != 0 {
			fixed := docker.Port{ContainerPort: m.ContainerPort, HostPort: m.HostPort, Protocol: protocolOf(m)}
			p.mark([]docker.Port{fixed})
			out = append(out, fixed)
		}
	}
	return out, nil
}

func protocolOf(m acs.PortMapping) string {
	if m.Protocol == "" {
		return "tcp"
	}
	return strings.ToLower(m.Protocol)
}

// span is the container ports of a mapping.
func span(m acs.PortMapping) (int, int, error) {
	if m.ContainerPortRange == "" {
		return m.ContainerPort, m.ContainerPort, nil
	}
	a, b, ok := strings.Cut(m.ContainerPortRange, "-")
	first, err1 := strconv.Atoi(strings.TrimSpace(a))
	last, err2 := strconv.Atoi(strings.TrimSpace(b))
	if !ok || err1 != nil || err2 != nil || first < 1 || last > 65535 || first >= last {
		return 0, 0, fmt.Errorf("container port range %q is not first-last", m.ContainerPortRange)
	}
	return first, last, nil
}

// otherPorts says whether other host ports would do, going by the engine's words for the one that is taken.
func (c *containerView) otherPorts(refusal string) bool {
	dynamic := false
	for _, m := range c.Spec.PortMappings {
		if m.HostPort == 0 || m.ContainerPortRange != "" {
			dynamic = true
			continue
		}
		port := ":" + strconv.Itoa(m.HostPort)
		if strings.Contains(refusal, port+" ") || strings.Contains(refusal, port+":") {
			return false
		}
	}
	return dynamic
}

// bindings renders the network bindings of a container. In host mode the container's port is the host's; in awsvpc
// mode there are none, because the task has an address of its own.
func bindings(c *acs.Container, mode string, ports []docker.Port) []Binding {
	var out []Binding
	for _, m := range c.PortMappings {
		first, last, err := span(m)
		if err != nil {
			continue
		}
		host := first
		if mode == "awsvpc" || mode == "none" {
			return nil
		}
		if mode != "host" {
			host = hostPortOf(ports, m, first)
		}
		if host == 0 {
			continue
		}
		b := Binding{BindIP: "0.0.0.0", Protocol: protocolOf(m)}
		if m.ContainerPortRange == "" {
			b.ContainerPort, b.HostPort = first, host
		} else {
			b.ContainerPortRange = m.ContainerPortRange
			b.HostPortRange = fmt.Sprintf("%d-%d", host, host+last-first)
		}
		out = append(out, b)
	}
	return out
}

func hostPortOf(ports []docker.Port, m acs.PortMapping, containerPort int) int {
	for _, p := range ports {
		if p.ContainerPort == containerPort && p.Protocol == protocolOf(m) && (m.HostPort == 0 || m.HostPort == p.HostPort) {
			return p.HostPort
		}
	}
	return 0
}
