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

// holder is a record with tags: what they are, and how to put others in their place.
type holder struct {
	tags state.Tags
	put  func(*store.Tx, state.Tags)
}

// TagResource adds tags to a resource or replaces the values of those it has.
func (a *API) TagResource(ctx context.Context, c front.Caller, in *ecswire.TagResourceRequest,
) (*ecswire.TagResourceResponse, error) {
	given, err := parseTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if len(given) == 0 {
		return nil, invalid("Tags can not be empty.")
	}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		h, err := findHolder(tx.View(), c, deref(in.ResourceArn))
		if err != nil {
			return err
		}
		merged, err := mergeTags(h.tags, given)
		if err != nil {
			return err
		}
		h.put(tx, merged)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.TagResourceResponse{}, nil
}

// UntagResource removes tags by key; keys that are not there are no error.
func (a *API) UntagResource(ctx context.Context, c front.Caller, in *ecswire.UntagResourceRequest,
) (*ecswire.UntagResourceResponse, error) {
	for _, key := range in.TagKeys {
		err := checkTag(key, "")
		if err != nil {
			return nil, err
		}
	}
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		h, err := findHolder(tx.View(), c, deref(in.ResourceArn))
		if err != nil {
			return err
		}
		h.put(tx, withoutTags(h.tags, in.TagKeys))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecswire.UntagResourceResponse{}, nil
}

// ListTagsForResource shows a resource's tags.
func (a *API) ListTagsForResource(_ context.Context, c front.Caller, in *ecswire.ListTagsForResourceRequest,
) (*ecswire.ListTagsForResourceResponse, error) {
	h, err := findHolder(a.Store.View(), c, deref(in.ResourceArn))
	f, ok := fault.As(err)
	if ok && f.Code == "ResourceNotFoundException" { // not among this operation's errors
		return nil, invalid("%s", f.Message)
	}
	if err != nil {
		return nil, err
	}
	return &ecswire.ListTagsForResourceResponse{Tags: renderTags(h.tags)}, nil
}

// findHolder finds what an ARN names. What is deleted or stopped has no tags any more.
func findHolder(v store.View, c front.Caller, ref string) (holder, error) {
	r, isARN, err := parseARN(ref)
	if err != nil {
		return holder{}, err
	}
	if !isARN {
		return holder{}, invalid("The specified resource ARN '%s' is not valid.", ref)
	}
	err = r.own(scopeOf(c))
	if err != nil {
		return holder{}, err
	}
	path := strings.Join(r.path, "/")
	switch {
	case r.kind == "cluster" && len(r.path) == 1:
		return clusterHolder(v, state.NewClusterKey(r.scope, path))
	case r.kind == "capacity-provider" && len(r.path) == 1:
		return providerHolder(v, state.NewProviderKey(r.scope, path))
	case r.kind == "task-definition" && len(r.path) == 1:
		return definitionHolder(v, c, ref)
	case len(r.path) == 2:
		return memberHolder(v, r, ref)
	}
	return holder{}, invalid("The specified resource ARN '%s' is not valid.", ref)
}

// memberHolder finds what lives in a cluster.
func memberHolder(v store.View, r reference, ref string) (holder, error) {
	cluster := state.NewClusterKey(r.scope, r.path[0])
	switch r.kind {
	case "service":
		return serviceHolder(v, state.NewServiceKey(cluster, r.path[1]))
	case "task":
		return taskHolder(v, state.NewTaskKey(cluster, r.path[1]))
	case "container-instance":
		return instanceHolder(v, state.NewInstanceKey(cluster, r.path[1]))
	}
	return holder{}, invalid("Tags are not supported for the resource %s.", ref)
}

func gone(kind string) error {
	return invalid("The specified %s is inactive. Specify an active %s and try again.", kind, kind)
}

func clusterHolder(v store.View, k state.ClusterKey) (holder, error) {
	r, ok := v.Clusters().Get(k)
	if !ok {
		return holder{}, clusterNotFound()
	}
	if r.Status != state.StatusActive {
		return holder{}, gone("cluster")
	}
	return holder{r.Tags, func(tx *store.Tx, tags state.Tags) {
		next := *r
		next.Tags = tags
		tx.Clusters().Put(&next)
	}}, nil
}

func providerHolder(v store.View, k state.ProviderKey) (holder, error) {
	r, ok := v.Providers().Get(k)
	if !ok {
		return holder{}, resourceNotFound(k.ARN())
	}
	if r.Status != state.StatusActive {
		return holder{}, gone("capacity provider")
	}
	return holder{r.Tags, func(tx *store.Tx, tags state.Tags) {
		next := *r
		next.Tags = tags
		tx.Providers().Put(&next)
	}}, nil
}

func definitionHolder(v store.View, c front.Caller, ref string) (holder, error) {
	r, err := findTaskDefinition(v, c, ref)
	if err != nil {
		return holder{}, err
	}
	if r == nil {
		return holder{}, resourceNotFound(ref)
	}
	if r.Status != state.StatusActive {
		return holder{}, gone("task definition")
	}
	return holder{r.Tags, func(tx *store.Tx, tags state.Tags) {
		next := *r
		next.Tags = tags
		tx.TaskDefinitions().Put(&next)
	}}, nil
}

func serviceHolder(v store.View, k state.ServiceKey) (holder, error) {
	r, ok := v.Services().Get(k)
	if !ok {
		return holder{}, resourceNotFound(k.ARN())
	}
	if r.Status != state.StatusActive {
		return holder{}, gone("service")
	}
	return holder{r.Tags, func(tx *store.Tx, tags state.Tags) {
		next := *r
		next.Tags = tags
		tx.Services().Put(&next)
	}}, nil
}

func taskHolder(v store.View, k state.TaskKey) (holder, error) {
	r, ok := v.Tasks().Get(k)
	if !ok {
		return holder{}, resourceNotFound(k.ARN())
	}
	if !r.Live() {
		return holder{}, invalid("The specified task is stopped. Specify a running task and try again.")
	}
	return holder{r.Tags, func(tx *store.Tx, tags state.Tags) {
		next := r.Clone()
		next.Tags = tags
		tx.Tasks().Put(next)
	}}, nil
}

func instanceHolder(v store.View, k state.InstanceKey) (holder, error) {
	r, ok := v.Instances().Get(k)
	if !ok {
		return holder{}, resourceNotFound(k.ARN())
	}
	if r.Status == state.StatusInactive {
		return holder{}, gone("container instance")
	}
	return holder{r.Tags, func(tx *store.Tx, tags state.Tags) {
		next := *r
		next.Tags = tags
		tx.Instances().Put(&next)
	}}, nil
}
