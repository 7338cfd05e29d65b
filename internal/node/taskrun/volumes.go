package taskrun

import (
	"context"
	"fmt"
	"maps"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

const labelVolumeScope = "longshore.scope"

// ownVolume says whether a volume lives and dies with its task, and under which engine name.
func ownVolume(task *acs.Task, v acs.Volume) (string, bool) {
	switch {
	case v.Type == "docker" && v.Docker != nil && v.Docker.Scope == "shared":
		return v.Name, false
	case v.Type == "docker":
		return containerName(task, v.Name), true
	case (v.Type == "" || v.Type == "host") && (v.Host == nil || v.Host.SourcePath == ""):
		return containerName(task, v.Name), true
	}
	return "", false
}

func (m *Machine) prepareVolume(ctx context.Context, task *acs.Task, v acs.Volume) error {
	switch v.Type {
	case "", "host", "docker":
	default:
		return fmt.Errorf("volume %q: type %q is not served by this node", v.Name, v.Type)
	}
	name, own := ownVolume(task, v)
	if name == "" {
		return nil // a path of the host
	}
	spec := docker.Volume{Name: name, Labels: map[string]string{}}
	if v.Docker != nil {
		spec.Driver, spec.DriverOpts = v.Docker.Driver, v.Docker.DriverOpts
		maps.Copy(spec.Labels, v.Docker.Labels)
	}
	spec.Labels[docker.LabelInstallation] = m.cfg.Installation
	if own {
		maps.Copy(spec.Labels, m.taskLabels(task))
		spec.Labels[labelVolumeScope] = "task"
		return m.cfg.Engine.CreateVolume(ctx, spec)
	}
	exists, err := m.cfg.Engine.HasVolume(ctx, name)
	if err != nil || exists {
		return err
	}
	if !v.Docker.Autoprovision {
		return fmt.Errorf("docker volume %q does not exist and autoprovision is off", name)
	}
	spec.Labels[labelVolumeScope] = "shared"
	return m.cfg.Engine.CreateVolume(ctx, spec)
}

func (m *Machine) removeVolumes(ctx context.Context, task *acs.Task) error {
	names := []string{}
	for _, v := range task.Volumes {
		name, own := ownVolume(task, v)
		if own {
			names = append(names, name)
		}
	}
	if len(task.Containers) == 0 {
		// The task is known by its labels alone.
		labels := m.labels()
		labels[docker.LabelTask], labels[labelVolumeScope] = task.ARN, "task"
		found, err := m.cfg.Engine.ListVolumes(ctx, labels)
		if err != nil {
			return err
		}
		names = found
	}
	for _, name := range names {
		err := m.cfg.Engine.RemoveVolume(ctx, name)
		if err != nil {
			return err
		}
	}
	return nil
}

// mounts fills in binds and volumesFrom, and links by engine name.
func (r *runner) mounts(s *docker.Spec, task *acs.Task, c *containerView) {
	sources := map[string]string{}
	for _, v := range task.Volumes {
		name, _ := ownVolume(task, v)
		if name == "" && v.Host != nil {
			name = v.Host.SourcePath
		}
		sources[v.Name] = name
	}
	for _, mp := range c.Spec.MountPoints {
		bind := sources[mp.SourceVolume] + ":" + mp.ContainerPath
		if mp.ReadOnly {
			bind += ":ro"
		}
		s.Binds = append(s.Binds, bind)
	}
	for _, vf := range c.Spec.VolumesFrom {
		from := containerName(task, vf.SourceContainer)
		if vf.ReadOnly {
			from += ":ro"
		}
		s.VolumesFrom = append(s.VolumesFrom, from)
	}
	for _, l := range c.Spec.Links {
		s.Links = append(s.Links, linkName(task, l))
	}
}
