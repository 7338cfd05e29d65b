package taskrun

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// cgroupPeriod is the scheduling period of task-level CPU quotas, in microseconds.
const cgroupPeriod = 100_000

// makeCgroup makes the cgroup that holds a task's limits and returns Docker's CgroupParent for its containers. When
// it cannot, the warning says what is lost; the task runs all the same, with limits per container.
func (m *Machine) makeCgroup(ctx context.Context, task *acs.Task) (string, string) {
	if task.CPU <= 0 && task.Memory <= 0 {
		return "", ""
	}
	if m.cfg.Cgroups == nil {
		return "", "task-level cpu and memory limits are applied per container: no access to cgroups"
	}
	info, err := m.engineInfo(ctx)
	if err != nil || info.CgroupDriver != "cgroupfs" {
		return "", "task-level cpu and memory limits are applied per container: the engine's cgroup driver is " +
			info.CgroupDriver
	}
	dir := m.cgroupDir(task)
	if info.CgroupVersion == "2" {
		err = limitV2(m.cfg.Cgroups, dir, task)
	} else {
		err = limitV1(m.cfg.Cgroups, dir, task)
	}
	if err != nil {
		return "", fmt.Sprintf("task-level cpu and memory limits are applied per container: %v", err)
	}
	return "/" + dir, ""
}

// engineInfo asks once: a cgroup driver does not change while an engine runs.
func (m *Machine) engineInfo(ctx context.Context) (docker.Info, error) {
	m.mu.Lock()
	known := m.info
	m.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	info, err := m.cfg.Engine.Info(ctx)
	if err != nil {
		return docker.Info{}, err
	}
	m.mu.Lock()
	m.info = &info
	m.mu.Unlock()
	return info, nil
}

func (m *Machine) cgroupDir(task *acs.Task) string {
	return path.Join("ecs", m.cfg.Installation, taskID(task.ARN))
}

func limitV1(root *os.Root, dir string, task *acs.Task) error {
	cpu, memory := path.Join("cpu", dir), path.Join("memory", dir)
	for _, d := range []string{cpu, memory} {
		err := root.MkdirAll(d, 0o755)
		if err != nil {
			return fmt.Errorf("make task cgroup: %w", err)
		}
	}
	var err error
	if task.CPU > 0 {
		err = errors.Join(
			write(root, path.Join(cpu, "cpu.cfs_period_us"), cgroupPeriod),
			write(root, path.Join(cpu, "cpu.cfs_quota_us"), int64(task.CPU*cgroupPeriod)),
			write(root, path.Join(cpu, "cpu.shares"), int64(task.CPU*1024)),
		)
	}
	if task.Memory > 0 {
		err = errors.Join(err, write(root, path.Join(memory, "memory.limit_in_bytes"), task.Memory<<20))
	}
	return err
}

func limitV2(root *os.Root, dir string, task *acs.Task) error {
	err := root.MkdirAll(dir, 0o755)
	if err != nil {
		return fmt.Errorf("make task cgroup: %w", err)
	}
	// Controllers are handed down one level at a time.
	for _, d := range []string{".", "ecs", path.Dir(dir)} {
		err = root.WriteFile(path.Join(d, "cgroup.subtree_control"), []byte("+cpu +memory"), 0o644)
		if err != nil {
			return fmt.Errorf("enable controllers in %s: %w", d, err)
		}
	}
	if task.CPU > 0 {
		quota := strconv.FormatInt(int64(task.CPU*cgroupPeriod), 10) + " " + strconv.Itoa(cgroupPeriod)
		err = root.WriteFile(path.Join(dir, "cpu.max"), []byte(quota), 0o644)
	}
	if task.Memory > 0 {
		err = errors.Join(err, write(root, path.Join(dir, "memory.max"), task.Memory<<20))
	}
	return err
}

func write(root *os.Root, name string, value int64) error {
	return root.WriteFile(name, []byte(strconv.FormatInt(value, 10)), 0o644)
}

// removeCgroup removes the task's cgroup in every hierarchy, those that Docker made on the way included.
func (m *Machine) removeCgroup(task *acs.Task) {
	if m.cfg.Cgroups == nil {
		return
	}
	dir := m.cgroupDir(task)
	roots := []string{"."}
	entries, err := fs.ReadDir(m.cfg.Cgroups.FS(), ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		roots = append(roots, e.Name())
	}
	for _, r := range roots {
		_ = m.cfg.Cgroups.Remove(path.Join(r, dir))
	}
}
