package ecs

import (
	"regexp"
	"strconv"
	"strings"

	"longshore/internal/state"
)

const maxPortRanges = 100

var portNameForm = regexp.MustCompile(`^[a-z0-9_][a-z0-9_-]{0,63}$`)

// checkNetworkMode holds containers to what their network mode can do.
func checkNetworkMode(td *state.TaskDefinition) error {
	mode := networkMode(td)
	for _, c := range td.Containers {
		switch {
		case len(c.Links) > 0 && mode != state.NetworkBridge:
			return client("Links are not supported when networkMode=%s.", mode)
		case c.Hostname != "" && mode == state.NetworkAWSVPC:
			return client("Container '%s': hostname is not supported when networkMode=awsvpc.", c.Name)
		case len(c.ExtraHosts) > 0 && mode == state.NetworkAWSVPC:
			return client("Extra hosts are not supported when networkMode=awsvpc.")
		case mode == state.NetworkAWSVPC && windows(td) && len(c.DNSServers)+len(c.DNSSearchDomains) > 0:
			return client("Container '%s': dnsServers and dnsSearchDomains are not supported when "+
				"networkMode=awsvpc on Windows.", c.Name)
		}
		err := checkLinks(td, c)
		if err != nil {
			return err
		}
	}
	return nil
}

func checkLinks(td *state.TaskDefinition, c state.Container) error {
	for _, link := range c.Links {
		name, _, _ := strings.Cut(link, ":")
		if name == c.Name || !hasContainer(td, name) {
			return client("Container '%s' links to an unknown container '%s'.", c.Name, name)
		}
	}
	return nil
}

func windows(td *state.TaskDefinition) bool {
	return td.RuntimePlatform != nil && strings.HasPrefix(td.RuntimePlatform.OSFamily, "WINDOWS")
}

// checkPorts holds port mappings to the network mode and to each other.
func checkPorts(td *state.TaskDefinition) error {
	names := map[string]bool{}
	for i := range td.Containers {
		c := &td.Containers[i]
		if len(c.PortMappings) > 0 && td.NetworkMode == state.NetworkNone {
			return client("Port mappings are not supported when networkMode=none.")
		}
		for _, p := range c.PortMappings {
			err := checkPort(networkMode(td), p)
			if err != nil {
				return err
			}
			err = checkPortName(p, names)
			if err != nil {
				return err
			}
		}
		err := checkOverlap(c)
		if err != nil {
			return err
		}
	}
	return nil
}

func checkPort(mode string, p state.PortMapping) error {
	if p.Range != "" {
		return checkRange(mode, p)
	}
	if p.ContainerPort < 1 || p.ContainerPort > 65535 {
		return client("Invalid port number %d. Container ports must be between 1 and 65535.", p.ContainerPort)
	}
	host := deref(p.HostPort)
	if host < 0 || host > 65535 {
		return client("Invalid port number %d. Host ports must be between 0 and 65535.", host)
	}
	alike := mode == state.NetworkAWSVPC || mode == state.NetworkHost
	if alike && host != 0 && host != p.ContainerPort {
		return client("When networkMode=%s, the host ports and container ports in port mappings must match.", mode)
	}
	if p.Protocol != "tcp" && p.Protocol != "udp" {
		return client("Protocol '%s' is not valid. The valid values are tcp and udp.", p.Protocol)
	}
	return nil
}

func checkRange(mode string, p state.PortMapping) error {
	first, last, ok := portRange(p.Range)
	switch {
	case !ok || first < 1 || last > 65535 || first >= last:
		return client("Invalid containerPortRange '%s'. It must be two ports between 1 and 65535 in ascending "+
			"order, joined by a hyphen.", p.Range)
	case p.ContainerPort != 0:
		return client("A port mapping can have either containerPort or containerPortRange.")
	case p.HostPort != nil && *p.HostPort != 0:
		return client("hostPort must be empty when containerPortRange is specified.")
	case mode != state.NetworkBridge && mode != state.NetworkAWSVPC:
		return client("containerPortRange is not supported when networkMode=%s.", mode)
	}
	return nil
}

// portRange reads "a-b".
func portRange(s string) (int, int, bool) {
	a, b, found := strings.Cut(s, "-")
	first, err := strconv.Atoi(a)
	if err != nil || !found {
		return 0, 0, false
	}
	last, err := strconv.Atoi(b)
	return first, last, err == nil
}

func checkPortName(p state.PortMapping, names map[string]bool) error {
	if p.AppProtocol != "" && p.Name == "" {
		return client("A port mapping with appProtocol must have a name.")
	}
	if p.Name == "" {
		return nil
	}
	if !portNameForm.MatchString(p.Name) {
		return client("Port mapping name '%s' is not valid. It can have up to 64 lowercase letters, digits, "+
			"underscores and hyphens, and must not start with a hyphen.", p.Name)
	}
	if names[p.Name] {
		return client("Port mapping name '%s' is used more than once. Names must be unique in a task definition.",
			p.Name)
	}
	names[p.Name] = true
	return nil
}

// checkOverlap refuses one container port for two protocols, and ranges that share ports
// (API_PortMapping: "you can't expose the same container port for multiple protocols").
func checkOverlap(c *state.Container) error {
	protocols := map[int]string{}
	ranges := [][2]int{}
	for _, p := range c.PortMappings {
		if p.Range == "" {
			protocol, used := protocols[p.ContainerPort]
			if used && protocol != p.Protocol {
				return client("Container '%s': container port %d cannot be exposed for multiple protocols.",
					c.Name, p.ContainerPort)
			}
			protocols[p.ContainerPort] = p.Protocol
			continue
		}
		first, last, _ := portRange(p.Range)
		ranges = append(ranges, [2]int{first, last})
	}
	if len(ranges) > maxPortRanges {
		return client("Container '%s' has more than %d port ranges.", c.Name, maxPortRanges)
	}
	for i, a := range ranges {
		for port := range protocols {
			if a[0] <= port && port <= a[1] {
				return client("Container '%s': port %d overlaps the range %d-%d.", c.Name, port, a[0], a[1])
			}
		}
		for _, b := range ranges[:i] {
			if a[0] <= b[1] && b[0] <= a[1] {
				return client("Container '%s': the port ranges %d-%d and %d-%d overlap.", c.Name, b[0], b[1],
					a[0], a[1])
			}
		}
	}
	return nil
}
