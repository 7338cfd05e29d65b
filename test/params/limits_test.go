//go:build e2e

package params

import "testing"

func seeLimits(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[
		{"name":"zero","image":"IMAGE","memory":32,"cpu":0,"command":["see"]},
		{"name":"one","image":"IMAGE","memoryReservation":32,"cpu":1,"command":["see"]},
		{"name":"many","image":"IMAGE","memory":64,"memoryReservation":48,"cpu":300,"command":["see"]}]`, "")
	k = r.until(t, k, "RUNNING")
	zero, one, many := k.inspect(t, "zero"), k.inspect(t, "one"), k.inspect(t, "many")
	hold(t, zero, "HostConfig.CpuShares", "2")
	hold(t, zero, "HostConfig.Memory", "33554432")
	hold(t, one, "HostConfig.CpuShares", "2")
	hold(t, one, "HostConfig.Memory", "0")
	hold(t, one, "HostConfig.MemoryReservation", "33554432")
	hold(t, many, "HostConfig.CpuShares", "300")
	hold(t, many, "HostConfig.Memory", "67108864")
	hold(t, many, "HostConfig.MemoryReservation", "50331648")
}

func seeLinux(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[{"name":"main","image":"IMAGE","memory":64,
		"command":["see","/proc/self/status","/proc/mounts","/dev/here","/proc/sys/net/core/somaxconn",
			"/proc/sys/kernel/shmmax","/proc/1/comm"],
		"systemControls":[{"namespace":"net.core.somaxconn","value":"321"},
			{"namespace":"kernel.shmmax","value":"123456"}],
		"linuxParameters":{"capabilities":{"add":["NET_ADMIN"],"drop":["CHOWN","KILL"]},
			"devices":[{"hostPath":"/dev/null","containerPath":"/dev/here","permissions":["read","write"]}],
			"initProcessEnabled":true,"sharedMemorySize":77,"maxSwap":16,"swappiness":33,
			"tmpfs":[{"containerPath":"/scratch","size":9,"mountOptions":["noexec","mode=1750"]}]}},
		{"name":"big","image":"IMAGE","memory":32,"essential":false,"privileged":true}]`, "")
	k = r.until(t, k, "RUNNING")
	in, s := k.inspect(t, "main"), k.see(t, "main")
	hold(t, in, "HostConfig.CapAdd", `["CAP_NET_ADMIN"]`)
	hold(t, in, "HostConfig.CapDrop", `["CAP_CHOWN","CAP_KILL"]`)
	hold(t, in, "HostConfig.MemorySwap", "83886080")
	hold(t, in, "HostConfig.MemorySwappiness", "33")
	contains(t, "capabilities", s.Files["/proc/self/status"], "CapEff:\t00000000a80435da")
	contains(t, "device", s.Files["/dev/here"], "c")
	same(t, "somaxconn", s.Files["/proc/sys/net/core/somaxconn"], "321")
	same(t, "shmmax", s.Files["/proc/sys/kernel/shmmax"], "123456")
	contains(t, "mounts", s.Files["/proc/mounts"], "/scratch tmpfs rw,nosuid,nodev,noexec", "size=9216k,mode=1750",
		"size=78848k")
	same(t, "process 1 is an init", s.Files["/proc/1/comm"], "docker-init")
	// Where the host itself lacks a capability, the engine makes a privileged container and cannot start it.
	hold(t, k.inspect(t, "big"), "HostConfig.Privileged", "true")
}
