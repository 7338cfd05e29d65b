package ecs

import (
	"testing"

	"longshore/internal/gen/ecswire"
)

func TestRebalancingWantsRoomAndASpread(t *testing.T) {
	r := newRig(t)
	on := func(edit func(*ecswire.CreateServiceRequest)) *ecswire.CreateServiceRequest {
		in := webService()
		in.AvailabilityZoneRebalancing = ptr("ENABLED")
		edit(in)
		return in
	}
	for want, edit := range map[string]func(*ecswire.CreateServiceRequest){
		"InvalidParameterException: requires a maximumPercent": func(in *ecswire.CreateServiceRequest) {
			in.DeploymentConfiguration = &ecswire.DeploymentConfiguration{
				MaximumPercent: ptr(int32(100)), MinimumHealthyPercent: ptr(int32(50))}
		},
		"InvalidParameterException: first placement strategy": func(in *ecswire.CreateServiceRequest) {
			in.PlacementStrategy = []ecswire.PlacementStrategy{{Type: ptr("random")}}
		},
		"InvalidParameterException: DAEMON": func(in *ecswire.CreateServiceRequest) {
			in.SchedulingStrategy, in.DesiredCount = ptr("DAEMON"), nil
		},
	} {
		refused(r, r.api.CreateService, on(edit), want)
	}
	made := call(r, r.api.CreateService, on(func(*ecswire.CreateServiceRequest) {})).Service
	if *made.AvailabilityZoneRebalancing != "ENABLED" {
		t.Error("not shown")
	}
	kept := call(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"), DesiredCount: ptr(int32(3))})
	off := call(r, r.api.UpdateService, &ecswire.UpdateServiceRequest{Service: ptr("web"),
		AvailabilityZoneRebalancing: ptr("DISABLED")})
	if *kept.Service.AvailabilityZoneRebalancing != "ENABLED" || *off.Service.AvailabilityZoneRebalancing != "DISABLED" ||
		len(off.Service.Deployments) != 1 {
		t.Errorf("then %s, then %s with %d deployments", *kept.Service.AvailabilityZoneRebalancing,
			*off.Service.AvailabilityZoneRebalancing, len(off.Service.Deployments))
	}
}
