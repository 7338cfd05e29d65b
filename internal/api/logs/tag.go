package logs

import (
	"context"
	"maps"
	"strings"

	"longshore/internal/aws/arn"
	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/logswire"
	"longshore/internal/state"
)

const maxTags = 50

// TagResource adds tags to a group, named by ARN with or without `:*`.
func (a *API) TagResource(
	ctx context.Context, c front.Caller, in *logswire.TagResourceRequest,
) (*wire.Unit, error) {
	name, err := taggable(c, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return a.tag(ctx, c, &name, in.Tags, tooManyTags())
}

// TagLogGroup is the older form, by name.
func (a *API) TagLogGroup(
	ctx context.Context, c front.Caller, in *logswire.TagLogGroupRequest,
) (*wire.Unit, error) {
	return a.tag(ctx, c, in.LogGroupName, in.Tags, invalid("%s", tooManyTags().Message))
}

// tag adds tags; tooMany is the fault that the operation's model has for more than fifty.
func (a *API) tag(
	ctx context.Context, c front.Caller, name *string, tags map[string]string, tooMany error,
) (*wire.Unit, error) {
	err := checkTags(tags)
	if err != nil {
		return nil, err
	}
	return a.change(ctx, c, name, func(g *state.LogGroup) error {
		all := state.Tags{}
		maps.Copy(all, g.Tags)
		maps.Copy(all, tags)
		if len(all) > maxTags {
			return tooMany
		}
		g.Tags = all
		return nil
	})
}

// UntagResource removes tags of a group; unknown keys are no error.
func (a *API) UntagResource(
	ctx context.Context, c front.Caller, in *logswire.UntagResourceRequest,
) (*wire.Unit, error) {
	name, err := taggable(c, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return a.untag(ctx, c, &name, in.TagKeys)
}

// UntagLogGroup is the older form, by name.
func (a *API) UntagLogGroup(
	ctx context.Context, c front.Caller, in *logswire.UntagLogGroupRequest,
) (*wire.Unit, error) {
	return a.untag(ctx, c, in.LogGroupName, in.Tags)
}

func (a *API) untag(ctx context.Context, c front.Caller, name *string, keys []string) (*wire.Unit, error) {
	return a.change(ctx, c, name, func(g *state.LogGroup) error {
		g.Tags = maps.Clone(g.Tags)
		for _, k := range keys {
			delete(g.Tags, k)
		}
		return nil
	})
}

// ListTagsForResource tells the tags of a group.
func (a *API) ListTagsForResource(
	_ context.Context, c front.Caller, in *logswire.ListTagsForResourceRequest,
) (*logswire.ListTagsForResourceResponse, error) {
	name, err := taggable(c, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	g, err := groupOf(a.Store.View(), c, &name, nil)
	if err != nil {
		return nil, err
	}
	return &logswire.ListTagsForResourceResponse{Tags: renderTags(g.Tags)}, nil
}

// ListTagsLogGroup is the older form, by name.
func (a *API) ListTagsLogGroup(
	_ context.Context, c front.Caller, in *logswire.ListTagsLogGroupRequest,
) (*logswire.ListTagsLogGroupResponse, error) {
	g, err := groupOf(a.Store.View(), c, in.LogGroupName, nil)
	if err != nil {
		return nil, err
	}
	return &logswire.ListTagsLogGroupResponse{Tags: renderTags(g.Tags)}, nil
}

// taggable is the name of the group that an ARN names.
func taggable(c front.Caller, text string) (string, error) {
	if !arn.Is(text) {
		return "", invalid("The specified ARN is invalid.")
	}
	key, err := groupKey(c, text)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(string(key), scopeOf(c).String()+"/"), nil
}

// checkTags refuses what AWS keeps to itself; lengths and characters are the model's.
func checkTags(tags map[string]string) error {
	for k := range tags {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tag keys starting with 'aws:' are reserved for AWS.")
		}
	}
	return nil
}
