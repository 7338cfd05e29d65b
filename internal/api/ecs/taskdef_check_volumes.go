package ecs

import "longshore/internal/state"

func checkVolumes(td *state.TaskDefinition) error {
	seen := map[string]bool{}
	for _, v := range td.Volumes {
		if v.Name == "" {
			return client("Volume.name should not be null or empty.")
		}
		if !nameForm.MatchString(v.Name) {
			return client("Volume.name '%s' is not valid. It can have up to 255 letters, digits, hyphens and "+
				"underscores.", v.Name)
		}
		if seen[v.Name] {
			return client("Duplicate volume name '%s'. Volume.name should be unique in a task definition.", v.Name)
		}
		seen[v.Name] = true
		d := v.Docker
		if d != nil && d.Scope != "shared" && d.Autoprovision != nil && *d.Autoprovision {
			return client("Volume '%s': autoprovision is only supported when scope is shared.", v.Name)
		}
	}
	return nil
}

func checkMounts(td *state.TaskDefinition) error {
	volumes := map[string]bool{}
	for _, v := range td.Volumes {
		volumes[v.Name] = true
	}
	for _, c := range td.Containers {
		paths := map[string]bool{}
		for _, m := range c.MountPoints {
			if m.SourceVolume != "" && !volumes[m.SourceVolume] {
				return client("Unknown volume '%s'.", m.SourceVolume)
			}
			if m.ContainerPath == "" {
				return client("Container '%s': mount point containerPath should not be null or empty.", c.Name)
			}
			if paths[m.ContainerPath] {
				return client("Container '%s' mounts two volumes at '%s'.", c.Name, m.ContainerPath)
			}
			paths[m.ContainerPath] = true
		}
		for _, v := range c.VolumesFrom {
			if v.SourceContainer == c.Name || !hasContainer(td, v.SourceContainer) {
				return client("Container '%s' has volumesFrom an unknown container '%s'.", c.Name,
					v.SourceContainer)
			}
		}
	}
	return nil
}
