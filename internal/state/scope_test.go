package state

import "testing"

func TestKeysAndTheirARNs(t *testing.T) {
	scope := Scope{Account: "123456789012", Region: "eu-west-1"}
	cluster := NewClusterKey(scope, "prod")
	service := NewServiceKey(cluster, "web")
	for _, c := range []struct{ got, want string }{
		{cluster.ARN(), "arn:aws:ecs:eu-west-1:123456789012:cluster/prod"},
		{service.ARN(), "arn:aws:ecs:eu-west-1:123456789012:service/prod/web"},
		{NewTaskKey(cluster, "abc").ARN(), "arn:aws:ecs:eu-west-1:123456789012:task/prod/abc"},
		{NewInstanceKey(cluster, "abc").ARN(), "arn:aws:ecs:eu-west-1:123456789012:container-instance/prod/abc"},
		{NewProviderKey(scope, "FARGATE").ARN(), "arn:aws:ecs:eu-west-1:123456789012:capacity-provider/FARGATE"},
		{NewFamilyKey(scope, "web").Revision(12).ARN(), "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:12"},
		{NewServiceDeploymentKey(service, "d").ARN(), "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/web/d"},
		{NewRevisionKey(service, "r").ARN(), "arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/web/r"},
		{ClusterKey("broken").ARN(), ""},
		{service.Name(), "web"}, {service.Cluster().Name(), "prod"},
		{NewTaskKey(cluster, "abc").ID(), "abc"}, {string(NewTaskKey(cluster, "abc").Cluster()), string(cluster)},
		{NewDeploymentKey(service, "42").ID(), "ecs-svc/42"}, {string(NewDeploymentKey(service, "42").Service()), string(service)},
		{NewResourceKey(scope, "vpc-1").ID(), "vpc-1"}, {cluster.Scope().String(), "123456789012/eu-west-1"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if r := NewFamilyKey(scope, "web").Revision(12); r.Revision() != 12 || r.Family().Name() != "web" {
		t.Errorf("revision %d of family %q", r.Revision(), r.Family().Name())
	}
}
