//go:build e2e

package params

import (
	"slices"
	"strings"
	"testing"
)

func seeProcess(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[{"name":"main_1","image":"IMAGE","memory":64,
		"entryPoint":["/look","see"],"command":["/proc/self/limits","write /root.txt"],
		"environment":[{"name":"A","value":"1 = one"},{"name":"EMPTY","value":""},
			{"name":"ECS_CONTAINER_METADATA_URI_V4","value":"http://evil"}],
		"user":"1234:56","workingDirectory":"/tmp/deep/er","hostname":"captain","readonlyRootFilesystem":true,
		"interactive":true,"ulimits":[{"name":"nofile","softLimit":777,"hardLimit":888},
			{"name":"core","softLimit":0,"hardLimit":0}]}]`, "")
	k = r.until(t, k, "RUNNING")
	in, s := k.inspect(t, "main_1"), k.see(t, "main_1")
	hold(t, in, "Config.Image", `"`+r.image+`"`)
	same(t, "args", s.Args, []string{"/look", "see", "/proc/self/limits", "write /root.txt"})
	same(t, "A", s.get("A"), "1 = one")
	same(t, "EMPTY", s.get("EMPTY"), "")
	same(t, "AWS_EXECUTION_ENV", s.get("AWS_EXECUTION_ENV"), "AWS_ECS_EC2")
	same(t, "AWS_REGION", s.get("AWS_REGION"), r.env["AWS_DEFAULT_REGION"])
	same(t, "credentials without a task role", s.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), "(unset)")
	for _, n := range []string{"ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4", "ECS_AGENT_URI"} {
		contains(t, n, s.get(n), "http://169.254.170.2/")
		count := 0
		for _, kv := range s.Env {
			if strings.HasPrefix(kv, n+"=") {
				count++
			}
		}
		same(t, "times of "+n, count, 1)
	}
	same(t, "uid and gid", []int{s.UID, s.GID}, []int{1234, 56})
	same(t, "working directory", s.Dir, "/tmp/deep/er")
	same(t, "host name", s.Host, "captain")
	contains(t, "write to root", s.Files["write /root.txt"], "read-only")
	same(t, "stdin is open", s.Stdin, true)
	contains(t, "limits", s.Files["/proc/self/limits"], "888                  files",
		"Max core file size        0                    0")
	hold(t, in, "HostConfig.Ulimits", `[{"Name":"nofile","Hard":888,"Soft":777},{"Name":"core","Hard":0,"Soft":0}]`)
	name, _ := in["Name"].(string)
	if !strings.HasPrefix(name, "/ecs-process-1-main1-") || len(name) != len("/ecs-process-1-main1-")+20 {
		t.Errorf("the engine's name is %s", name)
	}
	same(t, "runtime id", k.Containers[0].RuntimeID, in["Id"])
	same(t, "container memory", k.Containers[0].Memory, "64")
	if !slices.Contains(attributes(k), "ecs.cpu-architecture=x86_64") && !slices.Contains(attributes(k), "ecs.cpu-architecture=arm64") {
		t.Errorf("attributes: %v", attributes(k))
	}
}

func attributes(k task) []string {
	var out []string
	for _, a := range k.Attributes {
		out = append(out, a.Name+"="+a.Value)
	}
	return out
}

func seeOverrides(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[{"name":"main","image":"IMAGE","memory":64,"memoryReservation":16,"cpu":10,
		"command":["see","/definition"],"pseudoTerminal":true,
		"environment":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}]`,
		`"overrides":{"containerOverrides":[{"name":"main","command":["see","/override"],"cpu":20,"memory":128,
		"memoryReservation":32,"environment":[{"name":"B","value":"two"},{"name":"C","value":"3"}]}]}`)
	k = r.until(t, k, "RUNNING")
	in, s := k.inspect(t, "main"), k.see(t, "main")
	same(t, "args", s.Args, []string{"/look", "see", "/override"})
	same(t, "A B C", s.get("A")+s.get("B")+s.get("C"), "1two3")
	same(t, "terminal", s.Terminal, true)
	hold(t, in, "HostConfig.CpuShares", "20")
	hold(t, in, "HostConfig.Memory", "134217728")
	hold(t, in, "HostConfig.MemoryReservation", "33554432")
}

func seeNames(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[
		{"name":"server","image":"IMAGE","memory":32,"command":["serve","90"]},
		{"name":"main","image":"IMAGE","memory":32,"links":["server","server:alias"],
		"command":["see","/etc/resolv.conf","/etc/hosts","dial alias:90","dial server:90"],
		"dnsServers":["10.9.8.7"],"dnsSearchDomains":["one.test","two.test"],
		"extraHosts":[{"hostname":"extra","ipAddress":"10.1.2.3"}]},
		{"name":"alone","image":"IMAGE","memory":32,"disableNetworking":true,"command":["see","/proc/net/dev"]}]`, "")
	k = r.until(t, k, "RUNNING")
	s := k.see(t, "main")
	contains(t, "resolv.conf", s.Files["/etc/resolv.conf"], "nameserver 10.9.8.7", "search one.test two.test")
	contains(t, "hosts", s.Files["/etc/hosts"], "10.1.2.3\textra", "alias", "server")
	same(t, "link", s.Answers["dial alias:90"], "<nil>")
	same(t, "link without alias", s.Answers["dial server:90"], "<nil>")
	alone := k.see(t, "alone")
	if strings.Contains(alone.Files["/proc/net/dev"], "eth0") {
		t.Errorf("disableNetworking left an interface: %s", alone.Files["/proc/net/dev"])
	}
}

func seeLabels(t *testing.T, r *rig) {
	k := r.run(t, `"containerDefinitions":[{"name":"main","image":"IMAGE","memory":32,"dockerLabels":{"team":"ships",
		"longshore.role":"pause","longshore.installation":"other","longshore.new":"x",
		"com.amazonaws.ecs.task-arn":"other","com.amazonaws.ecs.cluster":"other"},
		"dockerSecurityOptions":["no-new-privileges"]}]`, "")
	k = r.until(t, k, "RUNNING")
	in := k.inspect(t, "main")
	labels, _ := at(in, "Config.Labels").(map[string]any)
	same(t, "team", labels["team"], "ships")
	same(t, "role", labels["longshore.role"], nil)
	same(t, "unknown label of ours", labels["longshore.new"], nil)
	same(t, "task ARN", labels["com.amazonaws.ecs.task-arn"], k.TaskARN)
	same(t, "cluster", labels["com.amazonaws.ecs.cluster"], "params")
	same(t, "family", labels["com.amazonaws.ecs.task-definition-family"], "labels")
	same(t, "version", labels["com.amazonaws.ecs.task-definition-version"], "1")
	same(t, "container", labels["com.amazonaws.ecs.container-name"], "main")
	hold(t, in, "HostConfig.SecurityOpt", `["no-new-privileges"]`)
	hold(t, in, "HostConfig.RestartPolicy.Name", `"no"`)
	hold(t, in, "HostConfig.AutoRemove", "false")
}
