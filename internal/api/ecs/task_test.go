package ecs

import (
	"net/netip"
	"strings"
	"testing"

	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

func (r *rig) run(count int32) []string {
	r.t.Helper()
	out := call(r, r.api.RunTask, &ecswire.RunTaskRequest{TaskDefinition: ptr("web"), Count: &count,
		StartedBy: ptr("ci"), Tags: []ecswire.Tag{{Key: ptr("k"), Value: ptr("v")}}})
	arns := []string{}
	for _, w := range out.Tasks {
		arns = append(arns, *w.TaskArn)
	}
	return arns
}

func TestDescribeTasksTakesEveryFormOfIdentifier(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindEC2)
	arn := r.run(1)[0]
	id := arn[strings.LastIndex(arn, "/")+1:]
	old := "arn:aws:ecs:us-east-1:111122223333:task/" + id
	gone := strings.Repeat("f", 32)
	out := call(r, r.api.DescribeTasks, &ecswire.DescribeTasksRequest{Tasks: []string{arn, id, old, gone}})
	if len(out.Tasks) != 3 || len(out.Failures) != 1 {
		t.Fatalf("%d tasks, %d failures", len(out.Tasks), len(out.Failures))
	}
	if *out.Failures[0].Reason != "MISSING" || !strings.HasSuffix(*out.Failures[0].Arn, ":task/default/"+gone) {
		t.Errorf("failure %s of %s", *out.Failures[0].Reason, *out.Failures[0].Arn)
	}
	if len(out.Tasks[0].Tags) != 0 {
		t.Error("tags were not asked for")
	}
	out = call(r, r.api.DescribeTasks, &ecswire.DescribeTasksRequest{Tasks: []string{arn}, Include: []string{"TAGS"}})
	if *out.Tasks[0].Tags[0].Key != "k" {
		t.Error("tags were asked for")
	}
	for want, tasks := range map[string][]string{
		"InvalidParameterException: Tasks cannot be empty.":                 nil,
		"InvalidParameterException: taskId length should be one of [32,36]": {"abc"},
		"InvalidParameterException: Unexpected number of separators":        {"arn:aws:ecs:us-east-1:111122223333:task/a/b/c"},
		"InvalidParameterException: at most 100":                            make([]string, 101),
	} {
		refused(r, r.api.DescribeTasks, &ecswire.DescribeTasksRequest{Tasks: tasks}, want)
	}
}

func TestDescribeTasksShowsWhatWasObserved(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindEC2)
	arn, code := r.run(1)[0], 137
	r.change(arn, func(x *state.Task) {
		x.Last, x.StopCode, x.StoppedReason = state.Stopped, state.StopEssentialExited, "Essential container in task exited"
		x.StartedAt, x.StoppedAt = r.now, r.now
		x.Interface = &state.Interface{ID: "eni-1", AttachmentID: "att", Subnet: "subnet-1", MAC: "02:00:00:00:00:01",
			Address: netip.MustParseAddr("172.31.0.9"), PrivateDNS: "ip-172-31-0-9.ec2.internal", Status: "ATTACHED"}
		c := &x.Containers[0]
		c.Last, c.ExitCode, c.Reason, c.ImageDigest, c.RuntimeID = state.Stopped, &code, "OutOfMemoryError: x", "sha256:1", "rt"
		c.NetworkBindings = []state.NetworkBinding{{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 32768, Protocol: "tcp"}}
	})
	w := call(r, r.api.DescribeTasks, &ecswire.DescribeTasksRequest{Tasks: []string{arn}}).Tasks[0]
	c := w.Containers[0]
	if *c.ExitCode != 137 || *c.Reason != "OutOfMemoryError: x" || *c.RuntimeId != "rt" || *c.ImageDigest != "sha256:1" ||
		*c.NetworkBindings[0].HostPort != 32768 || *c.NetworkInterfaces[0].PrivateIpv4Address != "172.31.0.9" {
		t.Errorf("container %+v", c)
	}
	details := map[string]string{}
	for _, d := range w.Attachments[0].Details {
		details[*d.Name] = *d.Value
	}
	if *w.Attachments[0].Type != "ElasticNetworkInterface" || details["networkInterfaceId"] != "eni-1" ||
		details["privateIPv4Address"] != "172.31.0.9" || details["subnetId"] != "subnet-1" ||
		details["macAddress"] != "02:00:00:00:00:01" {
		t.Errorf("attachment %v", details)
	}
	if *w.StopCode != "EssentialContainerExited" || w.StoppedAt == nil || w.StartedAt == nil {
		t.Errorf("task %+v", w)
	}
}

func TestStopTaskKeepsTheFirstReasonAndDropsTheTags(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindEC2)
	arns := r.run(2)
	w := call(r, r.api.StopTask, &ecswire.StopTaskRequest{Task: &arns[0]}).Task
	if *w.DesiredStatus != "STOPPED" || *w.StoppedReason != "Task stopped by user" || *w.StopCode != "UserInitiated" ||
		w.StoppingAt == nil || *w.Version != 2 {
		t.Errorf("got %+v", w)
	}
	w = call(r, r.api.StopTask, &ecswire.StopTaskRequest{Task: &arns[0], Reason: ptr("again")}).Task
	if *w.StoppedReason != "Task stopped by user" {
		t.Errorf("the second reason won: %s", *w.StoppedReason)
	}
	w = call(r, r.api.StopTask, &ecswire.StopTaskRequest{Task: &arns[1], Reason: ptr("because")}).Task
	if *w.StoppedReason != "because" {
		t.Errorf("reason is %s", *w.StoppedReason)
	}
	shown := call(r, r.api.DescribeTasks, &ecswire.DescribeTasksRequest{Tasks: arns, Include: []string{"TAGS"}})
	if len(shown.Tasks[0].Tags)+len(shown.Tasks[1].Tags) != 0 {
		t.Error("tags outlived the stop")
	}
	refused(r, r.api.StopTask, &ecswire.StopTaskRequest{Task: ptr(strings.Repeat("f", 32))},
		"InvalidParameterException: The referenced task was not found.")
}

func TestListTasksFiltersAndPages(t *testing.T) {
	r := newRig(t)
	host := r.instance(state.KindEC2)
	arns := r.run(4)
	call(r, r.api.StopTask, &ecswire.StopTaskRequest{Task: &arns[0]})
	r.change(arns[0], func(x *state.Task) { x.Last = state.Stopped })
	call(r, r.api.StopTask, &ecswire.StopTaskRequest{Task: &arns[1]})
	for _, c := range []struct {
		name string
		in   ecswire.ListTasksRequest
		want int
	}{
		{"RUNNING is the default", ecswire.ListTasksRequest{}, 2},
		{"STOPPED is what shall be stopped", ecswire.ListTasksRequest{DesiredStatus: ptr("STOPPED")}, 2},
		{"PENDING never matches", ecswire.ListTasksRequest{DesiredStatus: ptr("PENDING")}, 0},
		{"family", ecswire.ListTasksRequest{Family: ptr("web")}, 2},
		{"family, stopped", ecswire.ListTasksRequest{Family: ptr("web"), DesiredStatus: ptr("STOPPED")}, 2},
		{"another family", ecswire.ListTasksRequest{Family: ptr("net")}, 0},
		{"instance", ecswire.ListTasksRequest{ContainerInstance: ptr(host.ID())}, 2},
		{"startedBy", ecswire.ListTasksRequest{StartedBy: ptr("ci")}, 2},
		{"launch type", ecswire.ListTasksRequest{LaunchType: ptr("FARGATE")}, 0},
	} {
		if got := call(r, r.api.ListTasks, &c.in).TaskArns; len(got) != c.want {
			t.Errorf("%s: %d tasks, want %d", c.name, len(got), c.want)
		}
	}
	first := call(r, r.api.ListTasks, &ecswire.ListTasksRequest{MaxResults: ptr(int32(1))})
	second := call(r, r.api.ListTasks, &ecswire.ListTasksRequest{MaxResults: ptr(int32(1)), NextToken: first.NextToken})
	if len(first.TaskArns) != 1 || len(second.TaskArns) != 1 || first.TaskArns[0] == second.TaskArns[0] ||
		second.NextToken != nil {
		t.Errorf("pages %v %v", first.TaskArns, second.TaskArns)
	}
	for want, in := range map[string]*ecswire.ListTasksRequest{
		"InvalidParameterException: startedBy":        {StartedBy: ptr("ci"), Family: ptr("web")},
		"InvalidParameterException: When specifying":  {StartedBy: ptr("ci"), LaunchType: ptr("EC2")},
		"ServiceNotFoundException: Service not found": {ServiceName: ptr("nope")},
		"InvalidParameterException: token":            {NextToken: ptr("???")},
		"InvalidParameterException: maxResults":       {MaxResults: ptr(int32(101))},
	} {
		refused(r, r.api.ListTasks, in, want)
	}
}
