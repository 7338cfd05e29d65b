package docker

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
)

const nofile = "nofile"

func limits(host *container.HostConfig, name string) bool {
	return slices.ContainsFunc(host.Ulimits, func(u *container.Ulimit) bool { return u != nil && u.Name == name })
}

// NamesLimit says whether raw Engine host config JSON sets the ulimit.
func NamesLimit(rawHostConfig, name string) bool {
	var host container.HostConfig
	return rawHostConfig != "" && json.Unmarshal([]byte(rawHostConfig), &host) == nil && limits(&host, name)
}

// IsLimitRefused says that a container did not start because the engine may not set one of its ulimits.
func IsLimitRefused(err error) bool {
	return err != nil && strings.Contains(Text(err), "error setting rlimit")
}
