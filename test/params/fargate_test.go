//go:build e2e

package params

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const vpcNetwork = `"networkConfiguration":{"awsvpcConfiguration":{"subnets":["SUBNET"],"securityGroups":["GROUP"]}}`

func seeFargate(t *testing.T, r *rig) {
	k := r.run(t, `"networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512",
		"pidMode":"task","containerDefinitions":[
		{"name":"main","image":"IMAGE","command":["see","/proc/1/comm"],
			"linuxParameters":{"capabilities":{"add":["SYS_PTRACE"]},"initProcessEnabled":true}},
		{"name":"own","image":"IMAGE","memory":128,"cpu":64,"ulimits":[{"name":"nofile","softLimit":100,"hardLimit":200}]}]`,
		`"launchType":"FARGATE",`+vpcNetwork)
	k = r.until(t, k, "RUNNING")
	in, s := k.inspect(t, "main"), k.see(t, "main")
	same(t, "AWS_EXECUTION_ENV", s.get("AWS_EXECUTION_ENV"), "AWS_ECS_FARGATE")
	same(t, "AWS_DEFAULT_REGION", s.get("AWS_DEFAULT_REGION"), r.env["AWS_DEFAULT_REGION"])
	if mayRaiseLimits() {
		hold(t, in, "HostConfig.Ulimits", `[{"Name":"nofile","Hard":65535,"Soft":65535}]`)
	}
	hold(t, k.inspect(t, "own"), "HostConfig.Ulimits", `[{"Name":"nofile","Hard":200,"Soft":100}]`)
	same(t, "size", k.CPU+" "+k.Memory, "256 512")
	cgroup := fmt.Sprint(at(in, "HostConfig.CgroupParent"))
	if !strings.HasSuffix(cgroup, k.id()) {
		t.Fatalf("cgroup parent is %s", cgroup)
	}
	limits := map[string]string{"/sys/fs/cgroup/memory" + cgroup + "/memory.limit_in_bytes": "536870912",
		"/sys/fs/cgroup/cpu" + cgroup + "/cpu.cfs_quota_us": "25000"}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		limits = map[string]string{"/sys/fs/cgroup" + cgroup + "/memory.max": "536870912",
			"/sys/fs/cgroup" + cgroup + "/cpu.max": "25000 100000"}
	}
	for file, want := range limits {
		b, err := os.ReadFile(file)
		if err != nil || strings.TrimSpace(string(b)) != want {
			t.Errorf("%s is %q, not %s (%v)", file, b, want, err)
		}
	}
}

// mayRaiseLimits says whether this machine has CAP_SYS_RESOURCE; without it containers keep the engine's limits.
func mayRaiseLimits() bool {
	b, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(b), "CapBnd:\t")
	var have uint64
	_, err := fmt.Sscanf(after, "%x", &have)
	return err == nil && have>>24&1 == 1
}

func seeTaskMemory(t *testing.T, r *rig) {
	k := r.run(t, `"cpu":"128","memory":"32","containerDefinitions":[{"name":"main","image":"IMAGE","command":["eat","96"]}]`, "")
	k = r.until(t, k, "STOPPED")
	same(t, "exit code", *k.Containers[0].ExitCode, 137)
	contains(t, "reason", k.Containers[0].Reason, "OutOfMemoryError")
	same(t, "size", k.CPU+" "+k.Memory, "128 32")
}

type taskDocument struct {
	Cluster, TaskARN, Family, Revision, KnownStatus, LaunchType, AvailabilityZone, ServiceName, VPCID string
	Limits                                                                                            struct{ CPU, Memory float64 }
	Containers                                                                                        []containerDocument
}

type containerDocument struct {
	DockerID                                                                     string `json:"DockerId"`
	Name, DockerName, Image, ImageID, KnownStatus, Type, ContainerARN, LogDriver string
	Labels, LogOptions                                                           map[string]string
	Limits                                                                       struct{ CPU, Memory float64 }
	Ports                                                                        []struct{ ContainerPort, HostPort int }
	Volumes                                                                      []struct{ Source, Destination string }
	Networks                                                                     []struct {
		NetworkMode   string
		IPv4Addresses []string
		MACAddress    string
	}
	RestartCount *int
}

func parse[T any](t *testing.T, what, text string) T {
	t.Helper()
	var out T
	err := json.Unmarshal([]byte(text), &out)
	if err != nil {
		t.Errorf("%s: %v: %q", what, err, text)
	}
	return out
}

const metadataPaths = `"pause 1s","$ECS_CONTAINER_METADATA_URI","$ECS_CONTAINER_METADATA_URI/task",
	"$ECS_CONTAINER_METADATA_URI_V4","$ECS_CONTAINER_METADATA_URI_V4/task","$ECS_CONTAINER_METADATA_URI_V4/stats",
	"$ECS_CONTAINER_METADATA_URI_V4/task/stats","$ECS_CONTAINER_METADATA_URI_V4/taskWithTags",
	"$ECS_AGENT_URI/task-protection/v1/state","PUT $ECS_AGENT_URI/task-protection/v1/state {\"ProtectionEnabled\":true}",
	"http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"`

const taskRole = `"taskRoleArn":"arn:aws:iam::000000000000:role/app"`

func seeMetadataOnBridge(t *testing.T, r *rig) {
	k := r.run(t, taskRole+`,"volumes":[{"name":"v"}],"containerDefinitions":[{"name":"main","image":"IMAGE","memory":32,"cpu":5,
		"portMappings":[{"containerPort":80}],"logConfiguration":{"logDriver":"json-file","options":{"max-size":"1m"}},
		"dockerLabels":{"team":"ships"},"mountPoints":[{"sourceVolume":"v","containerPath":"/v"}],
		"restartPolicy":{"enabled":true,"restartAttemptPeriod":60},"command":["see",`+metadataPaths+`]}]`, "")
	k = r.until(t, k, "RUNNING")
	s := k.see(t, "main")
	doc, c := r.metadata(t, k, s)
	same(t, "cluster", doc.Cluster, "params")
	same(t, "launch type", doc.LaunchType, "EC2")
	same(t, "ports", len(c.Ports), 1)
	same(t, "log driver", c.LogDriver+c.LogOptions["max-size"], "json-file1m")
	if len(c.Networks) != 1 || c.Networks[0].NetworkMode != "bridge" {
		t.Errorf("networks: %+v", c.Networks)
	}
	if c.RestartCount == nil {
		t.Errorf("no RestartCount with a restart policy")
	}
	contains(t, "log options", fmt.Sprint(at(k.inspect(t, "main"), "HostConfig.LogConfig")), "json-file", "max-size:1m")
}

func seeMetadataOnAWSVPC(t *testing.T, r *rig) {
	k := r.run(t, taskRole+`,"networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512",
		"containerDefinitions":[{"name":"main","image":"IMAGE","dockerLabels":{"team":"ships"},
		"command":["see",`+metadataPaths+`]}]`, `"launchType":"FARGATE",`+vpcNetwork)
	k = r.until(t, k, "RUNNING")
	s := k.see(t, "main")
	doc, c := r.metadata(t, k, s)
	contains(t, "cluster", doc.Cluster, ":cluster/params")
	same(t, "launch type", doc.LaunchType, "FARGATE")
	same(t, "limits", doc.Limits, struct{ CPU, Memory float64 }{0.25, 512})
	contains(t, "VPC", doc.VPCID, "vpc-")
	contains(t, "zone", doc.AvailabilityZone, r.env["AWS_DEFAULT_REGION"])
	if len(c.Networks) != 1 || len(c.Networks[0].IPv4Addresses) != 1 || c.Networks[0].IPv4Addresses[0] != k.address() {
		t.Errorf("networks: %+v", c.Networks)
	}
}

// metadata checks what every network mode has in common.
func (r *rig) metadata(t *testing.T, k task, s sight) (taskDocument, containerDocument) {
	t.Helper()
	v3, v4 := s.get("ECS_CONTAINER_METADATA_URI"), s.get("ECS_CONTAINER_METADATA_URI_V4")
	own, doc := parse[containerDocument](t, "v4", s.Answers[v4]), parse[taskDocument](t, "v4/task", s.Answers[v4+"/task"])
	same(t, "v3", parse[containerDocument](t, "v3", s.Answers[v3]).DockerID, k.Containers[0].RuntimeID)
	same(t, "v3/task", parse[taskDocument](t, "v3/task", s.Answers[v3+"/task"]).TaskARN, k.TaskARN)
	same(t, "v4 Docker id", own.DockerID, k.Containers[0].RuntimeID)
	same(t, "image", own.Image, r.image)
	contains(t, "image id", own.ImageID, "sha256:")
	contains(t, "container ARN", own.ContainerARN, ":container/params/"+k.id())
	same(t, "label", own.Labels["team"], "ships")
	same(t, "label of ECS", own.Labels["com.amazonaws.ecs.container-name"], "main")
	same(t, "task", doc.TaskARN, k.TaskARN)
	same(t, "containers", len(doc.Containers), 1)
	stats := parse[map[string]any](t, "stats", s.Answers[v4+"/stats"])
	if at(stats, "memory_stats.usage") == nil {
		t.Errorf("stats: %s", s.Answers[v4+"/stats"])
	}
	contains(t, "task stats", s.Answers[v4+"/task/stats"], k.Containers[0].RuntimeID, "memory_stats")
	contains(t, "with tags", s.Answers[v4+"/taskWithTags"], k.TaskARN)
	for _, a := range []string{s.Answers[s.get("ECS_AGENT_URI")+"/task-protection/v1/state"], s.Answers["PUT"]} {
		contains(t, "task protection of a standalone task", a, `"failure"`, "TASK_NOT_VALID")
	}
	r.assume(t, k, s.Answers["http://169.254.170.2"+s.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")])
	return doc, own
}

func seeProtection(t *testing.T, r *rig) {
	const path = "/task-protection/v1/state"
	r.ecs(t, "RegisterTaskDefinition", strings.ReplaceAll(`{"family":"protection",`+taskRole+`,"containerDefinitions":[
		{"name":"main","image":"IMAGE","memory":32,"command":["see","pause 1s",
		"PUT $ECS_AGENT_URI`+path+` {\"ProtectionEnabled\":true,\"ExpiresInMinutes\":60}","$ECS_AGENT_URI`+path+`"]}]}`,
		"IMAGE", r.image), nil)
	r.ecs(t, "CreateService", `{"cluster":"params","serviceName":"protected","taskDefinition":"protection","desiredCount":1}`, nil)
	t.Cleanup(func() {
		r.ecs(t, "DeleteService", `{"cluster":"params","service":"protected","force":true}`, nil)
	})
	var found struct{ TaskArns []string }
	poll(t, 10*time.Second, "the service has a task", func() error {
		r.ecs(t, "ListTasks", `{"cluster":"params","serviceName":"protected"}`, &found)
		if len(found.TaskArns) != 1 {
			return fmt.Errorf("it has %d", len(found.TaskArns))
		}
		return nil
	})
	k := r.until(t, task{TaskARN: found.TaskArns[0]}, "RUNNING")
	s := k.see(t, "main")
	for _, a := range []string{s.Answers["PUT"], s.Answers[s.get("ECS_AGENT_URI")+path]} {
		got := parse[struct {
			Protection struct {
				ProtectionEnabled       bool
				ExpirationDate, TaskArn string
			}
		}](t, "protection", a)
		if !got.Protection.ProtectionEnabled || got.Protection.TaskArn != k.TaskARN || got.Protection.ExpirationDate == "" {
			t.Errorf("protection: %s", a)
		}
	}
}
