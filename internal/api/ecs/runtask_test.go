package ecs

import (
	"strings"
	"testing"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

func TestRunTaskOnBridgeIsHandedToItsInstanceAtOnce(t *testing.T) {
	r := newRig(t)
	host := r.instance(state.KindEC2)
	out := call(r, r.api.RunTask, &ecswire.RunTaskRequest{TaskDefinition: ptr("web:1"), Count: ptr(int32(2)),
		Tags: []ecswire.Tag{{Key: ptr("a"), Value: ptr("b")}}, PropagateTags: ptr("TASK_DEFINITION"),
		EnableECSManagedTags: ptr(true), StartedBy: ptr("ci")})
	if len(out.Tasks) != 2 || len(out.Failures) != 0 {
		t.Fatalf("got %d tasks, failures %v", len(out.Tasks), out.Failures)
	}
	w := out.Tasks[0]
	for name, pair := range map[string][2]string{
		"lastStatus":    {*w.LastStatus, "PENDING"},
		"desiredStatus": {*w.DesiredStatus, "RUNNING"},
		"instance":      {*w.ContainerInstanceArn, host.ARN()},
		"group":         {*w.Group, "family:web"},
		"launchType":    {*w.LaunchType, "EC2"},
		"cpu":           {*w.Cpu, "256"},
		"memory":        {*w.Memory, "512"},
		"override":      {*w.Overrides.ContainerOverrides[0].Name, "app"},
		"zone":          {*w.AvailabilityZone, "us-east-1a"},
		"container":     {*w.Containers[0].LastStatus, "PENDING"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	tags := map[string]string{}
	for _, tag := range w.Tags {
		tags[*tag.Key] = *tag.Value
	}
	if tags["a"] != "b" || tags["from"] != "definition" || tags["aws:ecs:clusterName"] != "default" {
		t.Errorf("tags are %v", tags)
	}
	if w.Overrides.InferenceAcceleratorOverrides == nil || w.PlatformVersion != nil {
		t.Error("shape of an EC2 task")
	}
}

func TestRunTaskAnswersWhatDoesNotFitAsFailures(t *testing.T) {
	r := newRig(t)
	refused(r, r.api.RunTask, &ecswire.RunTaskRequest{TaskDefinition: ptr("web")},
		"InvalidParameterException: No Container Instances were found in your cluster.")
	host := r.instance(state.KindEC2)
	out := call(r, r.api.RunTask, &ecswire.RunTaskRequest{TaskDefinition: ptr("web"), Count: ptr(int32(6))})
	if len(out.Tasks) != 4 || len(out.Failures) != 2 {
		t.Fatalf("got %d tasks and %d failures", len(out.Tasks), len(out.Failures))
	}
	if f := out.Failures[0]; *f.Reason != "RESOURCE:CPU" || *f.Arn != host.ARN() {
		t.Errorf("failure is %s of %s", *f.Reason, *f.Arn)
	}
}

func TestRunTaskOnFargateWaitsForItsInterface(t *testing.T) {
	r := newRig(t)
	in := &ecswire.RunTaskRequest{TaskDefinition: ptr("net"), LaunchType: ptr("FARGATE"),
		NetworkConfiguration: &ecswire.NetworkConfiguration{
			AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{Subnets: r.subnets()}}}
	out := call(r, r.api.RunTask, in)
	if len(out.Failures) != 1 || *out.Failures[0].Reason != "RESOURCE:FARGATE" {
		t.Fatalf("without a host: %v", out.Failures)
	}
	r.instance(state.KindFargate)
	w := call(r, r.api.RunTask, in).Tasks[0]
	if *w.LastStatus != "PROVISIONING" || w.ContainerInstanceArn != nil || *w.PlatformVersion != "1.4.0" ||
		*w.PlatformFamily != "Linux" || *w.EphemeralStorage.SizeInGiB != 20 {
		t.Errorf("got %+v", w)
	}
	if *w.AvailabilityZone == "" {
		t.Error("no zone")
	}
}

func TestRunTaskFollowsTheCapacityProviderStrategy(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindFargate)
	out := call(r, r.api.RunTask, &ecswire.RunTaskRequest{TaskDefinition: ptr("net"), Count: ptr(int32(10)),
		NetworkConfiguration: &ecswire.NetworkConfiguration{
			AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{Subnets: r.subnets()}},
		CapacityProviderStrategy: []ecswire.CapacityProviderStrategyItem{
			{CapacityProvider: ptr("FARGATE"), Base: ptr(int32(2)), Weight: ptr(int32(1))},
			{CapacityProvider: ptr("FARGATE_SPOT"), Weight: ptr(int32(3))}}})
	got := map[string]int{}
	for _, w := range out.Tasks {
		got[*w.CapacityProviderName]++
	}
	if got["FARGATE"] != 4 || got["FARGATE_SPOT"] != 6 {
		t.Errorf("got %v", got)
	}
}

func TestTheRatioOfAStrategyHoldsOverManyCalls(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindFargate)
	got := map[string]int{}
	for range 10 {
		out := call(r, r.api.RunTask, &ecswire.RunTaskRequest{TaskDefinition: ptr("net"),
			NetworkConfiguration: &ecswire.NetworkConfiguration{
				AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{Subnets: r.subnets()}},
			CapacityProviderStrategy: []ecswire.CapacityProviderStrategyItem{
				{CapacityProvider: ptr("FARGATE"), Weight: ptr(int32(1))},
				{CapacityProvider: ptr("FARGATE_SPOT"), Weight: ptr(int32(4))}}})
		got[*out.Tasks[0].CapacityProviderName]++
	}
	if got["FARGATE"] != 2 || got["FARGATE_SPOT"] != 8 {
		t.Errorf("got %v", got)
	}
}

func TestATaskOfAGrowingProviderWaitsAndSaysWhy(t *testing.T) {
	r := newRig(t)
	in := &ecswire.RunTaskRequest{TaskDefinition: ptr("web"),
		CapacityProviderStrategy: []ecswire.CapacityProviderStrategyItem{{CapacityProvider: ptr("asg")}}}
	out := call(r, r.api.RunTask, in)
	if len(out.Failures) != 1 || *out.Failures[0].Reason != "EMPTY CAPACITY PROVIDER" {
		t.Fatalf("without managed scaling: %v", out.Failures)
	}
	r.put(func(tx *store.Tx) {
		tx.Providers().Put(&state.CapacityProvider{Key: state.NewProviderKey(testScope, "asg"),
			Status: state.StatusActive, ManagedScaling: &state.ManagedScaling{Status: "ENABLED"}})
	})
	w := call(r, r.api.RunTask, in).Tasks[0]
	last := w.Attributes[len(w.Attributes)-1]
	if *w.LastStatus != "PROVISIONING" || *last.Name != "longshore.waiting" ||
		!strings.HasPrefix(*last.Value, "EMPTY CAPACITY PROVIDER") {
		t.Errorf("got %s, %s = %s", *w.LastStatus, *last.Name, *last.Value)
	}
}

func TestARepeatedClientTokenAnswersTheFirstTasks(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindEC2)
	in := &ecswire.RunTaskRequest{TaskDefinition: ptr("web"), ClientToken: ptr("t1")}
	first := *call(r, r.api.RunTask, in).Tasks[0].TaskArn
	again := *call(r, r.api.RunTask, in).Tasks[0].TaskArn
	if first != again {
		t.Errorf("%s became %s", first, again)
	}
	other := *in
	other.Count = ptr(int32(2))
	refused(r, r.api.RunTask, &other, "ConflictException: client token")
}

func TestRunTaskRefuses(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindEC2)
	r.put(func(tx *store.Tx) {
		td := definition("old", 1, "")
		td.Status = state.StatusInactive
		tx.TaskDefinitions().Put(td)
		narrow := definition("narrow", 1, "")
		narrow.Compatibilities = []string{state.LaunchEC2}
		tx.TaskDefinitions().Put(narrow)
	})
	vpc := &ecswire.NetworkConfiguration{AwsvpcConfiguration: &ecswire.AwsVpcConfiguration{Subnets: r.subnets()}}
	for want, in := range map[string]*ecswire.RunTaskRequest{
		"InvalidParameterException: count":                           {TaskDefinition: ptr("web"), Count: ptr(int32(11))},
		"ClientException: TaskDefinition not found.":                 {TaskDefinition: ptr("nope")},
		"ClientException: TaskDefinition is inactive":                {TaskDefinition: ptr("old:1")},
		"ClusterNotFoundException: Cluster not found.":               {TaskDefinition: ptr("web"), Cluster: ptr("nope")},
		"UnsupportedFeatureException: enableExecuteCommand":          {TaskDefinition: ptr("web"), EnableExecuteCommand: ptr(true)},
		"UnsupportedFeatureException: volumeConfigurations":          {TaskDefinition: ptr("web"), VolumeConfigurations: []ecswire.TaskVolumeConfiguration{{}}},
		"InvalidParameterException: does not support launch_type F":  {TaskDefinition: ptr("narrow"), LaunchType: ptr("FARGATE")},
		"InvalidParameterException: Invalid namespace for group.":    {TaskDefinition: ptr("web"), Group: ptr("service:x")},
		"InvalidParameterException: startedBy":                       {TaskDefinition: ptr("web"), StartedBy: ptr("a b")},
		"InvalidParameterException: Network Configuration must be":   {TaskDefinition: ptr("net")},
		"InvalidParameterException: Network Configuration is not":    {TaskDefinition: ptr("web"), NetworkConfiguration: vpc},
		"InvalidParameterException: SERVICE":                         {TaskDefinition: ptr("web"), PropagateTags: ptr("SERVICE")},
		"InvalidParameterException: platform version must be null":   {TaskDefinition: ptr("web"), PlatformVersion: ptr("1.4.0")},
		"PlatformUnknownException: 9.9":                              {TaskDefinition: ptr("net"), LaunchType: ptr("FARGATE"), PlatformVersion: ptr("9.9"), NetworkConfiguration: vpc},
		"InvalidParameterException: Placement constraints are not":   {TaskDefinition: ptr("net"), LaunchType: ptr("FARGATE"), NetworkConfiguration: vpc, PlacementConstraints: []ecswire.PlacementConstraint{{Type: ptr("distinctInstance")}}},
		"InvalidParameterException: invalid expression":              {TaskDefinition: ptr("web"), PlacementConstraints: []ecswire.PlacementConstraint{{Type: ptr("memberOf"), Expression: ptr("a ==")}}},
		"InvalidParameterException: placement strategy type spread":  {TaskDefinition: ptr("web"), PlacementStrategy: []ecswire.PlacementStrategy{{Type: ptr("spread"), Field: ptr("cpu")}}},
		"InvalidParameterException: clientToken can have":            {TaskDefinition: ptr("web"), ClientToken: ptr(strings.Repeat("x", 65))},
		"InvalidParameterException: Override for container named no": {TaskDefinition: ptr("web"), Overrides: &ecswire.TaskOverride{ContainerOverrides: []ecswire.ContainerOverride{{Name: ptr("no")}}}},
		"InvalidParameterException: Container Overrides length":      {TaskDefinition: ptr("web"), Overrides: &ecswire.TaskOverride{ContainerOverrides: []ecswire.ContainerOverride{{Name: ptr("app"), Command: []string{strings.Repeat("x", 9000)}}}}},
		"InvalidParameterException: Specifying both a launch type":   {TaskDefinition: ptr("web"), LaunchType: ptr("EC2"), CapacityProviderStrategy: []ecswire.CapacityProviderStrategyItem{{CapacityProvider: ptr("asg")}}},
		"InvalidParameterException: not associated with the cluster": {TaskDefinition: ptr("web"), CapacityProviderStrategy: []ecswire.CapacityProviderStrategyItem{{CapacityProvider: ptr("other")}}},
	} {
		refused(r, r.api.RunTask, in, want)
	}
}

func TestOverridesAreKeptAndShown(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindEC2)
	w := call(r, r.api.RunTask, &ecswire.RunTaskRequest{TaskDefinition: ptr("web"), Overrides: &ecswire.TaskOverride{
		Cpu: ptr(".5 vCPU"), TaskRoleArn: ptr("arn:aws:iam::1:role/x"),
		ContainerOverrides: []ecswire.ContainerOverride{{Name: ptr("app"), Command: []string{"run"},
			Environment: []ecswire.KeyValuePair{pair("K", "v")}, Memory: ptr(int32(64))}}}}).Tasks[0]
	o := w.Overrides.ContainerOverrides[0]
	if *w.Cpu != "512" || o.Command[0] != "run" || *o.Environment[0].Value != "v" || *o.Memory != 64 ||
		*w.Containers[0].Memory != "64" {
		t.Errorf("got %+v", w)
	}
	key, _ := taskKey(r.cluster(), *w.TaskArn)
	if r.task(key).TaskRoleARN != "arn:aws:iam::1:role/x" {
		t.Error("the role is the definition's")
	}
}

func TestStartTaskOnAnExternalInstanceIsExternal(t *testing.T) {
	r := newRig(t)
	r.put(func(tx *store.Tx) {
		td := definition("edge", 1, "")
		td.Compatibilities = []string{state.LaunchExternal}
		tx.TaskDefinitions().Put(td)
	})
	host := r.instance(state.KindExternal)
	for _, family := range []string{"edge", "web"} {
		out := call(r, r.api.StartTask, &ecswire.StartTaskRequest{TaskDefinition: &family,
			ContainerInstances: []string{host.ID()}})
		if len(out.Tasks) != 1 || *out.Tasks[0].LaunchType != "EXTERNAL" {
			t.Errorf("%s: got %+v", family, out)
		}
	}
}

func TestStartTaskRunsWhereItIsTold(t *testing.T) {
	r := newRig(t)
	host, gone := r.instance(state.KindEC2), state.NewInstanceKey(r.cluster(), r.id())
	out := call(r, r.api.StartTask, &ecswire.StartTaskRequest{TaskDefinition: ptr("web"),
		ContainerInstances: []string{host.ID(), gone.ARN()}})
	if len(out.Tasks) != 1 || *out.Tasks[0].ContainerInstanceArn != host.ARN() || *out.Tasks[0].LastStatus != "PENDING" {
		t.Fatalf("got %+v", out.Tasks)
	}
	if f := out.Failures[0]; *f.Reason != "MISSING" || *f.Arn != gone.ARN() {
		t.Errorf("failure %s of %s", *f.Reason, *f.Arn)
	}
	refused(r, r.api.StartTask, &ecswire.StartTaskRequest{TaskDefinition: ptr("web")},
		"InvalidParameterException: containerInstances")
}
