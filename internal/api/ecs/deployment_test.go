package ecs

import (
	"strings"
	"testing"
	"time"

	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

func (r *rig) stories(in *ecswire.ListServiceDeploymentsRequest) []ecswire.ServiceDeploymentBrief {
	r.t.Helper()
	in.Service = ptr("web")
	return call(r, r.api.ListServiceDeployments, in).ServiceDeployments
}

func TestAClientThatDeploysFindsItsDeploymentByTheNumber(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	asked := wire.At(r.now)
	r.now = r.now.Add(time.Second)
	s := call(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"), TaskDefinition: ptr("web:2")}).Service
	number := strings.TrimPrefix(*s.Deployments[0].Id, "ecs-svc/")
	found := r.stories(&ecswire.ListServiceDeploymentsRequest{CreatedAt: &ecswire.CreatedAt{After: asked}})
	if len(found) != 1 || !strings.Contains(*found[0].TargetServiceRevisionArn, number) || *found[0].Status != "IN_PROGRESS" {
		t.Fatalf("found %+v", found)
	}
	if all := r.stories(&ecswire.ListServiceDeploymentsRequest{}); len(all) != 2 ||
		*all[0].ServiceDeploymentArn != *found[0].ServiceDeploymentArn {
		t.Errorf("all: %+v", all)
	}
	if none := r.stories(&ecswire.ListServiceDeploymentsRequest{Status: []string{"SUCCESSFUL"}}); len(none) != 0 {
		t.Errorf("successful: %+v", none)
	}
	w := call(r, r.api.DescribeServiceDeployments, &ecswire.DescribeServiceDeploymentsRequest{
		ServiceDeploymentArns: []string{*found[0].ServiceDeploymentArn, *found[0].ServiceDeploymentArn + "x"}})
	d := w.ServiceDeployments[0]
	if len(w.Failures) != 1 || len(d.SourceServiceRevisions) != 1 || *d.TargetServiceRevision.RequestedTaskCount != 2 ||
		*d.DeploymentConfiguration.MaximumPercent != 200 {
		t.Errorf("described %+v", d)
	}
	v := call(r, r.api.DescribeServiceRevisions, &ecswire.DescribeServiceRevisionsRequest{
		ServiceRevisionArns: []string{*found[0].TargetServiceRevisionArn}}).ServiceRevisions[0]
	if !strings.HasSuffix(*v.TaskDefinition, "web:2") || *v.LaunchType != "EC2" {
		t.Errorf("revision %+v", v)
	}
}

func TestServiceDeploymentsArePagedNewestFirst(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	for range 4 {
		r.now = r.now.Add(time.Second)
		call(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"), ForceNewDeployment: ptr(true)})
	}
	in, seen := &ecswire.ListServiceDeploymentsRequest{Service: ptr("web"), MaxResults: ptr(int32(2))}, []time.Time{}
	for {
		out := call(r, r.api.ListServiceDeployments, in)
		for _, b := range out.ServiceDeployments {
			seen = append(seen, b.CreatedAt.Time)
		}
		if out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
	}
	if len(seen) != 5 {
		t.Fatalf("saw %d", len(seen))
	}
	for i := 1; i < len(seen); i++ {
		if !seen[i].Before(seen[i-1]) {
			t.Errorf("page order %v", seen)
		}
	}
}

func TestADeploymentIsStoppedOnceAndOnlyWhileItRuns(t *testing.T) {
	r := newRig(t)
	call(r, r.api.CreateService, webService())
	arn := r.stories(&ecswire.ListServiceDeploymentsRequest{})[0].ServiceDeploymentArn
	in := &ecswire.StopServiceDeploymentRequest{ServiceDeploymentArn: arn}
	if got := call(r, r.api.StopServiceDeployment, in); *got.ServiceDeploymentArn != *arn {
		t.Errorf("answered %s", *got.ServiceDeploymentArn)
	}
	call(r, r.api.StopServiceDeployment, in)
	refused(r, r.api.StopServiceDeployment,
		&ecswire.StopServiceDeploymentRequest{ServiceDeploymentArn: arn, StopType: ptr("ABORT")}, "ConflictException: ")
	r.put(func(tx *store.Tx) {
		for h := range tx.ServiceDeployments().All() {
			x := *h
			if x.StopRequest != "ROLLBACK" {
				t.Errorf("request is %q", x.StopRequest)
			}
			x.Status = state.ServiceDeploymentRollbackSuccessful
			tx.ServiceDeployments().Put(&x)
		}
	})
	refused(r, r.api.StopServiceDeployment, in, "ConflictException: ROLLBACK_SUCCESSFUL")
	refused(r, r.api.StopServiceDeployment, &ecswire.StopServiceDeploymentRequest{ServiceDeploymentArn: ptr(*arn + "x")},
		"ServiceDeploymentNotFoundException: ")
	refused(r, r.api.StopServiceDeployment, &ecswire.StopServiceDeploymentRequest{ServiceDeploymentArn: ptr("x")},
		"InvalidParameterException: Invalid ARN")
	refused(r, r.api.ListServiceDeployments, &ecswire.ListServiceDeploymentsRequest{Service: ptr("no")},
		"ServiceNotFoundException: ")
	refused(r, r.api.DescribeServiceRevisions, &ecswire.DescribeServiceRevisionsRequest{}, "InvalidParameterException: empty")
}

func TestOnlyServiceTasksAreProtected(t *testing.T) {
	r := newRig(t)
	r.instance(state.KindEC2)
	alone := r.run(1)[0]
	call(r, r.api.CreateService, webService())
	d := r.deployments("web")[0]
	one, two, three := r.serviceTask(d, state.Running), r.serviceTask(d, state.Running), r.serviceTask(d, state.Running)
	out := call(r, r.api.UpdateTaskProtection, &ecswire.UpdateTaskProtectionRequest{ProtectionEnabled: ptr(true),
		Tasks: []string{alone, one.Key.ARN(), two.Key.ARN(), three.Key.ARN(), strings.Repeat("f", 32)}})
	reasons := []string{}
	for _, f := range out.Failures {
		reasons = append(reasons, *f.Reason)
	}
	if got := strings.Join(reasons, " "); got != "TASK_NOT_VALID DEPLOYMENT_BLOCKED MISSING" {
		t.Errorf("failures %s", got)
	}
	if len(out.ProtectedTasks) != 2 || out.ProtectedTasks[0].ExpirationDate.Sub(r.now) != 2*time.Hour {
		t.Errorf("protected %+v", out.ProtectedTasks)
	}
	get := &ecswire.GetTaskProtectionRequest{Tasks: []string{one.Key.ARN()}}
	if !*call(r, r.api.GetTaskProtection, get).ProtectedTasks[0].ProtectionEnabled {
		t.Error("not protected")
	}
	call(r, r.api.UpdateTaskProtection, &ecswire.UpdateTaskProtectionRequest{ProtectionEnabled: ptr(false), Tasks: get.Tasks})
	if *call(r, r.api.GetTaskProtection, get).ProtectedTasks[0].ProtectionEnabled {
		t.Error("still protected")
	}
	r.now = r.now.Add(3 * time.Hour)
	if *call(r, r.api.GetTaskProtection, &ecswire.GetTaskProtectionRequest{Tasks: []string{two.Key.ARN()}}).ProtectedTasks[0].ProtectionEnabled {
		t.Error("protection did not expire")
	}
	refused(r, r.api.UpdateTaskProtection, &ecswire.UpdateTaskProtectionRequest{ProtectionEnabled: ptr(true),
		Tasks: get.Tasks, ExpiresInMinutes: ptr(int32(2881))}, "InvalidParameterException: expiresInMinutes")
	refused(r, r.api.UpdateTaskProtection, &ecswire.UpdateTaskProtectionRequest{ProtectionEnabled: ptr(true),
		Tasks: make([]string, 11)}, "InvalidParameterException: tasks")
}
