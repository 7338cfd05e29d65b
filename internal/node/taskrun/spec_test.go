package taskrun

import (
	"errors"
	"strings"
	"testing"

	"longshore/internal/acs"
)

func TestNamesKeepWhatTheOfficialAgentKeeps(t *testing.T) {
	got := containerName(&acs.Task{ARN: "arn", Family: "web_app", Version: "3"}, "my_side.car-1")
	if !strings.HasPrefix(got, "ecs-web_app-3-mysidecar-1-") || len(got) != len("ecs-web_app-3-mysidecar-1-")+20 {
		t.Error(got)
	}
}

func TestOnlyDynamicPortsAreTriedAgain(t *testing.T) {
	fixed, dynamic := acs.PortMapping{ContainerPort: 80, HostPort: 8080}, acs.PortMapping{ContainerPort: 81}
	const lost = "Bind for 0.0.0.0:8080 failed: port is already allocated"
	for _, c := range []struct {
		mappings []acs.PortMapping
		refusal  string
		want     bool
	}{
		{[]acs.PortMapping{dynamic}, "Bind for 0.0.0.0:49153 failed: port is already allocated", true},
		{[]acs.PortMapping{fixed, dynamic}, "Bind for 0.0.0.0:49153 failed: port is already allocated", true},
		{[]acs.PortMapping{fixed, dynamic}, lost, false},
		{[]acs.PortMapping{fixed, dynamic}, "listen tcp4 0.0.0.0:8080: bind: address already in use", false},
		{[]acs.PortMapping{fixed}, lost, false},
	} {
		v := containerView{Spec: &acs.Container{PortMappings: c.mappings}}
		if got := v.otherPorts(c.refusal); got != c.want {
			t.Errorf("%s: %t", c.refusal, got)
		}
	}
}

func TestAFailureOfLogsIsToldInTheWordsOfTheLaunchType(t *testing.T) {
	err := errors.New("failed to create Cloudwatch log stream: ResourceNotFoundException: gone")
	if got := logFailure(&acs.Task{}, err); !strings.HasPrefix(got, "CannotStartContainerError: ") {
		t.Error(got)
	}
	got := logFailure(&acs.Task{Longshore: &acs.TaskExtension{Fargate: true}}, err)
	if !strings.HasPrefix(got, "ResourceInitializationError: failed to validate logger args: ") {
		t.Error(got)
	}
}
