package ecs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// rule is one mistake and the words that refuse it. top and container are JSON members put over a definition that
// is right; more is a list of further containers.
type rule struct {
	name, top, container, more string
	want                       string // code and text; empty: accepted
}

const (
	fargateTop = `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512",` +
		`"executionRoleArn":"exec"`
	helper = `{"name":"helper","image":"img","memory":64,"essential":false}`
)

func (r rule) body() string {
	definition := map[string]json.RawMessage{"family": json.RawMessage(`"web"`)}
	app := map[string]json.RawMessage{"name": json.RawMessage(`"app"`), "image": json.RawMessage(`"img"`),
		"memory": json.RawMessage(`128`)}
	overlay(app, r.container)
	all := []string{object(app)}
	if r.more != "" {
		all = append(all, r.more)
	}
	definition["containerDefinitions"] = json.RawMessage("[" + strings.Join(all, ",") + "]")
	overlay(definition, r.top)
	return object(definition)
}

func overlay(m map[string]json.RawMessage, members string) {
	given := map[string]json.RawMessage{}
	err := json.Unmarshal([]byte("{"+members+"}"), &given)
	if err != nil {
		panic(fmt.Sprint(members, err))
	}
	for k, v := range given {
		if string(v) == "null" {
			delete(m, k)
			continue
		}
		m[k] = v
	}
}

func object(m map[string]json.RawMessage) string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// runRules registers each definition through the front and compares the refusal; a refused one leaves no record.
func runRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			d := newDoor(t)
			status, answer := d.call("RegisterTaskDefinition", r.body())
			if r.want == "" {
				if status != 200 {
					t.Fatalf("%s\nwas refused: %s", r.body(), answer)
				}
				return
			}
			e := struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}{}
			err := json.Unmarshal(answer, &e)
			if err != nil {
				t.Fatal(err)
			}
			got := e.Type + ": " + e.Message
			if got != r.want {
				t.Errorf("%.500s\n got %s\nwant %s", r.body(), got, r.want)
			}
			if n := d.api.Store.View().TaskDefinitions().Len() + d.api.Store.View().Families().Len(); n != 0 {
				t.Errorf("a refused definition left %d records", n)
			}
		})
	}
}

const denied = "ClientException: "

func TestRulesOfDefinitionsAndTheirSize(t *testing.T) {
	size := func(what string) string {
		return denied + "Invalid '" + what + "' setting for task. For more information, see the Troubleshooting section " +
			"of the Amazon ECS Developer Guide."
	}
	runRules(t, []rule{
		{name: "the base is accepted"},
		{name: "blank family", top: `"family":""`, want: denied + "Family can not be blank."},
		{name: "family with a space", top: `"family":"a b"`, want: denied + "Family contains invalid characters. It can " +
			"have up to 255 letters, digits, hyphens and underscores."},
		{name: "family of 256", top: `"family":"` + strings.Repeat("x", 256) + `"`, want: denied + "Family contains " +
			"invalid characters. It can have up to 255 letters, digits, hyphens and underscores."},
		{name: "no containers", top: `"containerDefinitions":[]`, want: denied + "Container list cannot be empty."},
		{name: "eleven containers", more: strings.TrimSuffix(strings.Repeat(helper+",", 10), ","),
			want: denied + "Too many container definitions: 11. A task definition can have at most 10."},
		{name: "empty tags", top: `"tags":[]`, want: "InvalidParameterException: Tags can not be empty."},
		{name: "bad role", top: `"taskRoleArn":"arn:aws:s3:::x"`, want: denied + "Role is not valid"},
		{name: "short role name", top: `"taskRoleArn":"my-role"`},
		{name: "cpu in words", top: `"cpu":"one"`, want: size("cpu")},
		{name: "memory in words", top: `"memory":"much"`, want: size("memory")},
		{name: "cpu below EC2's least", top: `"cpu":"127"`, want: size("cpu")},
		{name: "cpu above EC2's most", top: `"cpu":"196609"`, want: size("cpu")},
		{name: "cpu at EC2's most", top: `"cpu":"196608"`},
		{name: "container larger than task", top: `"memory":"100"`,
			want: denied + "The 'memory' setting for container is greater than for the task."},
		{name: "cpu sum larger than task", top: `"cpu":"256"`, container: `"cpu":257`,
			want: denied + "The sum of the 'cpu' settings for containers is greater than for the task."},
		{name: "reservations larger than task", top: `"memory":"100"`,
			container: `"memory":null,"memoryReservation":101`,
			want:      denied + "The sum of the 'memoryReservation' settings for containers is greater than for the task."},
		{name: "small ephemeral storage", top: `"ephemeralStorage":{"sizeInGiB":20}`,
			want: denied + "EphemeralStorage size should be at least 21"},
		{name: "large ephemeral storage", top: `"ephemeralStorage":{"sizeInGiB":201}`,
			want: denied + "EphemeralStorage size should be at most 200"},
		{name: "more than 64 KiB", container: `"command":["` + strings.Repeat("x", 64<<10) + `"]`,
			want: denied + "Actual length: '65634'. Max allowed length is '65536' bytes."},
		{name: "inference accelerators", top: `"inferenceAccelerators":[{"deviceName":"a","deviceType":"b"}]`,
			want: denied + "Inference accelerators are no longer supported."},
		{name: "awsvpc for EXTERNAL", top: `"requiresCompatibilities":["EXTERNAL"],"networkMode":"awsvpc"`,
			want: denied + "Tasks using the EXTERNAL launch type do not support network mode 'awsvpc'."},
		{name: "constraint without expression", top: `"placementConstraints":[{"type":"memberOf"}]`,
			want: denied + "The expression of a memberOf placement constraint must have 1 to 2000 characters."},
		{name: "proxy outside awsvpc", top: `"proxyConfiguration":{"type":"APPMESH","containerName":"app"}`,
			want: denied + "Proxy configuration is only supported when networkMode=awsvpc."},
		{name: "proxy is nobody", top: `"networkMode":"awsvpc","proxyConfiguration":{"containerName":"envoy"}`,
			want: denied + "Proxy configuration names an unknown container 'envoy'."},
		{name: "net sysctl of the host", top: `"networkMode":"host"`,
			container: `"systemControls":[{"namespace":"net.core.somaxconn","value":"1"}]`,
			want:      denied + "Container 'app': system control 'net.core.somaxconn' is not supported when networkMode=host."},
		{name: "ipc sysctl of the host", top: `"ipcMode":"host"`,
			container: `"systemControls":[{"namespace":"kernel.shmmax","value":"1"}]`,
			want:      denied + "Container 'app': system control 'kernel.shmmax' is not supported when ipcMode=host."},
		{name: "ipc on Windows", top: `"ipcMode":"task","runtimePlatform":{"operatingSystemFamily":` +
			`"WINDOWS_SERVER_2022_CORE"}`,
			want: denied + "pidMode and ipcMode are not supported for Windows containers."},
		{name: "nameless sysctl", container: `"systemControls":[{"value":"1"}]`,
			want: denied + "Container 'app': systemControls namespace should not be null or empty."},
	})
}

func TestRulesOfContainers(t *testing.T) {
	runRules(t, []rule{
		{name: "no name", container: `"name":null`, want: denied + "Container.name should not be null or empty."},
		{name: "bad name", container: `"name":"a.b"`, want: denied + "Container.name 'a.b' is not valid. It can have up " +
			"to 255 letters, digits, hyphens and underscores."},
		{name: "no image", container: `"image":""`, want: denied + "Container.image should not be null or empty."},
		{name: "long image", container: `"image":"` + strings.Repeat("x", 256) + `"`,
			want: denied + "Container.image contains invalid characters or is longer than 255 characters."},
		{name: "bad digest", container: `"image":"img@sha256:12"`, want: denied + "Container.image 'img@sha256:12' has " +
			"an invalid digest. It must be sha256: and 64 hex digits."},
		{name: "good digest", container: `"image":"img@sha256:` + strings.Repeat("a", 64) + `"`},
		{name: "same name twice", more: `{"name":"app","image":"img","memory":64}`, want: denied + "Duplicate container " +
			"name 'app'. Container.name should be unique in a task definition."},
		{name: "nothing essential", container: `"essential":false`,
			want: denied + "A task definition must have at least one essential container."},
		{name: "no memory at all", container: `"memory":null`, want: denied + "Invalid setting for container 'app'. At " +
			"least one of 'memory' or 'memoryReservation' must be specified."},
		{name: "task memory is enough", top: `"memory":"512"`, container: `"memory":null`},
		{name: "5 MiB", container: `"memory":5`, want: denied + "Invalid setting for container 'app'. The minimum for " +
			"'memory' and 'memoryReservation' is 6 MiB."},
		{name: "reservation above memory", container: `"memoryReservation":128`, want: denied + "Invalid setting for " +
			"container 'app'. 'memory' must be greater than 'memoryReservation'."},
		{name: "negative cpu", container: `"cpu":-1`,
			want: denied + "Invalid setting for container 'app'. 'cpu' must not be negative."},
		{name: "negative stop timeout", container: `"stopTimeout":-1`,
			want: denied + "Invalid setting for container 'app'. 'stopTimeout' must not be negative."},
		{name: "negative start timeout", container: `"startTimeout":-1`,
			want: denied + "Invalid setting for container 'app'. 'startTimeout' must be positive."},
		{name: "health check without CMD", container: `"healthCheck":{"command":["curl"]}`,
			want: denied + "Container 'app': the health check command must begin with CMD or CMD-SHELL."},
		{name: "empty health check", container: `"healthCheck":{"command":["CMD"]}`,
			want: denied + "Container 'app': the health check has no command behind CMD."},
		{name: "fast health check", container: `"healthCheck":{"command":["CMD","x"],"interval":4}`,
			want: denied + "Container 'app': health check interval must be between 5 and 300."},
		{name: "slow health check", container: `"healthCheck":{"command":["CMD","x"],"timeout":61}`,
			want: denied + "Container 'app': health check timeout must be between 2 and 60."},
		{name: "stubborn health check", container: `"healthCheck":{"command":["CMD","x"],"retries":11}`,
			want: denied + "Container 'app': health check retries must be between 1 and 10."},
		{name: "patient health check", container: `"healthCheck":{"command":["CMD","x"],"startPeriod":301}`,
			want: denied + "Container 'app': health check startPeriod must be between 0 and 300."},
		{name: "restart period", container: `"restartPolicy":{"enabled":true,"restartAttemptPeriod":59}`,
			want: denied + "Container 'app': restartAttemptPeriod must be between 60 and 1800."},
		{name: "restart codes", container: `"restartPolicy":{"enabled":true,"ignoredExitCodes":[` +
			strings.TrimSuffix(strings.Repeat("1,", 51), ",") + `]}`,
			want: denied + "Container 'app': restartPolicy can have at most 50 ignoredExitCodes."},
		{name: "soft above hard", container: `"ulimits":[{"name":"nofile","softLimit":2,"hardLimit":1}]`,
			want: denied + "Container 'app': the soft limit of ulimit 'nofile' must not be greater than the hard limit."},
		{name: "half a GPU", container: `"resourceRequirements":[{"type":"GPU","value":"0.5"}]`,
			want: denied + "Container 'app': the value of a GPU resource requirement must be a positive number."},
		{name: "other resources", container: `"resourceRequirements":[{"type":"InferenceAccelerator","value":"x"}]`,
			want: denied + "Container 'app': resource requirement type 'InferenceAccelerator' is not supported."},
		{name: "unknown capability", container: `"linuxParameters":{"capabilities":{"add":["FLY"]}}`,
			want: denied + "Container 'app': capability 'FLY' is not valid."},
		{name: "swappiness", container: `"linuxParameters":{"swappiness":101}`,
			want: denied + "Container 'app': swappiness must be between 0 and 100."},
		{name: "negative swap", container: `"linuxParameters":{"maxSwap":-1}`,
			want: denied + "Container 'app': maxSwap must be 0 or a positive number."},
		{name: "negative shm", container: `"linuxParameters":{"sharedMemorySize":-1}`,
			want: denied + "Container 'app': sharedMemorySize must not be negative."},
		{name: "empty tmpfs", container: `"linuxParameters":{"tmpfs":[{"containerPath":"/t","size":0}]}`,
			want: denied + "Container 'app': tmpfs size must be a positive number of MiB."},
		{name: "tmpfs option", container: `"linuxParameters":{"tmpfs":[{"containerPath":"/t","size":1,` +
			`"mountOptions":["sticky"]}]}`, want: denied + "Container 'app': tmpfs mount option 'sticky' is not valid."},
		{name: "tmpfs nowhere", container: `"linuxParameters":{"tmpfs":[{"containerPath":"","size":1}]}`,
			want: denied + "Container 'app': tmpfs containerPath should not be null or empty."},
		{name: "device nowhere", container: `"linuxParameters":{"devices":[{"hostPath":""}]}`,
			want: denied + "Container 'app': device hostPath should not be null or empty."},
	})
}

func TestEveryFargateSizeIsAcceptedAndNoOther(t *testing.T) {
	pairs := 0
	for cpu := 128; cpu <= 32768; cpu += 128 {
		for memory := 512; memory <= 245760; memory += 512 {
			if fargatePair(cpu, memory) {
				pairs++
			}
		}
	}
	if pairs != 74 {
		t.Errorf("there are %d Fargate sizes, want 74", pairs)
	}
	for _, p := range [][2]int{{8192, 17408}, {16384, 33792}, {32768, 65536}, {256, 1536}, {256, 4096}} {
		if fargatePair(p[0], p[1]) {
			t.Errorf("%d/%d is accepted", p[0], p[1])
		}
	}
}

func TestSizesAreReadInEverySpelling(t *testing.T) {
	for text, want := range map[string]int{"1024": 1024, "1 vCPU": 1024, "1vcpu": 1024, ".5 vCPU": 512,
		"0.25 VCPU": 256, "16vCPU": 16384, "0": 0, "-1": 0, "1 GB": 0, "vCPU": 0, "": 0, ".0001 vCPU": 0,
		"99999999999999": 0} {
		got, ok := parseCPU(text)
		if got != want && ok || ok != (want > 0) {
			t.Errorf("cpu %q is %d, %v", text, got, ok)
		}
	}
	for text, want := range map[string]int{"2048": 2048, "2GB": 2048, "2 GB": 2048, "0.5 gb": 512, "2 vCPU": 0} {
		got, ok := parseMemory(text)
		if got != want && ok || ok != (want > 0) {
			t.Errorf("memory %q is %d, %v", text, got, ok)
		}
	}
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"1024", "1 vCPU", ".5vcpu", "2 GB", "1e9 GB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (int, bool){parseCPU, parseMemory} {
			n, ok := parse(s)
			if ok && n < 1 {
				t.Errorf("%q is %d", s, n)
			}
		}
	})
}

func TestADependencyGraphIsRefusedExactlyWhenItHasACycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		td, edges := drawGraph(t)
		got := findCycle(td) != nil
		want := false
		for range td.Containers {
			edges = closure(edges)
		}
		for i := range edges {
			want = want || edges[i][i]
		}
		if got != want {
			t.Fatalf("cycle %v, want %v", got, want)
		}
	})
}
