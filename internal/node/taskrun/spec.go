package taskrun

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

const (
	envMetadataV3  = "ECS_CONTAINER_METADATA_URI"
	envMetadataV4  = "ECS_CONTAINER_METADATA_URI_V4"
	envAgent       = "ECS_AGENT_URI"
	envCredentials = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"

	rolePause = "pause"
)

// containerName is the same in every process that ever handles the task, so that a create repeated after a crash
// collides with the first one instead of doubling it.
func containerName(task *acs.Task, name string) string {
	sum := sha256.Sum256([]byte(task.ARN + "\x00" + name))
	return fmt.Sprintf("ecs-%s-%s-%s-%s", task.Family, task.Version, plain(name), hex.EncodeToString(sum[:10]))
}

// plain leaves out what the official agent leaves out of names.
func plain(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, name)
}

// taskID is the last part of a task ARN.
func taskID(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// spec builds the container to create. A reason instead of an error: it is what the user will read.
func (r *runner) spec(ctx context.Context, c *containerView) (docker.Spec, []docker.Port, string) {
	r.mu.Lock()
	task, pause, share, cgroup := r.v.Task, r.v.PauseID, r.v.ShareID, r.v.Cgroup
	r.mu.Unlock()
	s := docker.Spec{
		Name:       c.DockerName,
		Image:      c.Spec.Image,
		Command:    c.Spec.Command,
		EntryPoint: c.Spec.EntryPoint,
		// Linux knows no fewer than 2 shares and no more than 262144; ECS passes null, 0 and 1 as 2.
		CPUShares:    min(max(c.Spec.CPU, 2), 262144),
		MemoryBytes:  c.Spec.Memory << 20,
		Labels:       r.m.containerLabels(task, c),
		CgroupParent: cgroup,
	}
	if cgroup == "" && s.MemoryBytes == 0 {
		s.MemoryBytes = task.Memory << 20 // no task cgroup to hold the limit
	}
	if cgroup == "" {
		s.NanoCPUs = int64(task.CPU * 1e9)
	}
	reason := overrideCommand(&s, c.Spec.Overrides)
	if reason != "" {
		return s, nil, reason
	}
	if d := c.Spec.DockerConfig; d != nil {
		s.RawConfig, s.RawHostConfig = d.Config, d.HostConfig
	}
	if c.Spec.HealthCheckType == acs.HealthCheckDocker && !docker.HasHealthCheck(s.RawConfig) {
		return s, nil, "DockerClientConfigError: docker health check is configured but no Healthcheck is given"
	}
	s.OpenFiles = r.m.openFiles(task)
	env, reason := r.environment(ctx, task, c)
	if reason != "" {
		return s, nil, reason
	}
	s.Env, s.ExtraEnv = env, r.m.injected(task, c)
	s.GPUs = gpus(task, c.Spec.Name)
	shareNamespaces(&s, task, pause, share)
	r.mounts(&s, task, c)
	if x := c.Spec.Longshore; x != nil && x.LogDriver == "awslogs" {
		if r.m.cfg.Logs == nil {
			return s, nil, "CannotStartContainerError: this node does not ship logs for the awslogs driver"
		}
		// Our own shipper reads the engine's log, which must not grow without bound.
		s.Log = &docker.LogConfig{Driver: "json-file", Options: map[string]string{"max-size": "20m", "max-file": "3"}}
	}
	if mode := networkMode(task); mode != "bridge" {
		return s, nil, ""
	}
	ports, err := r.m.cfg.Ports.choose(c.Spec.PortMappings)
	if err != nil {
		return s, nil, "CannotCreateContainerError: " + err.Error()
	}
	s.Ports = ports
	return s, ports, ""
}

func networkMode(task *acs.Task) string {
	if task.NetworkMode == "" {
		return "bridge"
	}
	return task.NetworkMode
}

// overrideCommand reads the only override agents understand.
func overrideCommand(s *docker.Spec, raw string) string {
	if raw == "" {
		return ""
	}
	var o struct {
		Command []string `json:"command"`
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(raw)))
	dec.DisallowUnknownFields()
	err := dec.Decode(&o)
	if err != nil {
		return "CannotCreateContainerError: container overrides: " + err.Error()
	}
	if o.Command != nil {
		s.Command = o.Command
	}
	return ""
}

// environment merges variables and resolved secrets; a plain variable wins over a file's (API_ContainerDefinition).
func (r *runner) environment(ctx context.Context, task *acs.Task, c *containerView) ([]string, string) {
	env := maps.Clone(c.Spec.Environment)
	if env == nil {
		env = map[string]string{}
	}
	if len(c.Spec.Secrets)+len(c.Spec.EnvironmentFiles) > 0 {
		if r.m.cfg.Secrets == nil {
			return nil, "ResourceInitializationError: this node cannot fetch secrets or environment files"
		}
		more, err := r.m.cfg.Secrets.Environment(ctx, task, c.Spec)
		if err != nil {
			return nil, truncate("ResourceInitializationError: unable to pull secrets or registry auth: " + err.Error())
		}
		for k, v := range more {
			if _, set := env[k]; !set {
				env[k] = v
			}
		}
	}
	if r.m.cfg.Region != "" {
		for _, k := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			if _, set := env[k]; !set {
				env[k] = r.m.cfg.Region
			}
		}
	}
	out := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out, ""
}

// injected are the variables by which a container finds its metadata and credentials.
func (m *Machine) injected(task *acs.Task, c *containerView) []string {
	if m.cfg.Metadata == nil {
		return nil
	}
	url := m.cfg.MetadataURL
	env := []string{
		envMetadataV3 + "=" + url + "/v3/" + c.Endpoint,
		envMetadataV4 + "=" + url + "/v4/" + c.Endpoint,
		envAgent + "=" + url + "/api/" + c.Endpoint,
	}
	if task.RoleCredentials != nil && task.RoleCredentials.CredentialsID != "" {
		env = append(env, envCredentials+"=/v2/credentials/"+task.RoleCredentials.CredentialsID)
	}
	return env
}

func (m *Machine) containerLabels(task *acs.Task, c *containerView) map[string]string {
	l := m.taskLabels(task)
	l["com.amazonaws.ecs.container-name"] = c.Spec.Name
	l[docker.LabelContainer] = c.Spec.Name
	l[docker.LabelEssential] = strconv.FormatBool(c.Spec.Essential)
	l[docker.LabelSpec] = specHash(c.Spec)
	l[labelResume] = resumeOf(c.Spec)
	return l
}

// labelResume carries what is needed to end a container properly when nothing else of its task is known any more.
const labelResume = "longshore.resume"

type resume struct {
	StopTimeout int                     `json:"stop,omitempty"`
	Logs        *acs.ContainerExtension `json:"logs,omitempty"`
}

func resumeOf(c *acs.Container) string {
	data, err := json.Marshal(resume{StopTimeout: c.StopTimeout, Logs: c.Longshore})
	if err != nil {
		return ""
	}
	return string(data)
}

// fromLabels rebuilds as much of a container as its labels tell.
func fromLabels(labels map[string]string) *acs.Container {
	c := &acs.Container{Name: labels[docker.LabelContainer], Essential: labels[docker.LabelEssential] == "true"}
	var r resume
	err := json.Unmarshal([]byte(labels[labelResume]), &r)
	if err == nil {
		c.StopTimeout, c.Longshore = r.StopTimeout, r.Logs
	}
	return c
}

func (m *Machine) taskLabels(task *acs.Task) map[string]string {
	l := m.labels()
	l[docker.LabelTask] = task.ARN
	l["com.amazonaws.ecs.cluster"] = m.cfg.Cluster
	if task.TaskClusterARN != "" {
		l["com.amazonaws.ecs.cluster"] = taskID(task.TaskClusterARN) // a Fargate host serves many clusters
	}
	l["com.amazonaws.ecs.task-arn"] = task.ARN
	l["com.amazonaws.ecs.task-definition-family"] = task.Family
	l["com.amazonaws.ecs.task-definition-version"] = task.Version
	return l
}

// specHash tells two specifications apart without showing either.
func specHash(c *acs.Container) string {
	data, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

func gpus(task *acs.Task, container string) []string {
	var ids []string
	for _, a := range task.Associations {
		if a.Type == "gpu" && slices.Contains(a.Containers, container) {
			ids = append(ids, a.Name)
		}
	}
	return ids
}

// shareNamespaces joins the namespaces that the task's network, PID and IPC modes ask for.
func shareNamespaces(s *docker.Spec, task *acs.Task, pause, share string) {
	s.NetworkMode = networkMode(task)
	if s.NetworkMode == "awsvpc" {
		s.NetworkMode = "container:" + pause
	}
	switch task.PIDMode {
	case "host":
		s.PIDMode = "host"
	case "task":
		s.PIDMode = "container:" + share
	}
	switch task.IPCMode {
	case "host", "none":
		s.IPCMode = task.IPCMode
	case "task":
		s.IPCMode = "container:" + share
	}
}
