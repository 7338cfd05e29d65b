package ecs

import (
	"strings"
	"testing"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

func resourcesOf(in []ecswire.Resource) (cpu, memory int32, ports string) {
	for _, r := range in {
		switch *r.Name {
		case "CPU":
			cpu = *r.IntegerValue
		case "MEMORY":
			memory = *r.IntegerValue
		case "PORTS":
			ports = strings.Join(r.StringSetValue, " ")
		}
	}
	return cpu, memory, ports
}

func TestAnInstanceShowsWhatIsLeftOfIt(t *testing.T) {
	r := newRig(t)
	host := r.instance(state.KindEC2)
	arns := r.run(2)
	r.change(arns[0], func(x *state.Task) {
		x.Last = state.Running
		x.Containers[0].NetworkBindings = []state.NetworkBinding{{HostPort: 32768, Protocol: "tcp"}}
	})
	out := call(r, r.api.DescribeContainerInstances, &ecswire.DescribeContainerInstancesRequest{
		ContainerInstances: []string{host.ID(), strings.Repeat("f", 32)},
		Include:            []string{"TAGS", "CONTAINER_INSTANCE_HEALTH"}})
	w := out.ContainerInstances[0]
	cpu, memory, ports := resourcesOf(w.RemainingResources)
	if cpu != 512 || memory != 1024 || ports != "22 32768" {
		t.Errorf("left: %d %d %q", cpu, memory, ports)
	}
	cpu, memory, ports = resourcesOf(w.RegisteredResources)
	if cpu != 1024 || memory != 2048 || ports != "22" {
		t.Errorf("registered: %d %d %q", cpu, memory, ports)
	}
	if *w.RunningTasksCount != 1 || *w.PendingTasksCount != 1 || !*w.AgentConnected || *w.Status != "ACTIVE" ||
		*w.HealthStatus.OverallStatus != "INITIALIZING" {
		t.Errorf("got %+v", w)
	}
	if *out.Failures[0].Reason != "MISSING" {
		t.Errorf("got %+v", out.Failures)
	}
}

func TestListContainerInstancesFollowsTheQuery(t *testing.T) {
	r := newRig(t)
	one, two := r.instance(state.KindEC2), r.instance(state.KindEC2)
	r.instance(state.KindFargate)
	r.put(func(tx *store.Tx) {
		i, _ := tx.Instances().Get(two)
		x := *i
		x.Status = state.StatusDraining
		x.Attributes = []state.Attribute{{Name: "stack", Value: "prod"}}
		tx.Instances().Put(&x)
	})
	task := r.run(1)[0]
	r.change(task, func(x *state.Task) { x.Last = state.Running })
	for _, c := range []struct {
		name string
		in   ecswire.ListContainerInstancesRequest
		want []state.InstanceKey
	}{
		{"all, no FARGATE hosts", ecswire.ListContainerInstancesRequest{}, []state.InstanceKey{one, two}},
		{"status", ecswire.ListContainerInstancesRequest{Status: ptr("DRAINING")}, []state.InstanceKey{two}},
		{"attribute", ecswire.ListContainerInstancesRequest{Filter: ptr("attribute:stack == prod")}, []state.InstanceKey{two}},
		{"task count", ecswire.ListContainerInstancesRequest{Filter: ptr("runningTasksCount == 1")}, []state.InstanceKey{one}},
		{"group", ecswire.ListContainerInstancesRequest{Filter: ptr("task:group == family:web")}, []state.InstanceKey{one}},
	} {
		got := map[string]bool{}
		for _, arn := range call(r, r.api.ListContainerInstances, &c.in).ContainerInstanceArns {
			got[arn] = true
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v", c.name, got)
		}
		for _, k := range c.want {
			if !got[k.ARN()] {
				t.Errorf("%s: %s is not listed", c.name, k)
			}
		}
	}
	refused(r, r.api.ListContainerInstances, &ecswire.ListContainerInstancesRequest{Filter: ptr("x ==")},
		"InvalidParameterException: invalid expression")
}

func TestInstancesAreDrainedAndTakenBack(t *testing.T) {
	r := newRig(t)
	host, gone := r.instance(state.KindEC2), strings.Repeat("f", 32)
	for _, status := range []string{"DRAINING", "DRAINING", "ACTIVE"} {
		out := call(r, r.api.UpdateContainerInstancesState, &ecswire.UpdateContainerInstancesStateRequest{
			ContainerInstances: []string{host.ID(), gone}, Status: &status})
		if *out.ContainerInstances[0].Status != status || *out.Failures[0].Reason != "MISSING" {
			t.Errorf("got %+v", out)
		}
	}
	refused(r, r.api.UpdateContainerInstancesState, &ecswire.UpdateContainerInstancesStateRequest{
		ContainerInstances: []string{host.ID()}, Status: ptr("INACTIVE")}, "InvalidParameterException: [ACTIVE, DRAINING]")
}

func TestAnInstanceWithTasksLeavesOnlyByForce(t *testing.T) {
	r := newRig(t)
	host := r.instance(state.KindEC2)
	task := r.run(1)[0]
	in := &ecswire.DeregisterContainerInstanceRequest{ContainerInstance: ptr(host.ID())}
	refused(r, r.api.DeregisterContainerInstance, in, "InvalidParameterException: Found running tasks on the instance.")
	in.Force = ptr(true)
	if w := call(r, r.api.DeregisterContainerInstance, in).ContainerInstance; *w.Status != "INACTIVE" {
		t.Errorf("got %s", *w.Status)
	}
	key, _ := taskKey(r.cluster(), task)
	if x := r.task(key); x.Desired != state.Stopped || x.StopCode != "TerminationNotice" ||
		x.StoppedReason != "Container instance deregistration forced by user" {
		t.Errorf("task %s %s %s", x.Desired, x.StopCode, x.StoppedReason)
	}
	refused(r, r.api.DeregisterContainerInstance, in, "InvalidParameterException: not found")
}

func TestTheKeysOfAnInstanceChangeNoOther(t *testing.T) {
	r := newRig(t)
	host := r.instance(state.KindEC2)
	r.caller.Instance = r.instance(state.KindExternal).ARN()
	refused(r, r.api.UpdateContainerInstancesState, &ecswire.UpdateContainerInstancesStateRequest{
		ContainerInstances: []string{host.ID()}, Status: ptr("DRAINING")}, "AccessDeniedException: another container instance")
	refused(r, r.api.DeregisterContainerInstance, &ecswire.DeregisterContainerInstanceRequest{
		ContainerInstance: ptr(host.ID()), Force: ptr(true)}, "AccessDeniedException: another container instance")
	r.caller.Instance = host.ARN()
	call(r, r.api.UpdateContainerInstancesState, &ecswire.UpdateContainerInstancesStateRequest{
		ContainerInstances: []string{host.ID()}, Status: ptr("DRAINING")})
}
