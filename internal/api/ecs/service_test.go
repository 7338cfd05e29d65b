package ecs

import (
	"strings"
	"testing"
	"time"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

func webService() *ecswire.CreateServiceRequest {
	return &ecswire.CreateServiceRequest{ServiceName: ptr("web"), TaskDefinition: ptr("web:1"), DesiredCount: ptr(int32(2))}
}

func (r *rig) describe(name string) ecswire.Service {
	r.t.Helper()
	out := call(r, r.api.DescribeServices, &ecswire.DescribeServicesRequest{Services: []string{name},
		Include: []string{"TAGS"}})
	if len(out.Services) != 1 {
		r.t.Fatalf("service %s is not there", name)
	}
	return out.Services[0]
}

// serviceTask adds a task as control/rollout would.
func (r *rig) serviceTask(d *state.Deployment, last state.Status) *state.Task {
	t := &state.Task{Key: state.NewTaskKey(r.cluster(), r.id()), Service: d.Service, Deployment: d.Key,
		TaskDefinition: d.TaskDefinition, Desired: state.Running, Last: last, CreatedAt: r.now, Version: 1,
		StartedBy: d.Key.ID(), Group: "service:" + d.Service.Name()}
	r.put(func(tx *store.Tx) { tx.Tasks().Put(t) })
	return t
}

func (r *rig) deployments(name string) []*state.Deployment {
	out := []*state.Deployment{}
	for d := range r.api.Store.View().Deployments().OfService(state.NewServiceKey(r.cluster(), name)) {
		out = append(out, d)
	}
	return out
}

func TestCreateServiceWritesTheServiceAndItsFirstDeployment(t *testing.T) {
	r := newRig(t)
	in := webService()
	in.Tags = []ecswire.Tag{{Key: ptr("k"), Value: ptr("v")}}
	s := call(r, r.api.CreateService, in).Service
	d := s.Deployments[0]
	number := strings.TrimPrefix(*d.Id, "ecs-svc/")
	if len(number) != 19 || len(s.Deployments) != 1 {
		t.Errorf("deployment %s of %d", *d.Id, len(s.Deployments))
	}
	for name, pair := range map[string][2]string{
		"status":           {*s.Status, "ACTIVE"},
		"launchType":       {*s.LaunchType, "EC2"},
		"deployment":       {*d.Status + " " + *d.RolloutState, "PRIMARY IN_PROGRESS"},
		"rollout reason":   {*d.RolloutStateReason, "ECS deployment " + *d.Id + " in progress."},
		"task definition":  {*s.TaskDefinition, "arn:aws:ecs:us-east-1:111122223333:task-definition/web:1"},
		"controller":       {*s.DeploymentController.Type, "ECS"},
		"strategy":         {*s.DeploymentConfiguration.Strategy, "ROLLING"},
		"scheduling":       {*s.SchedulingStrategy, "REPLICA"},
		"propagateTags":    {*s.PropagateTags, "NONE"},
		"tag":              {*s.Tags[0].Key, "k"},
		"service ARN":      {*s.ServiceArn, "arn:aws:ecs:us-east-1:111122223333:service/default/web"},
		"current revision": {*s.CurrentServiceRevisions[0].Arn, "arn:aws:ecs:us-east-1:111122223333:service-revision/default/web/" + number},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	if *s.DeploymentConfiguration.MaximumPercent != 200 || *s.DeploymentConfiguration.MinimumHealthyPercent != 100 ||
		*s.DesiredCount != 2 || *s.RunningCount != 0 || s.TaskSets != nil || s.Events == nil {
		t.Errorf("got %+v", s)
	}
}

func TestCreatingAServiceAgainIsIdempotentOrRefused(t *testing.T) {
	r := newRig(t)
	first := call(r, r.api.CreateService, webService()).Service
	again := call(r, r.api.CreateService, webService()).Service
	if *first.Deployments[0].Id != *again.Deployments[0].Id {
		t.Error("the second call deployed")
	}
	other := webService()
	other.DesiredCount = ptr(int32(3))
	refused(r, r.api.CreateService, other, "InvalidParameterException: Creation of service was not idempotent.")
	call(r, r.api.DeleteService, &ecswire.DeleteServiceRequest{Service: ptr("web"), Force: ptr(true)})
	refused(r, r.api.CreateService, webService(),
		"InvalidParameterException: Unable to Start a service that is still Draining.")
	r.editService("web", func(s *state.Service) { s.Status = state.StatusInactive })
	r.now = r.now.Add(time.Minute)
	made := call(r, r.api.CreateService, other).Service
	if *made.Status != "ACTIVE" || *made.DesiredCount != 3 || len(made.Deployments) != 1 {
		t.Errorf("the name of an INACTIVE service is not free: %+v", made)
	}
}

func (r *rig) editService(name string, fn func(*state.Service)) {
	r.put(func(tx *store.Tx) {
		old, _ := tx.Services().Get(state.NewServiceKey(r.cluster(), name))
		s := *old
		fn(&s)
		tx.Services().Put(&s)
	})
}

func TestCreateServiceRefuses(t *testing.T) {
	r := newRig(t)
	vpc := &ecswire.NetworkConfiguration{AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{Subnets: r.subnets()}}
	for want, edit := range map[string]func(in *ecswire.CreateServiceRequest){
		"InvalidParameterException: Service name":        func(in *ecswire.CreateServiceRequest) { in.ServiceName = ptr("a b") },
		"InvalidParameterException: can not be blank":    func(in *ecswire.CreateServiceRequest) { in.TaskDefinition = nil },
		"InvalidParameterException: desiredCount is":     func(in *ecswire.CreateServiceRequest) { in.DesiredCount = nil },
		"InvalidParameterException: between 0":           func(in *ecswire.CreateServiceRequest) { in.DesiredCount = ptr(int32(-1)) },
		"UnsupportedFeatureException: loadBalancers":     func(in *ecswire.CreateServiceRequest) { in.LoadBalancers = []ecswire.LoadBalancer{{}} },
		"UnsupportedFeatureException: serviceRegistries": func(in *ecswire.CreateServiceRequest) { in.ServiceRegistries = []ecswire.ServiceRegistry{{}} },
		"UnsupportedFeatureException: serviceConnect": func(in *ecswire.CreateServiceRequest) {
			in.ServiceConnectConfiguration = &ecswire.ServiceConnectConfiguration{Enabled: ptr(true)}
		},
		"UnsupportedFeatureException: volumeConfigurations": func(in *ecswire.CreateServiceRequest) {
			in.VolumeConfigurations = []ecswire.ServiceVolumeConfiguration{{}}
		},
		"UnsupportedFeatureException: vpcLattice": func(in *ecswire.CreateServiceRequest) {
			in.VpcLatticeConfigurations = []ecswire.VpcLatticeConfiguration{{}}
		},
		"UnsupportedFeatureException: CODE_DEPLOY is not served by Longshore": func(in *ecswire.CreateServiceRequest) {
			in.DeploymentController = &ecswire.DeploymentController{Type: ptr("CODE_DEPLOY")}
		},
		"UnsupportedFeatureException: BLUE_GREEN": func(in *ecswire.CreateServiceRequest) {
			in.DeploymentConfiguration = &ecswire.DeploymentConfiguration{Strategy: ptr("BLUE_GREEN")}
		},
		"UnsupportedFeatureException: enableExecuteCommand": func(in *ecswire.CreateServiceRequest) { in.EnableExecuteCommand = ptr(true) },
		"InvalidParameterException: Health check grace":     func(in *ecswire.CreateServiceRequest) { in.HealthCheckGracePeriodSeconds = ptr(int32(5)) },
		"InvalidParameterException: Both maximumPercent and minimumHealthyPercent cannot be 100": func(in *ecswire.CreateServiceRequest) {
			in.DeploymentConfiguration = &ecswire.DeploymentConfiguration{MaximumPercent: ptr(int32(100))}
		},
		"InvalidParameterException: Specifying both a launch type": func(in *ecswire.CreateServiceRequest) {
			in.LaunchType, in.CapacityProviderStrategy = ptr("FARGATE"), []ecswire.CapacityProviderStrategyItem{{CapacityProvider: ptr("FARGATE")}}
		},
		"InvalidParameterException: Network Configuration must be provided":                      func(in *ecswire.CreateServiceRequest) { in.TaskDefinition = ptr("net") },
		"InvalidParameterException: Network Configuration is not valid":                          func(in *ecswire.CreateServiceRequest) { in.NetworkConfiguration = vpc },
		"ClientException: TaskDefinition not found.":                                             func(in *ecswire.CreateServiceRequest) { in.TaskDefinition = ptr("no") },
		"InvalidParameterException: daemon scheduling strategy does not support a desired count": func(in *ecswire.CreateServiceRequest) { in.SchedulingStrategy = ptr("DAEMON") },
		"InvalidParameterException: Placement strategies are not supported with FARGATE": func(in *ecswire.CreateServiceRequest) {
			in.TaskDefinition, in.NetworkConfiguration, in.LaunchType = ptr("net"), vpc, ptr("FARGATE")
			in.PlacementStrategy = []ecswire.PlacementStrategy{{Type: ptr("random")}}
		},
	} {
		in := webService()
		edit(in)
		refused(r, r.api.CreateService, in, want)
	}
}

func TestEmptyListsOfUnservedFeaturesAreHarmless(t *testing.T) {
	r := newRig(t)
	in := webService()
	in.LoadBalancers, in.VolumeConfigurations = []ecswire.LoadBalancer{}, []ecswire.ServiceVolumeConfiguration{}
	in.ServiceConnectConfiguration = &ecswire.ServiceConnectConfiguration{Enabled: ptr(false)}
	in.DeploymentController = &ecswire.DeploymentController{Type: ptr("ECS")}
	in.AvailabilityZoneRebalancing = ptr("DISABLED")
	call(r, r.api.CreateService, in)
}

func TestOnlyAChangeOfWhatRunsDeploys(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	for _, c := range []struct {
		name string
		in   ecswire.UpdateServiceRequest
		want int
	}{
		{"count", ecswire.UpdateServiceRequest{DesiredCount: ptr(int32(5))}, 1},
		{"the same definition", ecswire.UpdateServiceRequest{TaskDefinition: ptr("web:1")}, 1},
		{"deployment configuration", ecswire.UpdateServiceRequest{DeploymentConfiguration: &ecswire.DeploymentConfiguration{
			DeploymentCircuitBreaker: &ecswire.DeploymentCircuitBreaker{Enable: ptr(true), Rollback: ptr(true)}}}, 1},
		{"tags", ecswire.UpdateServiceRequest{PropagateTags: ptr("SERVICE"), EnableECSManagedTags: ptr(true)}, 1},
		{"a new definition", ecswire.UpdateServiceRequest{TaskDefinition: ptr("web:2")}, 2},
		{"force", ecswire.UpdateServiceRequest{ForceNewDeployment: ptr(true)}, 3},
		{"capacity", ecswire.UpdateServiceRequest{
			CapacityProviderStrategy: []ecswire.CapacityProviderStrategyItem{{CapacityProvider: ptr("asg")}}}, 4},
	} {
		r.now = r.now.Add(time.Second)
		c.in.Service = ptr("web")
		s := call(r, r.api.UpdateService, &c.in).Service
		if len(s.Deployments) != c.want {
			t.Fatalf("%s: %d deployments, want %d", c.name, len(s.Deployments), c.want)
		}
		if *s.Deployments[0].Status != "PRIMARY" || c.want > 1 && *s.Deployments[1].Status != "ACTIVE" {
			t.Errorf("%s: the newest is not the PRIMARY one", c.name)
		}
	}
	s := r.describe("web")
	if *s.DesiredCount != 5 || *s.Deployments[0].DesiredCount != 5 || s.LaunchType != nil ||
		*s.DeploymentConfiguration.DeploymentCircuitBreaker.Rollback != true || *s.PropagateTags != "SERVICE" {
		t.Errorf("got %+v", s)
	}
}

func TestAfterARollbackTheFailedDefinitionDeploysAgain(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	good := r.deployments("web")[0]
	call(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"), TaskDefinition: ptr("web:2")})
	r.put(func(tx *store.Tx) { // as control/rollout rolls back
		for d := range tx.Deployments().OfService(good.Service) {
			x := *d
			x.Status = state.DeploymentActive
			if d.Key == good.Key {
				x.Status = state.DeploymentPrimary
			}
			tx.Deployments().Put(&x)
		}
	})
	s := r.describe("web")
	if !strings.HasSuffix(*s.TaskDefinition, "web:1") {
		t.Errorf("the service shows %s", *s.TaskDefinition)
	}
	s = *call(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"), TaskDefinition: ptr("web:2")}).Service
	if len(s.Deployments) != 3 || !strings.HasSuffix(*s.Deployments[0].TaskDefinition, "web:2") {
		t.Errorf("%d deployments, first %s", len(s.Deployments), *s.Deployments[0].TaskDefinition)
	}
}

func TestUpdateServiceRefuses(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	for want, in := range map[string]*ecswire.UpdateServiceRequest{
		"ServiceNotFoundException: Service not found.":             {Service: ptr("no")},
		"ClientException: TaskDefinition not found.":               {Service: ptr("web"), TaskDefinition: ptr("no")},
		"InvalidParameterException: Network Configuration must be": {Service: ptr("web"), TaskDefinition: ptr("net")},
		"UnsupportedFeatureException: loadBalancers":               {Service: ptr("web"), LoadBalancers: []ecswire.LoadBalancer{{}}},
		"InvalidParameterException: Both":                          {Service: ptr("web"), DeploymentConfiguration: &ecswire.DeploymentConfiguration{MaximumPercent: ptr(int32(100))}},
		"InvalidParameterException: platform version":              {Service: ptr("web"), PlatformVersion: ptr("LATEST")},
	} {
		refused(r, r.api.UpdateService, in, want)
	}
	call(r, r.api.DeleteService, &ecswire.DeleteServiceRequest{Service: ptr("web"), Force: ptr(true)})
	refused(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"), DesiredCount: ptr(int32(1))},
		"ServiceNotActiveException: Service was not ACTIVE.")
}

func TestDescribeServicesCountsTasksByDeployment(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	old := r.deployments("web")[0]
	r.serviceTask(old, state.Running)
	r.serviceTask(old, state.Stopped)
	r.now = r.now.Add(time.Second)
	call(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"), ForceNewDeployment: ptr(true)})
	for _, d := range r.deployments("web") {
		if d.Key != old.Key {
			r.serviceTask(d, state.Pending)
			r.serviceTask(d, state.Running)
		}
	}
	s := r.describe("web")
	if *s.RunningCount != 2 || *s.PendingCount != 1 || *s.Deployments[0].RunningCount != 1 ||
		*s.Deployments[0].PendingCount != 1 || *s.Deployments[1].RunningCount != 1 || *s.Deployments[1].PendingCount != 0 {
		t.Errorf("got %d/%d, %+v", *s.RunningCount, *s.PendingCount, s.Deployments)
	}
	if *s.Deployments[1].Id != old.Key.ID() {
		t.Error("the PRIMARY deployment is not first")
	}
}

func TestEventsAreNewestFirstAndOfThisServiceAlone(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	key := state.NewServiceKey(r.cluster(), "web")
	r.put(func(tx *store.Tx) { tx.Tell(key, r.now, "z", "of an earlier service of that name") })
	r.editService("web", func(s *state.Service) { s.Generation++ })
	r.put(func(tx *store.Tx) {
		tx.Tell(key, r.now, "a", "one")
		tx.Tell(key, r.now.Add(-time.Hour), "b", "two, told after the clock went back")
	})
	s := r.describe("web")
	if len(s.Events) != 2 || *s.Events[0].Id != "b" || *s.Events[1].Message != "one" {
		t.Errorf("got %+v", s.Events)
	}
}

func TestDeleteServiceAsksForForceWhileItRuns(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	in := &ecswire.DeleteServiceRequest{Service: ptr("web")}
	refused(r, r.api.DeleteService, in,
		"InvalidParameterException: The service cannot be stopped while it is scaled above 0.")
	call(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"), DesiredCount: ptr(int32(0)),
		ForceNewDeployment: ptr(true)})
	refused(r, r.api.DeleteService, in,
		"InvalidParameterException: The service cannot be stopped while deployments are active.")
	in.Force = ptr(true)
	s := call(r, r.api.DeleteService, in).Service
	if *s.Status != "DRAINING" || *s.DesiredCount != 0 {
		t.Errorf("got %s, %d", *s.Status, *s.DesiredCount)
	}
	call(r, r.api.DeleteService, in)
	if l := call(r, r.api.ListServices, &ecswire.ListServicesRequest{}).ServiceArns; len(l) != 0 {
		t.Errorf("a DRAINING service is listed: %v", l)
	}
	r.editService("web", func(s *state.Service) { s.Status = state.StatusInactive })
	refused(r, r.api.DeleteService, in, "ServiceNotFoundException: Service not found.")
	if s := r.describe("web"); *s.Status != "INACTIVE" {
		t.Errorf("described as %s", *s.Status)
	}
}

func TestListServicesShowsTenUnlessAskedForMore(t *testing.T) {
	r := newRig(t)
	for i := range 12 {
		in := webService()
		in.ServiceName = ptr("s" + string(rune('a'+i)))
		call(r, r.api.CreateService, in)
	}
	first := call(r, r.api.ListServices, &ecswire.ListServicesRequest{})
	rest := call(r, r.api.ListServices, &ecswire.ListServicesRequest{NextToken: first.NextToken})
	if len(first.ServiceArns) != 10 || len(rest.ServiceArns) != 2 || rest.NextToken != nil {
		t.Errorf("pages of %d and %d", len(first.ServiceArns), len(rest.ServiceArns))
	}
	all := call(r, r.api.ListServices, &ecswire.ListServicesRequest{MaxResults: ptr(int32(100)), LaunchType: ptr("EC2")})
	none := call(r, r.api.ListServices, &ecswire.ListServicesRequest{SchedulingStrategy: ptr("DAEMON")})
	if len(all.ServiceArns) != 12 || len(none.ServiceArns) != 0 {
		t.Errorf("filters: %d and %d", len(all.ServiceArns), len(none.ServiceArns))
	}
}

func TestDescribeServicesTellsWhatIsMissing(t *testing.T) {
	r := newRig(t)
	out := call(r, r.api.DescribeServices, &ecswire.DescribeServicesRequest{Services: []string{"no"}})
	if *out.Failures[0].Reason != "MISSING" || !strings.HasSuffix(*out.Failures[0].Arn, ":service/default/no") {
		t.Errorf("got %+v", out.Failures)
	}
	refused(r, r.api.DescribeServices, &ecswire.DescribeServicesRequest{}, "InvalidParameterException: Services")
	refused(r, r.api.DescribeServices, &ecswire.DescribeServicesRequest{Services: make([]string, 11)},
		"InvalidParameterException: Services")
}

func TestADaemonServiceHasItsOwnDefaults(t *testing.T) {
	r := newRig(t)
	in := webService()
	in.DesiredCount, in.SchedulingStrategy = nil, ptr("DAEMON")
	s := call(r, r.api.CreateService, in).Service
	if *s.DeploymentConfiguration.MaximumPercent != 100 || *s.DeploymentConfiguration.MinimumHealthyPercent != 0 {
		t.Errorf("got %+v", s.DeploymentConfiguration)
	}
}

func TestAFargateServiceShowsLatestAndItsDeploymentTheRealPlatform(t *testing.T) {
	r := newRig(t)
	in := webService()
	in.TaskDefinition, in.LaunchType = ptr("net"), ptr("FARGATE")
	in.NetworkConfiguration = &ecswire.NetworkConfiguration{AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{
		Subnets: r.subnets(), AssignPublicIp: ptr("ENABLED")}}
	s := call(r, r.api.CreateService, in).Service
	if *s.PlatformVersion != "LATEST" || *s.Deployments[0].PlatformVersion != "1.4.0" || *s.PlatformFamily != "Linux" ||
		*s.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp != "ENABLED" || s.RoleArn == nil {
		t.Errorf("got %+v", s)
	}
	same := &ecswire.UpdateServiceRequest{Service: ptr("web"), NetworkConfiguration: &ecswire.NetworkConfiguration{
		AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{Subnets: []string{r.subnets()[2], r.subnets()[1], r.subnets()[0]},
			AssignPublicIp: ptr("ENABLED")}}, PlatformVersion: ptr("1.4.0")}
	if n := len(call(r, r.api.UpdateService, same).Service.Deployments); n != 1 {
		t.Errorf("the same subnets in another order made %d deployments", n)
	}
	same.NetworkConfiguration.AwsvpcConfiguration.Subnets = r.subnets()[:1]
	if n := len(call(r, r.api.UpdateService, same).Service.Deployments); n != 2 {
		t.Errorf("other subnets made %d deployments", n)
	}
}
