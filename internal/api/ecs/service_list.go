package ecs

import (
	"context"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
)

// usualServices is the page of ListServices; all other listings show 100.
const usualServices = 10

// ListServices answers the ARNs of a cluster's ACTIVE services: one on its way out is described, not listed.
func (a *API) ListServices(_ context.Context, c front.Caller, in *ecswire.ListServicesRequest) (
	*ecswire.ListServicesResponse, error,
) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	launch, scheduling := deref(in.LaunchType), deref(in.SchedulingStrategy)
	managed := deref(in.ResourceManagementType) == "ECS" // Express services: there are none
	about := strings.Join([]string{string(cluster.Key), launch, scheduling}, "\x00")
	p, err := newPaging(c, "ListServices", about, in.NextToken, in.MaxResults, usualServices)
	if err != nil {
		return nil, err
	}
	found := []string{}
	for s := range v.Services().After(string(cluster.Key)+"/", state.ServiceKey(p.after)) {
		if s.Status != state.StatusActive || managed || launch != "" && s.LaunchType != launch ||
			scheduling != "" && s.Scheduling != scheduling {
			continue
		}
		found = append(found, string(s.Key))
		if len(found) > p.limit {
			break
		}
	}
	keys, token := cut(p, found, func(k string) string { return k })
	out := &ecswire.ListServicesResponse{ServiceArns: make([]string, 0, len(keys)), NextToken: token}
	for _, k := range keys {
		out.ServiceArns = append(out.ServiceArns, state.ServiceKey(k).ARN())
	}
	return out, nil
}
