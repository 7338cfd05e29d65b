package ecs

import (
	"context"

	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
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
		out.ServiceRevisions = append(out.ServiceRevisions, renderRevision(v, r))
	}
	return out, nil
}

func renderRevision(v store.View, r *state.ServiceRevision) ecswire.ServiceRevision {
	return ecswire.ServiceRevision{
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
		ContainerImages:          revisionImages(v, r),
		GuardDutyEnabled:         ptr(false),
		CreatedAt:                wire.At(r.CreatedAt),
	}
}

// revisionImages are the images of a revision's containers, with the digest that its tasks reported: AWS resolves a
// tag once for a deployment, here the first task to run it says what it was.
func revisionImages(v store.View, r *state.ServiceRevision) []ecswire.ContainerImage {
	out := []ecswire.ContainerImage{}
	td, ok := v.TaskDefinitions().Get(r.TaskDefinition)
	if !ok {
		return out
	}
	digests := map[string]string{}
	for t := range v.Tasks().OfDeployment(state.NewDeploymentKey(r.Service, r.Key.ID())) {
		for i := range t.Containers {
			if c := &t.Containers[i]; c.ImageDigest != "" {
				digests[c.Name] = c.ImageDigest
			}
		}
	}
	for i := range td.Containers {
		c := &td.Containers[i]
		out = append(out, ecswire.ContainerImage{ContainerName: ptr(c.Name), Image: ptr(c.Image),
			ImageDigest: opt(digests[c.Name])})
	}
	return out
}
