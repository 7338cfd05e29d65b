package taskrun

import (
	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// fargateFiles is the limit of open files on Fargate, where a task definition names no other (API_Ulimit).
const fargateFiles = 65535

func (m *Machine) openFiles(task *acs.Task) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if task.Longshore == nil || !task.Longshore.Fargate || m.lowFiles {
		return 0
	}
	return fargateFiles
}

// filesRefused says that a start failed for the limit that Fargate gives by itself: an engine without
// CAP_SYS_RESOURCE cannot raise its own. From then on its limit is what containers have.
func (r *runner) filesRefused(c *containerView, err error) bool {
	d := c.Spec.DockerConfig
	task := r.task()
	if !docker.IsLimitRefused(err) || task.Longshore == nil || !task.Longshore.Fargate ||
		d != nil && docker.NamesLimit(d.HostConfig, "nofile") {
		return false
	}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if !r.m.lowFiles {
		r.m.cfg.Log.Warn("the engine cannot raise the limit of open files to Fargate's", "task", r.arn, "op", "start")
	}
	r.m.lowFiles = true
	return true
}
