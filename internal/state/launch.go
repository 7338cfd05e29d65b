package state

import (
	"slices"
	"strconv"
	"strings"
)

// What a new task has from its definition and its overrides: RunTask, StartTask and control/rollout make tasks,
// and all must count alike.

// NewContainers lists the containers of a task that starts, in the definition's order. newUUID gives the ids.
func NewContainers(td *TaskDefinition, o *Overrides, newUUID func() string) []TaskContainer {
	out := make([]TaskContainer, 0, len(td.Containers))
	for i := range td.Containers {
		c := &td.Containers[i]
		n := TaskContainer{ID: newUUID(), Name: c.Name, Image: c.Image, Last: Pending, Health: HealthUnknown}
		n.CPU, n.Memory, n.MemoryReservation = containerSize(c, o)
		out = append(out, n)
	}
	return out
}

// TaskSize is the task-level cpu (units) and memory (MiB) after overrides; 0 = not set.
func TaskSize(td *TaskDefinition, o *Overrides) (cpu, memory int) {
	cpu, memory = td.CPU, td.Memory
	if n, ok := ParseSize(o.CPU, "VCPU"); ok {
		cpu = n
	}
	if n, ok := ParseSize(o.Memory, "GB"); ok {
		memory = n
	}
	return cpu, memory
}

// ParseSize reads "1024" or, with the unit given in upper case, "1 vCPU" and "2GB", in units of 1/1024.
func ParseSize(s, unit string) (int, bool) {
	text := strings.ToUpper(strings.TrimSpace(s))
	number, whole := strings.CutSuffix(text, unit)
	if !whole {
		n, err := strconv.Atoi(text)
		return n, err == nil && n > 0
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(f > 0 && f < 1<<20) {
		return 0, false
	}
	return int(f * 1024), true
}

// NeedOf sums what a task takes from its instance. Without a task-level size it is the sum over the containers,
// of memory the soft limit where there is one (API_Resource).
func NeedOf(td *TaskDefinition, o *Overrides) Need {
	n := Need{}
	for i := range td.Containers {
		c := &td.Containers[i]
		cpu, memory, soft := containerSize(c, o)
		if soft > 0 {
			memory = soft
		}
		n.CPU, n.Memory, n.GPUs = n.CPU+cpu, n.Memory+memory, n.GPUs+gpusOf(c, o)
		for j := range c.PortMappings {
			n.addPorts(td.NetworkMode, &c.PortMappings[j])
		}
	}
	cpu, memory := TaskSize(td, o)
	if cpu > 0 {
		n.CPU = cpu
	}
	if memory > 0 {
		n.Memory = memory
	}
	return n
}

// addPorts takes the ports that the definition fixes; dynamic ones are found when the container starts.
func (n *Need) addPorts(mode string, p *PortMapping) {
	from, to := 0, -1
	switch {
	case mode == NetworkHost && p.Range != "":
		first, last, _ := strings.Cut(p.Range, "-")
		from, _ = strconv.Atoi(first)
		to, _ = strconv.Atoi(last)
	case mode == NetworkHost:
		from, to = p.ContainerPort, p.ContainerPort
	case (mode == "" || mode == NetworkBridge) && p.HostPort != nil && *p.HostPort > 0:
		from, to = *p.HostPort, *p.HostPort
	}
	for port := from; port <= to; port++ {
		if strings.EqualFold(p.Protocol, "udp") {
			n.UDP = append(n.UDP, port)
			continue
		}
		n.TCP = append(n.TCP, port)
	}
}

func containerSize(c *Container, o *Overrides) (cpu, memory, soft int) {
	cpu, memory, soft = c.CPU, c.Memory, c.MemoryReservation
	x := o.of(c.Name)
	if x == nil {
		return cpu, memory, soft
	}
	for _, given := range []struct{ to, from *int }{{&cpu, x.CPU}, {&memory, x.Memory}, {&soft, x.MemoryReservation}} {
		if given.from != nil {
			*given.to = *given.from
		}
	}
	return cpu, memory, soft
}

func gpusOf(c *Container, o *Overrides) int {
	needs := c.ResourceRequirements
	if x := o.of(c.Name); x != nil && x.ResourceRequirements != nil {
		needs = x.ResourceRequirements
	}
	sum := 0
	for _, r := range needs {
		if r.Name == "GPU" {
			n, _ := strconv.Atoi(r.Value)
			sum += n
		}
	}
	return sum
}

func (o *Overrides) of(container string) *ContainerOverride {
	i := slices.IndexFunc(o.Containers, func(c ContainerOverride) bool { return c.Name == container })
	if i < 0 {
		return nil
	}
	return &o.Containers[i]
}
