package ecs

import (
	"context"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// maxStories is the batch limit of DescribeServiceDeployments and DescribeServiceRevisions.
const maxStories = 20

// DescribeServiceDeployments tells how deployments went, or how far they are.
func (a *API) DescribeServiceDeployments(_ context.Context, c front.Caller,
	in *ecswire.DescribeServiceDeploymentsRequest,
) (*ecswire.DescribeServiceDeploymentsResponse, error) {
	err := storyLimits("serviceDeploymentArns", in.ServiceDeploymentArns)
	if err != nil {
		return nil, err
	}
	v := a.Store.View()
	out := &ecswire.DescribeServiceDeploymentsResponse{ServiceDeployments: []ecswire.ServiceDeployment{},
		Failures: []ecswire.Failure{}}
	for _, arn := range in.ServiceDeploymentArns {
		service, id, err := storyKey(c, arn, "service-deployment")
		if err != nil {
			return nil, err
		}
		h, ok := v.ServiceDeployments().Get(state.NewServiceDeploymentKey(service, id))
		if !ok {
			out.Failures = append(out.Failures, missing(arn))
			continue
		}
		out.ServiceDeployments = append(out.ServiceDeployments, describeStory(v, h))
	}
	return out, nil
}

func storyLimits(name string, arns []string) error {
	if len(arns) == 0 {
		return invalid("%s cannot be empty.", name)
	}
	if len(arns) > maxStories {
		return invalid("%s can have at most %d items.", name, maxStories)
	}
	return nil
}

// storyKey reads the ARN of something that belongs to a service: kind/cluster/service/id.
func storyKey(c front.Caller, arn, kind string) (state.ServiceKey, string, error) {
	r, isARN, err := parseARN(arn)
	if err != nil {
		return "", "", err
	}
	if !isARN || r.kind != kind || len(r.path) != 3 {
		return "", "", invalid("Invalid ARN: %s", arn)
	}
	err = r.own(scopeOf(c))
	if err != nil {
		return "", "", err
	}
	return state.NewServiceKey(state.NewClusterKey(r.scope, r.path[0]), r.path[1]), r.path[2], nil
}

func describeStory(v store.View, h *state.ServiceDeployment) ecswire.ServiceDeployment {
	w := ecswire.ServiceDeployment{
		ServiceDeploymentArn:    ptr(h.Key.ARN()),
		ServiceArn:              ptr(h.Service.ARN()),
		ClusterArn:              ptr(h.Service.Cluster().ARN()),
		CreatedAt:               wire.At(h.CreatedAt),
		StartedAt:               wire.At(h.StartedAt),
		FinishedAt:              wire.At(h.FinishedAt),
		StoppedAt:               wire.At(h.StoppedAt),
		UpdatedAt:               wire.At(h.UpdatedAt),
		Status:                  ptr(h.Status),
		StatusReason:            opt(h.StatusReason),
		DeploymentConfiguration: renderDeploy(h.Config),
		SourceServiceRevisions:  []ecswire.ServiceRevisionSummary{},
		Alarms: &ecswire.ServiceDeploymentAlarms{Status: ptr("DISABLED"), AlarmNames: []string{},
			TriggeredAlarmNames: []string{}},
	}
	w.DeploymentCircuitBreaker = renderBreaker(h)
	if h.RollbackTo != "" {
		w.Rollback = &ecswire.Rollback{Reason: opt(h.RollbackReason), StartedAt: wire.At(h.RollbackAt),
			ServiceRevisionArn: ptr(h.RollbackTo.ARN())}
	}
	of := []counted(nil)
	s, ok := v.Services().Get(h.Service)
	if ok {
		of, _, _ = countTasks(v, s)
	}
	for _, r := range h.Sources {
		w.SourceServiceRevisions = append(w.SourceServiceRevisions, summary(s, of, r))
	}
	w.TargetServiceRevision = ptr(summary(s, of, h.Target))
	return w
}

func renderBreaker(h *state.ServiceDeployment) *ecswire.ServiceDeploymentCircuitBreaker {
	status := h.BreakerStatus
	if status == "" {
		status = "DISABLED"
		if h.Config.CircuitBreaker {
			status = "MONITORING"
		}
	}
	return &ecswire.ServiceDeploymentCircuitBreaker{Status: &status, FailureCount: ptr(int32(h.FailureCount)),
		Threshold: ptr(int32(h.Threshold))}
}

// summary counts the tasks of a revision; one whose deployment is gone has none.
func summary(s *state.Service, of []counted, r state.RevisionKey) ecswire.ServiceRevisionSummary {
	w := ecswire.ServiceRevisionSummary{Arn: ptr(r.ARN()), RequestedTaskCount: ptr(int32(0)),
		RunningTaskCount: ptr(int32(0)), PendingTaskCount: ptr(int32(0))}
	i := slices.IndexFunc(of, func(d counted) bool { return d.Revision == r })
	if i >= 0 {
		w.RequestedTaskCount = ptr(desiredOf(s, of[i]))
		w.RunningTaskCount, w.PendingTaskCount = &of[i].running, &of[i].pending
	}
	return w
}
