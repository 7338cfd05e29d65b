package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
)

// machine says where the figures were taken.
func machine(ctx context.Context) string {
	model, memory := "unknown processor", ""
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the model stays unknown
	for _, line := range strings.Split(string(text), "\n") {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	text, _ = os.ReadFile("/proc/meminfo") // likewise
	var kib int
	_, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kib)
	if err == nil {
		memory = fmt.Sprintf(", %d GB of memory", (kib+512<<10)>>20)
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // likewise
	var docker struct{ Version string }
	err = newEngine().do(ctx, http.MethodGet, "/version", nil, &docker)
	if err != nil {
		docker.Version = "that does not answer"
	}
	load, _ := os.ReadFile("/proc/loadavg") // likewise
	average, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d × %s%s, Linux %s, Docker Engine %s, %s; load %s before the run", runtime.NumCPU(), model,
		memory, strings.TrimSpace(string(release)), docker.Version, runtime.Version(), average)
}
