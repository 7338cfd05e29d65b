package ecs

import (
	"context"
	"strings"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

const maxDeletedDefinitions = 10

// DeregisterTaskDefinition makes a revision INACTIVE: what runs goes on, nothing new starts from it.
func (a *API) DeregisterTaskDefinition(ctx context.Context, c front.Caller,
	in *ecswire.DeregisterTaskDefinitionRequest,
) (*ecswire.DeregisterTaskDefinitionResponse, error) {
	if !hasRevision(deref(in.TaskDefinition)) {
		return nil, client("Revision is missing.")
	}
	shown := (*state.TaskDefinition)(nil)
	now := a.Now()
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		td, err := describedTaskDefinition(tx.View(), c, *in.TaskDefinition)
		if err != nil {
			return err
		}
		shown = td
		if td.Status != state.StatusActive {
			return nil
		}
		next := *td
		next.Status = state.StatusInactive
		next.DeregisteredAt = now
		tx.TaskDefinitions().Put(&next)
		shown = &next
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.DeregisterTaskDefinitionResponse{TaskDefinition: renderTaskDefinition(shown)}, nil
}

// hasRevision says whether a reference names one revision and not a whole family.
func hasRevision(ref string) bool {
	return strings.Contains(ref[strings.LastIndexByte(ref, '/')+1:], ":")
}

// DeleteTaskDefinitions asks for the end of INACTIVE revisions: they are DELETE_IN_PROGRESS until the last task,
// deployment and service that uses them is gone.
func (a *API) DeleteTaskDefinitions(ctx context.Context, c front.Caller,
	in *ecswire.DeleteTaskDefinitionsRequest,
) (*ecswire.DeleteTaskDefinitionsResponse, error) {
	n := len(in.TaskDefinitions)
	if n < 1 || n > maxDeletedDefinitions {
		return nil, invalid("taskDefinitions must have between 1 and %d items.", maxDeletedDefinitions)
	}
	out := (*ecswire.DeleteTaskDefinitionsResponse)(nil)
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		out = &ecswire.DeleteTaskDefinitionsResponse{
			TaskDefinitions: []ecswire.TaskDefinition{}, Failures: []ecswire.Failure{}}
		for _, ref := range in.TaskDefinitions {
			td, err := a.deleteTaskDefinition(tx, c, ref)
			f, refused := fault.As(err)
			if err != nil && !refused {
				return err
			}
			if refused {
				out.Failures = append(out.Failures, failure(ref, f.Message, ""))
				continue
			}
			out.TaskDefinitions = append(out.TaskDefinitions, *renderTaskDefinition(td))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *API) deleteTaskDefinition(tx *store.Tx, c front.Caller, ref string) (*state.TaskDefinition, error) {
	if !hasRevision(ref) {
		return nil, client("The specified task definition identifier is invalid. Specify a valid name or ARN and " +
			"try again.")
	}
	td, err := describedTaskDefinition(tx.View(), c, ref)
	if err != nil {
		return nil, err
	}
	if td.Status == state.StatusActive {
		return nil, client("The specified task definition is still in ACTIVE status. Please deregister the target " +
			"and try again.")
	}
	if td.Status == state.StatusDeleteInProgress {
		return td, nil
	}
	next := *td
	next.Status = state.StatusDeleteInProgress
	next.DeleteRequestedAt = a.Now()
	tx.TaskDefinitions().Put(&next)
	return &next, nil
}
