package ecs

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

const (
	maxAttributes       = 10 // custom ones a resource, and a call
	instanceTarget      = "container-instance"
	maxAttributeSize    = 128
	builtInAttribute    = "ecs."
	builtInCapabilities = "com.amazonaws.ecs."
)

var attributeForm = regexp.MustCompile(`^[A-Za-z0-9_\-./\\]{1,128}$`)

// PutAttributes sets custom attributes of container instances; all of them or none.
func (a *API) PutAttributes(ctx context.Context, c front.Caller, in *ecswire.PutAttributesRequest,
) (*ecswire.PutAttributesResponse, error) {
	err := a.editAttributes(ctx, c, in.Cluster, in.Attributes, func(i *state.Instance, n state.Attribute) error {
		at := slices.IndexFunc(i.Attributes, func(o state.Attribute) bool { return o.Name == n.Name })
		if at >= 0 {
			i.Attributes[at] = n
			return nil
		}
		i.Attributes = append(i.Attributes, n)
		if customAttributes(i) > maxAttributes {
			return attributeLimitExceeded(i.Key.ARN())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.PutAttributesResponse{Attributes: in.Attributes}, nil
}

// DeleteAttributes removes custom attributes of container instances.
func (a *API) DeleteAttributes(ctx context.Context, c front.Caller, in *ecswire.DeleteAttributesRequest,
) (*ecswire.DeleteAttributesResponse, error) {
	err := a.editAttributes(ctx, c, in.Cluster, in.Attributes, func(i *state.Instance, n state.Attribute) error {
		i.Attributes = slices.DeleteFunc(i.Attributes, func(o state.Attribute) bool { return o.Name == n.Name })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.DeleteAttributesResponse{Attributes: in.Attributes}, nil
}

// editAttributes runs edit on a copy of each target's record and puts it back.
func (a *API) editAttributes(ctx context.Context, c front.Caller, cluster *string, given []ecswire.Attribute,
	edit func(*state.Instance, state.Attribute) error,
) error {
	if len(given) == 0 || len(given) > maxAttributes {
		return invalid("attributes must have between 1 and %d items.", maxAttributes)
	}
	return a.Store.Update(ctx, func(tx *store.Tx) error {
		in, err := activeCluster(tx.View(), c, cluster)
		if err != nil {
			return err
		}
		for _, w := range given {
			i, err := attributeTarget(tx, in.Key, w)
			if err != nil {
				return err
			}
			next := *i
			next.Attributes = slices.Clone(i.Attributes)
			next.Version++
			err = edit(&next, state.Attribute{Name: deref(w.Name), Value: deref(w.Value)})
			if err != nil {
				return err
			}
			tx.Instances().Put(&next)
		}
		return nil
	})
}

func attributeTarget(tx *store.Tx, cluster state.ClusterKey, w ecswire.Attribute) (*state.Instance, error) {
	err := checkAttribute(deref(w.Name), deref(w.Value))
	if err != nil {
		return nil, err
	}
	target := deref(w.TargetId)
	if target == "" || (w.TargetType != nil && *w.TargetType != instanceTarget) {
		return nil, invalid("An attribute must have a targetId of the targetType %s.", instanceTarget)
	}
	// Without a targetType the id must be a whole ARN (API_Attribute).
	if w.TargetType == nil && !strings.HasPrefix(target, "arn:") {
		return nil, invalid("targetType must be specified when targetId is not an ARN.")
	}
	key, err := instanceKey(cluster, target)
	if err != nil {
		return nil, err
	}
	i, ok := tx.Instances().Get(key)
	if !ok || key.Cluster() != cluster || i.Status != state.StatusActive {
		return nil, targetNotFound(target)
	}
	return i, nil
}

func checkAttribute(name, value string) error {
	if !attributeForm.MatchString(name) {
		return invalid("Attribute name '%s' is not valid.", name)
	}
	if builtIn(name) {
		return invalid("Attribute name '%s' is reserved.", name)
	}
	if len(value) > maxAttributeSize || strings.TrimSpace(value) != value {
		return invalid("The value of attribute '%s' is not valid.", name)
	}
	return nil
}

func builtIn(name string) bool {
	return strings.HasPrefix(name, builtInAttribute) || strings.HasPrefix(name, builtInCapabilities)
}

func customAttributes(i *state.Instance) int {
	n := 0
	for _, a := range i.Attributes {
		if !builtIn(a.Name) {
			n++
		}
	}
	return n
}

// ListAttributes lists the attributes of the cluster's ACTIVE instances, by name and value if given.
func (a *API) ListAttributes(_ context.Context, c front.Caller, in *ecswire.ListAttributesRequest,
) (*ecswire.ListAttributesResponse, error) {
	v := a.Store.View()
	cluster, err := activeCluster(v, c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if deref(in.TargetType) != instanceTarget {
		return nil, invalid("targetType must be %s.", instanceTarget)
	}
	name, value := deref(in.AttributeName), deref(in.AttributeValue)
	if value != "" && name == "" {
		return nil, invalid("attributeName must be specified when attributeValue is.")
	}
	p, err := newPaging(c, "ListAttributes", string(cluster.Key)+"/"+name+"="+value, in.NextToken, in.MaxResults,
		maxPage)
	if err != nil {
		return nil, err
	}
	found := []ecswire.Attribute{}
	for i := range v.Instances().OfCluster(cluster.Key) {
		if i.Status != state.StatusActive {
			continue
		}
		for _, at := range i.Attributes {
			if (name == "" || at.Name == name) && (value == "" || at.Value == value) {
				found = append(found, ecswire.Attribute{Name: ptr(at.Name), Value: opt(at.Value),
					TargetType: ptr(instanceTarget), TargetId: ptr(i.Key.ARN())})
			}
		}
	}
	key := func(w ecswire.Attribute) string { return *w.TargetId + "\x00" + *w.Name }
	slices.SortFunc(found, func(x, y ecswire.Attribute) int { return strings.Compare(key(x), key(y)) })
	shown, next := cut(p, found, key)
	return &ecswire.ListAttributesResponse{Attributes: shown, NextToken: next}, nil
}
