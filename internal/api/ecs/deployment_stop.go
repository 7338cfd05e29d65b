package ecs

import (
	"context"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// StopServiceDeployment asks control/rollout to end a deployment: to leave it where it is (ABORT) or to go back to
// what ran before (ROLLBACK, the default).
func (a *API) StopServiceDeployment(ctx context.Context, c front.Caller, in *ecswire.StopServiceDeploymentRequest) (
	*ecswire.StopServiceDeploymentResponse, error,
) {
	service, id, err := storyKey(c, deref(in.ServiceDeploymentArn), "service-deployment")
	if err != nil {
		return nil, err
	}
	key, kind := state.NewServiceDeploymentKey(service, id), deref(in.StopType)
	if kind == "" {
		kind = "ROLLBACK"
	}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		h, ok := tx.ServiceDeployments().Get(key)
		if !ok {
			return serviceDeploymentNotFound()
		}
		if h.StopRequest == kind && !finished(h) {
			return nil
		}
		if h.StopRequest != "" || finished(h) {
			return fault.New("ConflictException", "The service deployment is in status "+h.Status+
				" and can not be stopped.")
		}
		asked := *h
		asked.StopRequest = kind
		tx.ServiceDeployments().Put(&asked)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.StopServiceDeploymentResponse{ServiceDeploymentArn: ptr(key.ARN())}, nil
}

// finished says whether there is nothing left to stop.
func finished(h *state.ServiceDeployment) bool {
	switch h.Status {
	case state.ServiceDeploymentSuccessful, state.ServiceDeploymentStopped,
		state.ServiceDeploymentRollbackSuccessful, state.ServiceDeploymentRollbackFailed:
		return true
	}
	return false
}
