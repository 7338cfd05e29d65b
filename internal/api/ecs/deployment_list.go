package ecs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// ListServiceDeployments tells the story of a service, newest deployment first.
func (a *API) ListServiceDeployments(_ context.Context, c front.Caller, in *ecswire.ListServiceDeploymentsRequest) (
	*ecswire.ListServiceDeploymentsResponse, error,
) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	key, err := serviceKey(cluster.Key, deref(in.Service))
	if err != nil {
		return nil, err
	}
	_, ok := v.Services().Get(key)
	if !ok {
		return nil, serviceNotFound()
	}
	about := fmt.Sprint(key, in.Status, in.CreatedAt)
	p, err := newPaging(c, "ListServiceDeployments", about, in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, err
	}
	found := []*state.ServiceDeployment{}
	for h := range v.ServiceDeployments().Prefix(string(key) + "/") {
		if storyMatches(h, in) {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b *state.ServiceDeployment) int { return strings.Compare(storyOrder(b), storyOrder(a)) })
	shown, token := cutBackward(p, found, storyOrder)
	out := &ecswire.ListServiceDeploymentsResponse{NextToken: token,
		ServiceDeployments: make([]ecswire.ServiceDeploymentBrief, 0, len(shown))}
	for _, h := range shown {
		out.ServiceDeployments = append(out.ServiceDeployments, renderBrief(h))
	}
	return out, nil
}

// storyOrder sorts service deployments by age, the id between equals.
func storyOrder(h *state.ServiceDeployment) string {
	return fmt.Sprintf("%020d/%s", h.CreatedAt.UnixNano(), h.Key.ID())
}

func storyMatches(h *state.ServiceDeployment, in *ecswire.ListServiceDeploymentsRequest) bool {
	if len(in.Status) > 0 && !slices.Contains(in.Status, h.Status) {
		return false
	}
	if in.CreatedAt == nil {
		return true
	}
	if in.CreatedAt.After != nil && !h.CreatedAt.After(in.CreatedAt.After.Time) {
		return false
	}
	return in.CreatedAt.Before == nil || h.CreatedAt.Before(in.CreatedAt.Before.Time)
}

func renderBrief(h *state.ServiceDeployment) ecswire.ServiceDeploymentBrief {
	return ecswire.ServiceDeploymentBrief{
		ServiceDeploymentArn:     ptr(h.Key.ARN()),
		ServiceArn:               ptr(h.Service.ARN()),
		ClusterArn:               ptr(h.Service.Cluster().ARN()),
		CreatedAt:                wire.At(h.CreatedAt),
		StartedAt:                wire.At(h.StartedAt),
		FinishedAt:               wire.At(h.FinishedAt),
		TargetServiceRevisionArn: ptr(h.Target.ARN()),
		Status:                   ptr(h.Status),
		StatusReason:             opt(h.StatusReason),
	}
}
