package ecs

import (
	"context"
	"encoding/json"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// RegisterTaskDefinition adds a revision to a family. Equal definitions make new revisions too, and a number is
// never given twice, whatever was deleted in between.
func (a *API) RegisterTaskDefinition(ctx context.Context, c front.Caller,
	in *ecswire.RegisterTaskDefinitionRequest,
) (*ecswire.RegisterTaskDefinitionResponse, error) {
	td, err := a.newTaskDefinition(c, in)
	if err != nil {
		return nil, err
	}
	family := state.NewFamilyKey(scopeOf(c), deref(in.Family))
	revision := *td
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		last := 0
		f, ok := tx.Families().Get(family)
		if ok {
			last = f.Last
		}
		tx.Families().Put(&state.Family{Key: family, Last: last + 1})
		kept := *td
		kept.Key = family.Revision(last + 1)
		tx.TaskDefinitions().Put(&kept)
		revision.Key = kept.Key
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &ecswire.RegisterTaskDefinitionResponse{TaskDefinition: renderTaskDefinition(&revision)}
	if len(td.Tags) > 0 {
		out.Tags = renderTags(td.Tags)
	}
	return out, nil
}

// newTaskDefinition is the checked record, all but its revision.
func (a *API) newTaskDefinition(c front.Caller, in *ecswire.RegisterTaskDefinitionRequest,
) (*state.TaskDefinition, error) {
	err := checkFamily(deref(in.Family))
	if err != nil {
		return nil, err
	}
	if in.Tags != nil && len(in.Tags) == 0 {
		return nil, invalid("Tags can not be empty.")
	}
	tags, err := parseTags(in.Tags)
	if err != nil {
		return nil, err
	}
	err = checkDefinitionSize(in)
	if err != nil {
		return nil, err
	}
	td, err := fromWire(in)
	if err != nil {
		return nil, err
	}
	err = checkTaskDefinition(td)
	if err != nil {
		return nil, err
	}
	td.Status = state.StatusActive
	td.Tags = tags
	td.RegisteredAt = a.Now()
	td.RegisteredBy = c.Principal
	td.Compatibilities = compatibilities(td)
	td.RequiresAttributes = requiredAttributes(td)
	return td, nil
}

// checkDefinitionSize measures the definition as ECS does: the JSON of it, tags left out.
func checkDefinitionSize(in *ecswire.RegisterTaskDefinitionRequest) error {
	bare := *in
	bare.Tags = nil
	text, err := json.Marshal(&bare)
	if err != nil {
		return err
	}
	if len(text) > maxDefinitionBytes {
		return client("Actual length: '%d'. Max allowed length is '%d' bytes.", len(text), maxDefinitionBytes)
	}
	return nil
}
