package ecs

import (
	"fmt"
	"strings"
	"testing"

	"longshore/internal/state"
	"pgregory.net/rapid"
)

func drawGraph(t *rapid.T) (*state.TaskDefinition, [][]bool) {
	n := rapid.IntRange(1, 7).Draw(t, "containers")
	td := &state.TaskDefinition{}
	edges := make([][]bool, n)
	for i := range n {
		c := state.Container{Name: fmt.Sprint("c", i)}
		edges[i] = make([]bool, n)
		for j := range n {
			if i != j && rapid.IntRange(0, 4).Draw(t, "edge") == 0 {
				edges[i][j] = true
				c.DependsOn = append(c.DependsOn, state.Dependency{Container: fmt.Sprint("c", j), Condition: "START"})
			}
		}
		td.Containers = append(td.Containers, c)
	}
	return td, edges
}

// closure is one step of reachability.
func closure(edges [][]bool) [][]bool {
	for k := range edges {
		for i := range edges {
			for j := range edges {
				edges[i][j] = edges[i][j] || edges[i][k] && edges[k][j]
			}
		}
	}
	return edges
}

func TestRulesOfPortsAndNetworkModes(t *testing.T) {
	ports := func(list string) string { return `"portMappings":[` + list + `]` }
	runRules(t, []rule{
		{name: "ports without a network", top: `"networkMode":"none"`, container: ports(`{"containerPort":80}`),
			want: denied + "Port mappings are not supported when networkMode=none."},
		{name: "other host port in awsvpc", top: `"networkMode":"awsvpc"`,
			container: ports(`{"containerPort":80,"hostPort":8080}`), want: denied + "When networkMode=awsvpc, the host " +
				"ports and container ports in port mappings must match."},
		{name: "other host port in host", top: `"networkMode":"host"`,
			container: ports(`{"containerPort":80,"hostPort":8080}`), want: denied + "When networkMode=host, the host " +
				"ports and container ports in port mappings must match."},
		{name: "any host port in bridge", container: ports(`{"containerPort":80,"hostPort":8080}`)},
		{name: "two protocols", container: ports(`{"containerPort":53},{"containerPort":53,"protocol":"udp"}`),
			want: denied + "Container 'app': container port 53 cannot be exposed for multiple protocols."},
		{name: "port 0", container: ports(`{"hostPort":80}`),
			want: denied + "Invalid port number 0. Container ports must be between 1 and 65535."},
		{name: "port 65536", container: ports(`{"containerPort":65536}`),
			want: denied + "Invalid port number 65536. Container ports must be between 1 and 65535."},
		{name: "host port 65536", container: ports(`{"containerPort":80,"hostPort":65536}`),
			want: denied + "Invalid port number 65536. Host ports must be between 0 and 65535."},
		{name: "range backwards", container: ports(`{"containerPortRange":"90-80"}`), want: denied + "Invalid " +
			"containerPortRange '90-80'. It must be two ports between 1 and 65535 in ascending order, joined by a " +
			"hyphen."},
		{name: "range and port", container: ports(`{"containerPortRange":"80-90","containerPort":80}`),
			want: denied + "A port mapping can have either containerPort or containerPortRange."},
		{name: "range with host port", container: ports(`{"containerPortRange":"80-90","hostPort":80}`),
			want: denied + "hostPort must be empty when containerPortRange is specified."},
		{name: "range in host", top: `"networkMode":"host"`, container: ports(`{"containerPortRange":"80-90"}`),
			want: denied + "containerPortRange is not supported when networkMode=host."},
		{name: "ranges overlap", container: ports(`{"containerPortRange":"80-90"},{"containerPortRange":"90-95"}`),
			want: denied + "Container 'app': the port ranges 80-90 and 90-95 overlap."},
		{name: "port within range", container: ports(`{"containerPortRange":"80-90"},{"containerPort":85}`),
			want: denied + "Container 'app': port 85 overlaps the range 80-90."},
		{name: "101 ranges", container: ports(manyRanges(101)),
			want: denied + "Container 'app' has more than 100 port ranges."},
		{name: "bad port name", container: ports(`{"containerPort":80,"name":"-web"}`), want: denied + "Port mapping " +
			"name '-web' is not valid. It can have up to 64 lowercase letters, digits, underscores and hyphens, and " +
			"must not start with a hyphen."},
		{name: "port name twice", container: ports(`{"containerPort":80,"name":"w"},{"containerPort":81,"name":"w"}`),
			want: denied + "Port mapping name 'w' is used more than once. Names must be unique in a task definition."},
		{name: "protocol without a name", container: ports(`{"containerPort":80,"appProtocol":"http"}`),
			want: denied + "A port mapping with appProtocol must have a name."},
		{name: "links in awsvpc", top: `"networkMode":"awsvpc"`, container: `"links":["helper"]`, more: helper,
			want: denied + "Links are not supported when networkMode=awsvpc."},
		{name: "link to nobody", container: `"links":["db:d"]`,
			want: denied + "Container 'app' links to an unknown container 'db'."},
		{name: "hostname in awsvpc", top: `"networkMode":"awsvpc"`, container: `"hostname":"h"`,
			want: denied + "Container 'app': hostname is not supported when networkMode=awsvpc."},
		{name: "extra hosts in awsvpc", top: `"networkMode":"awsvpc"`,
			container: `"extraHosts":[{"hostname":"h","ipAddress":"10.0.0.1"}]`,
			want:      denied + "Extra hosts are not supported when networkMode=awsvpc."},
		{name: "dns on Windows", top: `"networkMode":"awsvpc","runtimePlatform":{"operatingSystemFamily":` +
			`"WINDOWS_SERVER_2022_CORE"}`, container: `"dnsServers":["10.0.0.2"]`, want: denied + "Container 'app': " +
			"dnsServers and dnsSearchDomains are not supported when networkMode=awsvpc on Windows."},
	})
}

func manyRanges(n int) string {
	all := []string{}
	for i := range n {
		all = append(all, fmt.Sprintf(`{"containerPortRange":"%d-%d"}`, 1000+3*i, 1001+3*i))
	}
	return strings.Join(all, ",")
}

func TestRulesOfDependencies(t *testing.T) {
	on := func(name, condition string) string {
		return `"dependsOn":[{"containerName":"` + name + `","condition":"` + condition + `"}]`
	}
	runRules(t, []rule{
		{name: "on itself", container: on("app", "START"), want: denied + "Container 'app' cannot depend on itself."},
		{name: "on nobody", container: on("db", "START"),
			want: denied + "Container 'app' depends on an unknown container 'db'."},
		{name: "success of an essential one", container: on("db", "SUCCESS"),
			more: `{"name":"db","image":"img","memory":64}`, want: denied + "Container 'app' depends on the essential " +
				"container 'db' with condition SUCCESS. A container that is expected to exit must not be essential."},
		{name: "success of a helper", container: on("helper", "SUCCESS"), more: helper},
		{name: "health without a check", container: on("helper", "HEALTHY"), more: helper, want: denied + "Container " +
			"'app' depends on container 'helper' with condition HEALTHY, which has no health check."},
		{name: "a cycle", container: on("helper", "START"), more: `{"name":"helper","image":"img","memory":64,` +
			on("app", "START") + `}`, want: denied + "Container dependencies form a cycle: app -> helper -> app."},
	})
}

func TestRulesOfSecretsLogsAndVolumes(t *testing.T) {
	secret := func(from string) string { return `"secrets":[{"name":"S","valueFrom":"` + from + `"}]` }
	const exec = `"executionRoleArn":"exec"`
	ssm := denied + "The Systems Manager parameter name specified for secret S is invalid. The parameter name can be up " +
		"to 2048 characters and include the following letters and symbols: a-zA-Z0-9_.-,"
	arn := "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf"
	log := func(driver, options string) string {
		return `"logConfiguration":{"logDriver":"` + driver + `","options":{` + options + `}}`
	}
	runRules(t, []rule{
		{name: "nobody may read the secret", container: secret("/a/b"), want: denied + "When you are specifying " +
			"container secrets, you must also specify a value for 'executionRoleArn'."},
		{name: "name with a suffix", top: exec, container: secret("db:key::"), want: ssm},
		{name: "path", top: exec, container: secret("/a/b")},
		{name: "secret", top: exec, container: secret(arn)},
		{name: "secret with key", top: exec, container: secret(arn + ":key::")},
		{name: "secret with half a suffix", top: exec, container: secret(arn + ":key"),
			want: denied + "Invalid ARN specified for secret S: '" + arn + ":key'."},
		{name: "same name in environment", top: exec, container: secret("/a") +
			`,"environment":[{"name":"S","value":"x"}]`, want: denied + "The secret name must be unique and not shared " +
			"with any new or existing environment variables set on the container, such as 'S'."},
		{name: "environment file", container: `"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/x.txt"}]`,
			want: denied + "Container 'app': environment file 'arn:aws:s3:::b/x.txt' must have the .env file extension."},
		{name: "11 environment files", container: `"environmentFiles":[` + strings.TrimSuffix(strings.Repeat(
			`{"type":"s3","value":"arn:aws:s3:::b/x.env"},`, 11), ",") + `]`,
			want: denied + "Container 'app' has more than 10 environment files."},
		{name: "registry credentials", container: `"repositoryCredentials":{"credentialsParameter":"arn"}`,
			want: denied + "When you are specifying container repository credentials, you must also specify a value for " +
				"'executionRoleArn'."},
		{name: "awslogs without a group", container: log("awslogs", `"awslogs-region":"us-east-1"`),
			want: denied + "Log driver awslogs requires options: awslogs-group"},
		{name: "two ways of lines", container: log("awslogs", `"awslogs-group":"g","awslogs-region":"r",`+
			`"awslogs-datetime-format":"%Y","awslogs-multiline-pattern":"x"`), want: denied + "Log options " +
			"awslogs-datetime-format and awslogs-multiline-pattern are mutually exclusive."},
		{name: "log mode", container: log("json-file", `"mode":"slow"`), want: denied + "Log option 'mode' of container " +
			"'app' is not valid. The valid values are blocking and non-blocking."},
		{name: "firelens without a router", container: log("awsfirelens", ``), want: denied + "A container with " +
			"firelensConfiguration must exist when a container uses the awsfirelens log driver."},
		{name: "two routers", container: `"firelensConfiguration":{"type":"fluentbit"}`, more: `{"name":"r",` +
			`"image":"i","memory":64,"firelensConfiguration":{"type":"fluentd"}}`,
			want: denied + "A task definition can have at most one container with firelensConfiguration."},
		{name: "firelens option", container: `"firelensConfiguration":{"type":"fluentbit","options":{"x":"y"}}`,
			want: denied + "Container 'app': firelens option 'x' is not valid."},
		{name: "unknown volume", container: `"mountPoints":[{"sourceVolume":"v","containerPath":"/v"}]`,
			want: denied + "Unknown volume 'v'."},
		{name: "mount nowhere", top: `"volumes":[{"name":"v"}]`, container: `"mountPoints":[{"sourceVolume":"v"}]`,
			want: denied + "Container 'app': mount point containerPath should not be null or empty."},
		{name: "volumes from nobody", container: `"volumesFrom":[{"sourceContainer":"db"}]`,
			want: denied + "Container 'app' has volumesFrom an unknown container 'db'."},
		{name: "nameless volume", top: `"volumes":[{"host":{}}]`,
			want: denied + "Volume.name should not be null or empty."},
		{name: "volume twice", top: `"volumes":[{"name":"v"},{"name":"v"}]`, want: denied + "Duplicate volume name 'v'. " +
			"Volume.name should be unique in a task definition."},
		{name: "two kinds of volume", top: `"volumes":[{"name":"v","host":{},"dockerVolumeConfiguration":{}}]`,
			want: denied + "Volume 'v' must have at most one configuration."},
		{name: "autoprovision of a task's", top: `"volumes":[{"name":"v","dockerVolumeConfiguration":` +
			`{"scope":"task","autoprovision":true}}]`,
			want: denied + "Volume 'v': autoprovision is only supported when scope is shared."},
		{name: "EFS", top: `"volumes":[{"name":"v","efsVolumeConfiguration":{"fileSystemId":"fs-1"}}]`,
			want: denied + "Volume 'v': efsVolumeConfiguration is not served by Longshore. See SCOPE.md."},
		{name: "EBS", top: `"volumes":[{"name":"v","configuredAtLaunch":true}]`,
			want: denied + "Volume 'v': configuredAtLaunch is not served by Longshore. See SCOPE.md."},
	})
}

func TestRulesOfFargate(t *testing.T) {
	top := func(more string) string { return fargateTop + more }
	lacks := func(what string) string { return denied + "Fargate compatible task definitions do not support " + what }
	// bare is without the execution role.
	bare := `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512"`
	logs := `"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g","awslogs-region":"r",` +
		`"awslogs-stream-prefix":"p"}}`
	runRules(t, []rule{
		{name: "the Fargate base is accepted", top: fargateTop},
		{name: "no cpu", top: `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","memory":"512"`,
			want: denied + "Fargate requires that 'cpu' be defined at the task level."},
		{name: "no memory", top: `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256"`,
			want: denied + "Fargate requires that 'memory' be defined at the task level."},
		{name: "no such size", top: `"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256",` +
			`"memory":"4096"`, want: denied + "No Fargate configuration exists for given values."},
		{name: "bridge", top: `"requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512"`,
			want: denied + "Fargate only supports network mode ‘awsvpc’."},
		{name: "small Windows", top: top(`,"runtimePlatform":{"operatingSystemFamily":"WINDOWS_SERVER_2022_CORE"}`),
			want: denied + "Fargate requires at least 1 vCPU for Windows containers."},
		{name: "host's pids", top: top(`,"pidMode":"host"`), want: denied + "Tasks using the Fargate launch type do not " +
			"support pidMode 'host'. The supported value for pidMode is 'task'."},
		{name: "ipc", top: top(`,"ipcMode":"task"`), want: lacks("ipcMode")},
		{name: "constraints", top: top(`,"placementConstraints":[{"type":"memberOf","expression":"attribute:a ` +
			`exists"}]`), want: lacks("placementConstraints")},
		{name: "host volume", top: top(`,"volumes":[{"name":"v","host":{"sourcePath":"/x"}}]`),
			want: lacks("sourcePath")},
		{name: "docker volume", top: top(`,"volumes":[{"name":"v","dockerVolumeConfiguration":{}}]`),
			want: lacks("dockerVolumeConfiguration")},
		{name: "anonymous volume", top: top(`,"volumes":[{"name":"v","host":{}}]`)},
		{name: "privileged", top: fargateTop, container: `"privileged":true`, want: lacks("privileged")},
		{name: "GPU", top: fargateTop, container: `"resourceRequirements":[{"type":"GPU","value":"1"}]`,
			want: lacks("GPU resource requirements")},
		{name: "security options", top: fargateTop, container: `"dockerSecurityOptions":["no-new-privileges"]`,
			want: lacks("dockerSecurityOptions")},
		{name: "no network", top: fargateTop, container: `"disableNetworking":true`,
			want: lacks("disableNetworking")},
		{name: "capability", top: fargateTop, container: `"linuxParameters":{"capabilities":{"add":["NET_ADMIN"]}}`,
			want: denied + "Fargate compatible task definitions only support adding the capability SYS_PTRACE, not NET_ADMIN"},
		{name: "ptrace", top: fargateTop, container: `"linuxParameters":{"capabilities":{"add":["SYS_PTRACE"]}}`},
		{name: "devices", top: fargateTop, container: `"linuxParameters":{"devices":[{"hostPath":"/dev/x"}]}`,
			want: lacks("devices")},
		{name: "shm", top: fargateTop, container: `"linuxParameters":{"sharedMemorySize":64}`,
			want: lacks("sharedMemorySize")},
		{name: "max swap", top: fargateTop, container: `"linuxParameters":{"maxSwap":1}`, want: lacks("maxSwap")},
		{name: "swappiness", top: fargateTop, container: `"linuxParameters":{"swappiness":1}`,
			want: lacks("swappiness")},
		{name: "long stop", top: fargateTop, container: `"stopTimeout":121`,
			want: denied + "Container 'app': the maximum stopTimeout on Fargate is 120 seconds."},
		{name: "long start", top: fargateTop, container: `"startTimeout":121`,
			want: denied + "Container 'app': the maximum startTimeout on Fargate is 120 seconds."},
		{name: "log driver", top: fargateTop, container: `"logConfiguration":{"logDriver":"json-file"}`,
			want: denied + "Fargate only supports the log drivers awslogs, splunk and awsfirelens, not json-file."},
		{name: "stream prefix", top: fargateTop, container: `"logConfiguration":{"logDriver":"awslogs","options":` +
			`{"awslogs-group":"g","awslogs-region":"r"}}`,
			want: denied + "Log driver awslogs requires options: awslogs-stream-prefix"},
		{name: "logs without a role", top: bare, container: logs, want: denied + "Fargate requires task definition to " +
			"have execution role ARN to support log driver awslogs."},
		{name: "ECR without a role", top: bare,
			container: `"image":"111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1"`, want: denied + "Fargate requires " +
				"task definition to have execution role ARN to support ECR images."},
		{name: "firelens file in S3", top: fargateTop, container: `"firelensConfiguration":{"type":"fluentbit",` +
			`"options":{"config-file-type":"s3"}}`, want: denied + "Container 'app': config-file-type 's3' is not valid."},
	})
}
