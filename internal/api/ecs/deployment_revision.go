package ecs

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// DescribeServiceRevisions shows what deployments brought about: revisions never change.
func (a *API) DescribeServiceRevisions(_ context.Context, c front.Caller,
	in *ecswire.DescribeServiceRevisionsRequest,
) (*ecswire.DescribeServiceRevisionsResponse, error) {
	err := storyLimits("serviceRevisionArns", in.ServiceRevisionArns)
	if err != nil {
		return nil, err
	}
	v := a.Store.View()
	out := &ecswire.DescribeServiceRevisionsResponse{ServiceRevisions: []ecswire.ServiceRevision{},
		Failures: []ecswire.Failure{}}
	for _, arn := range in.ServiceRevisionArns {
		service, id, err := storyKey(c, arn, "service-revision")
		if err != nil {
			return nil, err
		}
		r, ok := v.ServiceRevisions().Get(state.NewRevisionKey(service, id))
		if !ok {
			out.Failures = append(out.Failures, missing(arn))
			continue
		}
		out.ServiceRevisions = append(out.ServiceRevisions, renderRevision(r))
	}
	return out, nil
}

func renderRevision(r *state.ServiceRevision) ecswire.ServiceRevision {
	w := ecswire.ServiceRevision{
		ServiceRevisionArn:       ptr(r.Key.ARN()),
		ServiceArn:               ptr(r.Service.ARN()),
		ClusterArn:               ptr(r.Service.Cluster().ARN()),
		TaskDefinition:           ptr(r.TaskDefinition.ARN()),
		CapacityProviderStrategy: renderGiven(r.CapacityStrategy),
		LaunchType:               opt(r.LaunchType),
		PlatformVersion:          opt(r.PlatformVersion),
		PlatformFamily:           familyOf(r.PlatformVersion),
		LoadBalancers:            []ecswire.LoadBalancer{},
		ServiceRegistries:        []ecswire.ServiceRegistry{},
		NetworkConfiguration:     renderNetwork(r.Network),
		ContainerImages:          []ecswire.ContainerImage{},
		GuardDutyEnabled:         ptr(false),
		CreatedAt:                wire.At(r.CreatedAt),
	}
	for _, i := range r.Images {
		w.ContainerImages = append(w.ContainerImages, ecswire.ContainerImage{ContainerName: ptr(i.Container),
			Image: opt(i.Image), ImageDigest: opt(i.Digest)})
	}
	return w
}
