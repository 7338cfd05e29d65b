package ecs

import (
	"slices"
	"strings"

	"longshore/internal/state"
)

// capabilities that Docker knows, and ALL (API_KernelCapabilities).
var capabilities = strings.Fields("ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE " +
	"DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD " +
	"NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT " +
	"SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG " +
	"SYSLOG WAKE_ALARM")

// tmpfsOptions is the fixed list of API_Tmpfs; some carry a value behind "=".
var tmpfsOptions = strings.Fields("defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount " +
	"mand nomand atime noatime diratime nodiratime bind rbind unbindable runbindable private rprivate shared " +
	"rshared slave rslave relatime norelatime strictatime nostrictatime mode uid gid nr_inodes nr_blocks mpol")

func checkLinux(c *state.Container) error {
	l := c.LinuxParameters
	if l == nil {
		return nil
	}
	for _, name := range slices.Concat(l.CapAdd, l.CapDrop) {
		if !slices.Contains(capabilities, name) {
			return client("Container '%s': capability '%s' is not valid.", c.Name, name)
		}
	}
	switch {
	case l.SharedMemorySize != nil && *l.SharedMemorySize < 0:
		return client("Container '%s': sharedMemorySize must not be negative.", c.Name)
	case l.MaxSwap != nil && *l.MaxSwap < 0:
		return client("Container '%s': maxSwap must be 0 or a positive number.", c.Name)
	case l.Swappiness != nil && (*l.Swappiness < 0 || *l.Swappiness > 100):
		return client("Container '%s': swappiness must be between 0 and 100.", c.Name)
	}
	for _, d := range l.Devices {
		if d.HostPath == "" {
			return client("Container '%s': device hostPath should not be null or empty.", c.Name)
		}
	}
	return checkTmpfs(c)
}

func checkTmpfs(c *state.Container) error {
	for _, t := range c.LinuxParameters.Tmpfs {
		if t.ContainerPath == "" {
			return client("Container '%s': tmpfs containerPath should not be null or empty.", c.Name)
		}
		if t.Size < 1 {
			return client("Container '%s': tmpfs size must be a positive number of MiB.", c.Name)
		}
		for _, o := range t.Options {
			name, _, _ := strings.Cut(o, "=")
			if !slices.Contains(tmpfsOptions, name) {
				return client("Container '%s': tmpfs mount option '%s' is not valid.", c.Name, o)
			}
		}
	}
	return nil
}
