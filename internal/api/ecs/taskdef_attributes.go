package ecs

import (
	"maps"
	"slices"
	"strings"

	"longshore/internal/state"
)

// compatibilities are the launch types that the definition would satisfy, which may be more than it requires.
func compatibilities(td *state.TaskDefinition) []string {
	out := []string{}
	if networkMode(td) != state.NetworkAWSVPC {
		out = append(out, state.LaunchExternal)
	}
	out = append(out, state.LaunchEC2)
	if checkFargate(td) == nil {
		out = append(out, state.LaunchFargate)
	}
	if requires(td, "MANAGED_INSTANCES") {
		out = append(out, "MANAGED_INSTANCES")
	}
	return out
}

const (
	dockerCapability = "com.amazonaws.ecs.capability."
	agentCapability  = "ecs.capability."
)

// requiredAttributes are the agent capabilities that an instance must have for the definition; placement filters
// on them, so every name here is one that agents report.
func requiredAttributes(td *state.TaskDefinition) []state.Attribute {
	need := map[string]bool{}
	taskCapabilities(td, need)
	for i := range td.Containers {
		c := &td.Containers[i]
		containerCapabilities(c, need)
		logCapabilities(td, c, need)
		if ecrImage.MatchString(c.Image) {
			need[dockerCapability+"ecr-auth"] = true
			if td.ExecutionRoleARN != "" {
				need[agentCapability+"execution-role-ecr-pull"] = true
			}
		}
	}
	out := []state.Attribute{}
	for _, name := range slices.Sorted(maps.Keys(need)) {
		out = append(out, state.Attribute{Name: name})
	}
	return out
}

func taskCapabilities(td *state.TaskDefinition, need map[string]bool) {
	need[dockerCapability+"docker-remote-api.1.18"] = true
	if td.TaskRoleARN != "" {
		need[dockerCapability+"task-iam-role"] = true
		if td.NetworkMode == state.NetworkHost {
			need[dockerCapability+"task-iam-role-network-host"] = true
		}
	}
	if td.NetworkMode == state.NetworkAWSVPC {
		need[agentCapability+"task-eni"] = true
	}
	if td.CPU > 0 || td.Memory > 0 {
		need[agentCapability+"task-cpu-mem-limit"] = true
	}
	if td.PIDMode != "" || td.IPCMode != "" {
		need[agentCapability+"pid-ipc-namespace-sharing"] = true
	}
	if td.ProxyConfiguration != nil {
		need[agentCapability+"aws-appmesh"] = true
	}
	for _, v := range td.Volumes {
		if v.Docker != nil {
			need[agentCapability+"docker-plugin."+v.Docker.Driver] = true
		}
	}
}

func containerCapabilities(c *state.Container, need map[string]bool) {
	if deref(c.Privileged) {
		need[dockerCapability+"privileged-container"] = true
	}
	if c.HealthCheck != nil {
		need[agentCapability+"container-health-check"] = true
	}
	if len(c.DependsOn) > 0 {
		need[agentCapability+"container-ordering"] = true
	}
	if c.RestartPolicy != nil && c.RestartPolicy.Enabled {
		need[agentCapability+"container-restart-policy"] = true
	}
	if len(c.EnvironmentFiles) > 0 {
		need[agentCapability+"env-files.s3"] = true
	}
	if c.RepositoryCredentials != "" {
		need[agentCapability+"private-registry-authentication.secretsmanager"] = true
	}
	if c.FirelensType != "" {
		need[agentCapability+"firelens."+strings.ReplaceAll(c.FirelensType, "-", "")] = true
	}
	if slices.ContainsFunc(c.PortMappings, func(p state.PortMapping) bool { return p.Range != "" }) {
		need[agentCapability+"network.container-port-range"] = true
	}
	for _, s := range c.Secrets {
		need[agentCapability+"secrets."+secretStore(s)+".environment-variables"] = true
	}
}

func logCapabilities(td *state.TaskDefinition, c *state.Container, need map[string]bool) {
	l := c.LogConfiguration
	if l == nil {
		return
	}
	need[dockerCapability+"logging-driver."+l.Driver] = true
	if l.Driver == "awslogs" && td.ExecutionRoleARN != "" {
		need[agentCapability+"execution-role-awslogs"] = true
	}
	for _, s := range l.SecretOptions {
		need[agentCapability+"secrets."+secretStore(s)+".bootstrap.log-driver"] = true
	}
}

// secretStore is asm for Secrets Manager and ssm for the parameter store.
func secretStore(s state.Secret) string {
	if strings.Contains(s.ValueFrom, ":secretsmanager:") {
		return "asm"
	}
	return "ssm"
}

// unserved names what a definition asks for and Longshore cannot do yet, "" for nothing. Such definitions are
// kept and shown as they are; starting tasks from them is refused.
func unserved(td *state.TaskDefinition) string {
	if windows(td) {
		return "runtimePlatform with a Windows operating system"
	}
	if td.ProxyConfiguration != nil {
		return "proxyConfiguration (App Mesh)"
	}
	for i := range td.Containers {
		c := &td.Containers[i]
		switch {
		case len(c.Secrets) > 0:
			return "secrets of container " + c.Name
		case len(c.EnvironmentFiles) > 0:
			return "environmentFiles of container " + c.Name
		case c.FirelensType != "":
			return "firelensConfiguration of container " + c.Name
		case c.RepositoryCredentials != "":
			return "repositoryCredentials of container " + c.Name
		case len(c.CredentialSpecs) > 0:
			return "credentialSpecs of container " + c.Name
		case c.LogConfiguration != nil && len(c.LogConfiguration.SecretOptions) > 0:
			return "secretOptions in the log configuration of container " + c.Name
		}
	}
	return ""
}
