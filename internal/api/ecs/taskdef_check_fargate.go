package ecs

import (
	"regexp"
	"slices"

	"longshore/internal/state"
)

// maxFargateTimeout bounds startTimeout and stopTimeout on Fargate, in seconds.
const maxFargateTimeout = 120

var ecrImage = regexp.MustCompile(`^[0-9]{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com`)

// checkFargate is what a definition must be to run on Fargate: its errors at registration when FARGATE is
// required, and the test for FARGATE in compatibilities otherwise.
func checkFargate(td *state.TaskDefinition) error {
	for _, check := range []func(*state.TaskDefinition) error{
		fargateSize, fargateNetwork, fargateTask, fargateVolumes, fargateContainers, fargateRole,
	} {
		err := check(td)
		if err != nil {
			return err
		}
	}
	return nil
}

func fargateSize(td *state.TaskDefinition) error {
	switch {
	case td.CPU == 0:
		return client("Fargate requires that 'cpu' be defined at the task level.")
	case td.Memory == 0:
		return client("Fargate requires that 'memory' be defined at the task level.")
	case !fargatePair(td.CPU, td.Memory):
		return client("No Fargate configuration exists for given values.")
	case windows(td) && td.CPU < 1024:
		return client("Fargate requires at least 1 vCPU for Windows containers.")
	}
	return nil
}

func fargateNetwork(td *state.TaskDefinition) error {
	if td.NetworkMode != state.NetworkAWSVPC {
		return client("Fargate only supports network mode ‘awsvpc’.")
	}
	return nil
}

func fargateTask(td *state.TaskDefinition) error {
	if td.PIDMode == "host" {
		return client("Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for " +
			"pidMode is 'task'.")
	}
	if td.IPCMode != "" {
		return fargateLacks("ipcMode")
	}
	if len(td.PlacementConstraints) > 0 {
		return fargateLacks("placementConstraints")
	}
	return nil
}

func fargateLacks(what string) error {
	return client("Fargate compatible task definitions do not support %s", what)
}

func fargateVolumes(td *state.TaskDefinition) error {
	for _, v := range td.Volumes {
		if v.HostPath != nil && *v.HostPath != "" {
			return fargateLacks("sourcePath")
		}
		if v.Docker != nil {
			return fargateLacks("dockerVolumeConfiguration")
		}
	}
	return nil
}

func fargateContainers(td *state.TaskDefinition) error {
	for i := range td.Containers {
		c := &td.Containers[i]
		switch {
		case deref(c.Privileged):
			return fargateLacks("privileged")
		case len(c.ResourceRequirements) > 0:
			return fargateLacks("GPU resource requirements")
		case len(c.DockerSecurityOptions) > 0:
			return fargateLacks("dockerSecurityOptions")
		case deref(c.DisableNetworking):
			return fargateLacks("disableNetworking")
		case c.StopTimeout != nil && *c.StopTimeout > maxFargateTimeout:
			return client("Container '%s': the maximum stopTimeout on Fargate is %d seconds.", c.Name,
				maxFargateTimeout)
		case c.StartTimeout > maxFargateTimeout:
			return client("Container '%s': the maximum startTimeout on Fargate is %d seconds.", c.Name,
				maxFargateTimeout)
		}
		err := fargateLinux(c)
		if err != nil {
			return err
		}
		err = fargateLogs(c)
		if err != nil {
			return err
		}
	}
	return nil
}

func fargateLinux(c *state.Container) error {
	l := c.LinuxParameters
	if l == nil {
		return nil
	}
	for _, name := range l.CapAdd {
		if name != "SYS_PTRACE" {
			return client("Fargate compatible task definitions only support adding the capability SYS_PTRACE, not "+
				"%s", name)
		}
	}
	switch {
	case len(l.Devices) > 0:
		return fargateLacks("devices")
	case l.SharedMemorySize != nil:
		return fargateLacks("sharedMemorySize")
	case l.MaxSwap != nil:
		return fargateLacks("maxSwap")
	case l.Swappiness != nil:
		return fargateLacks("swappiness")
	}
	return nil
}

func fargateLogs(c *state.Container) error {
	l := c.LogConfiguration
	if l == nil {
		return nil
	}
	if !slices.Contains([]string{"awslogs", "splunk", "awsfirelens"}, l.Driver) {
		return client("Fargate only supports the log drivers awslogs, splunk and awsfirelens, not %s.", l.Driver)
	}
	if l.Driver == "awslogs" && l.Options["awslogs-stream-prefix"] == "" {
		return client("Log driver awslogs requires options: awslogs-stream-prefix")
	}
	return nil
}

// fargateRole comes last: a definition with other mistakes hears of those first.
func fargateRole(td *state.TaskDefinition) error {
	if td.ExecutionRoleARN != "" {
		return nil
	}
	for _, c := range td.Containers {
		if c.LogConfiguration != nil && c.LogConfiguration.Driver == "awslogs" {
			return client("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
		}
		if ecrImage.MatchString(c.Image) {
			return client("Fargate requires task definition to have execution role ARN to support ECR images.")
		}
	}
	return nil
}
