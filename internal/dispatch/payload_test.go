package dispatch

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"

	"longshore/internal/acs"
	"longshore/internal/state"
)

func TestAnInterfaceCarriesTheResolversOfAllContainers(t *testing.T) {
	task := placed()
	task.Interface = &state.Interface{
		Address: netip.MustParseAddr("172.31.0.9"), SubnetCIDR: netip.MustParsePrefix("172.31.0.0/20"), VPC: "vpc-1",
	}
	td := &state.TaskDefinition{NetworkMode: state.NetworkAWSVPC, Containers: []state.Container{
		{Name: "a", DNSServers: []string{"10.0.0.1"}, DNSSearchDomains: []string{"x.test"}},
		{Name: "b", DNSServers: []string{"10.0.0.2", "10.0.0.1"}, DNSSearchDomains: []string{"x.test"}}}}
	p := renderTask(task, td)
	eni := p.ENIs[0]
	if !slices.Equal(eni.DomainNameServers, []string{"10.0.0.1", "10.0.0.2"}) || !slices.Equal(eni.DomainName, []string{"x.test"}) {
		t.Errorf("%v %v", eni.DomainNameServers, eni.DomainName)
	}
	if eni.SubnetGatewayIPv4Address != "172.31.0.1/20" || p.Longshore.VPC != "vpc-1" {
		t.Errorf("gateway %s, VPC %s", eni.SubnetGatewayIPv4Address, p.Longshore.VPC)
	}
}

func TestACheckOfNoneIsNoCheck(t *testing.T) {
	c := state.Container{Name: "a", HealthCheck: &state.HealthCheck{Command: []string{"NONE"}}}
	out := renderContainer(&c, placed(), &state.TaskDefinition{})
	var config engineConfig
	err := json.Unmarshal([]byte(out.DockerConfig.Config), &config)
	if err != nil || out.HealthCheckType != "" || config.Healthcheck == nil || config.Healthcheck.Test[0] != "NONE" {
		t.Errorf("type %q, %+v, %v", out.HealthCheckType, config.Healthcheck, err)
	}
}

func TestADeviceKeepsItsPathUnlessAnotherIsNamed(t *testing.T) {
	var host engineHostConfig
	linux(&host, &state.Container{LinuxParameters: &state.LinuxParameters{Devices: []state.Device{
		{HostPath: "/dev/a"}, {HostPath: "/dev/b", ContainerPath: "/dev/c", Permissions: []string{"read", "mknod"}}}}})
	want := []engineDevice{{"/dev/a", "/dev/a", "rwm"}, {"/dev/b", "/dev/c", "rm"}}
	if !slices.Equal(host.Devices, want) {
		t.Errorf("%+v", host.Devices)
	}
}

func TestAnAgentIsToldWhatItHadToldOfATaskThatRuns(t *testing.T) {
	for last, want := range map[state.Status]string{
		state.Provisioning: "", state.Pending: "", state.Running: acs.StatusRunning,
	} {
		task := placed()
		task.Last = last
		task.Containers[1].Last = state.Stopped
		x := renderTask(task, &state.TaskDefinition{}).Longshore
		if x.LastStatus != want || slices.Equal(x.Ended, []string{"side"}) != (want != "") {
			t.Errorf("%s: %q, ended %v", last, x.LastStatus, x.Ended)
		}
	}
}
