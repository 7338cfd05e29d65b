package metadata

import (
	"testing"

	"longshore/internal/acs"
	"longshore/internal/node/taskrun"
)

func TestSnapshotsBecomeStates(t *testing.T) {
	w := newWorld(t, nil)
	ForTasks(w.Server).Update(taskrun.Snapshot{TaskARN: oneARN, Desired: "RUNNING", Status: "RUNNING", Containers: []taskrun.ContainerSnapshot{{
		Name: "web", RuntimeID: "d9", Status: "RUNNING", HealthCheck: true, Health: acs.HealthHealthy, RestartCount: 2,
		Bindings: []taskrun.Binding{{ContainerPort: 80, HostPort: 80, Protocol: "tcp"}, {ContainerPortRange: "90-99"}},
	}}})
	rec := w.get("/v4/"+oneEnd, "10.0.0.4")
	want := `{"DockerId":"d9","Name":"web","DockerName":"","Image":"web:1","ImageID":"","Ports":[{"ContainerPort":80,` +
		`"Protocol":"tcp","HostPort":80}],"DesiredStatus":"RUNNING","KnownStatus":"RUNNING","Limits":{"CPU":10,"Memory":128},` +
		`"Type":"NORMAL","Health":{"status":"HEALTHY"},"LogDriver":"awslogs","LogOptions":{"awslogs-group":"g"},` +
		`"ContainerARN":"arn:container","Networks":[{"NetworkMode":"awsvpc","IPv4Addresses":["10.0.0.4"],"AttachmentIndex":0,` +
		`"MACAddress":"02:00:00:00:00:01","IPv4SubnetCIDRBlock":"10.0.0.0/24","PrivateDNSName":"ip-10-0-0-4.ec2.internal",` +
		`"SubnetGatewayIpv4Address":"10.0.0.1/24"}],"RestartCount":2}`
	if rec.Code != 200 || rec.Body.String() != want {
		t.Errorf("%d\n%s\nwant\n%s", rec.Code, rec.Body, want)
	}
}
