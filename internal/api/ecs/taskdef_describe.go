package ecs

import (
	"context"
	"slices"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// DescribeTaskDefinition shows a revision in any status, or the latest ACTIVE one of a family.
func (a *API) DescribeTaskDefinition(_ context.Context, c front.Caller,
	in *ecswire.DescribeTaskDefinitionRequest,
) (*ecswire.DescribeTaskDefinitionResponse, error) {
	td, err := describedTaskDefinition(a.Store.View(), c, deref(in.TaskDefinition))
	if err != nil {
		return nil, err
	}
	out := &ecswire.DescribeTaskDefinitionResponse{TaskDefinition: renderTaskDefinition(td)}
	if slices.Contains(in.Include, "TAGS") {
		out.Tags = renderTags(td.Tags)
	}
	return out, nil
}

func describedTaskDefinition(v store.View, c front.Caller, ref string) (*state.TaskDefinition, error) {
	td, err := findTaskDefinition(v, c, ref)
	if err != nil {
		return nil, err
	}
	if td == nil {
		return nil, taskDefinitionUnknown()
	}
	return td, nil
}

// ListTaskDefinitions lists revisions by family name and number. INACTIVE ones are listed on demand only.
func (a *API) ListTaskDefinitions(_ context.Context, c front.Caller,
	in *ecswire.ListTaskDefinitionsRequest,
) (*ecswire.ListTaskDefinitionsResponse, error) {
	status, sort := deref(in.Status), deref(in.Sort)
	if status == "" {
		status = state.StatusActive
	}
	if sort != "" && sort != "ASC" && sort != "DESC" {
		return nil, invalid("sort '%s' is not valid. The valid values are ASC and DESC.", sort)
	}
	family := deref(in.FamilyPrefix)
	p, err := newPaging(c, "ListTaskDefinitions", family+"/"+status+"/"+sort, in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, err
	}
	found := []*state.TaskDefinition{}
	// familyPrefix is a whole family name here, not the start of one (API_ListTaskDefinitions).
	prefix := scopeOf(c).String() + "/"
	if family != "" {
		prefix += family + "/"
	}
	for td := range a.Store.View().TaskDefinitions().Prefix(prefix) {
		if td.Status == status {
			found = append(found, td)
		}
	}
	key := func(td *state.TaskDefinition) string { return string(td.Key) }
	shown, next := cut(p, found, key)
	if sort == "DESC" {
		slices.Reverse(found)
		shown, next = cutBackward(p, found, key)
	}
	arn := func(td *state.TaskDefinition) string { return td.Key.ARN() }
	return &ecswire.ListTaskDefinitionsResponse{TaskDefinitionArns: listed(shown, arn), NextToken: next}, nil
}

// ListTaskDefinitionFamilies lists family names: those with an ACTIVE revision, those without one, or all.
func (a *API) ListTaskDefinitionFamilies(_ context.Context, c front.Caller,
	in *ecswire.ListTaskDefinitionFamiliesRequest,
) (*ecswire.ListTaskDefinitionFamiliesResponse, error) {
	status, prefix := deref(in.Status), deref(in.FamilyPrefix)
	p, err := newPaging(c, "ListTaskDefinitionFamilies", prefix+"/"+status, in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, err
	}
	v := a.Store.View()
	names := []string{}
	for f := range v.Families().Prefix(scopeOf(c).String() + "/" + prefix) {
		active := latestRevision(v, f.Key) != nil
		if status == "ALL" || active == (status != state.StatusInactive) {
			names = append(names, f.Key.Name())
		}
	}
	shown, next := cut(p, names, func(s string) string { return s })
	return &ecswire.ListTaskDefinitionFamiliesResponse{Families: shown, NextToken: next}, nil
}
