package ecs

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Bounds of the task-level cpu on EC2 and EXTERNAL, in units of 1/1024 vCPU.
const (
	minTaskCPU = 128
	maxTaskCPU = 196608
)

var (
	cpuForm    = regexp.MustCompile(`^([0-9]*\.?[0-9]+)\s*[vV][cC][pP][uU]$`)
	memoryForm = regexp.MustCompile(`^([0-9]*\.?[0-9]+)\s*[gG][bB]$`)
)

// parseCPU reads "1024", "1 vCPU", ".5vcpu" as cpu units.
func parseCPU(s string) (int, bool) { return parseSize(s, cpuForm) }

// parseMemory reads "2048", "2GB", "0.5 gb" as MiB.
func parseMemory(s string) (int, bool) { return parseSize(s, memoryForm) }

func parseSize(s string, form *regexp.Regexp) (int, bool) {
	s = strings.TrimSpace(s)
	n, err := strconv.ParseInt(s, 10, 32)
	if err == nil {
		return int(n), n > 0
	}
	m := form.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(m[1], 64)
	units := f * 1024
	if err != nil || units < 1 || units > math.MaxInt32 || units != math.Trunc(units) {
		return 0, false
	}
	return int(units), true
}

// taskSize reads the task-level cpu and memory; 0 is "not given".
func taskSize(cpu, memory *string) (int, int, error) {
	c, m, ok := 0, 0, true
	if deref(cpu) != "" {
		c, ok = parseCPU(*cpu)
		if !ok {
			return 0, 0, invalidSize("cpu")
		}
	}
	if deref(memory) != "" {
		m, ok = parseMemory(*memory)
		if !ok {
			return 0, 0, invalidSize("memory")
		}
	}
	return c, m, nil
}

func invalidSize(what string) error {
	return client("Invalid '%s' setting for task. For more information, see the Troubleshooting section of the "+
		"Amazon ECS Developer Guide.", what)
}

// fargatePair says whether Fargate has a task size: 74 pairs, each cpu with a band of memory.
func fargatePair(cpu, memory int) bool {
	switch cpu {
	case 256:
		return memory == 512 || memory == 1024 || memory == 2048
	case 512:
		return inBand(memory, 1024, 4096, 1024)
	case 1024:
		return inBand(memory, 2048, 8192, 1024)
	case 2048:
		return inBand(memory, 4096, 16384, 1024)
	case 4096:
		return inBand(memory, 8192, 30720, 1024)
	case 8192:
		return inBand(memory, 16384, 61440, 4096)
	case 16384:
		return inBand(memory, 32768, 122880, 8192)
	}
	return false
}

func inBand(n, low, high, step int) bool { return n >= low && n <= high && n%step == 0 }
