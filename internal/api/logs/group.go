package logs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/aws/page"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/logswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

// pageSize is AWS's default and largest page of groups and streams.
const pageSize = 50

// retentions are the days that PutRetentionPolicy takes.
var retentions = [...]int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
	2922, 3288, 3653}

// CreateLogGroup makes an empty group that keeps events for ever.
func (a *API) CreateLogGroup(
	ctx context.Context, c front.Caller, in *logswire.CreateLogGroupRequest,
) (*wire.Unit, error) {
	err := creatable(in)
	if err != nil {
		return nil, err
	}
	key := state.NewLogGroupKey(scopeOf(c), *in.LogGroupName)
	group := &state.LogGroup{
		Key: key, Name: *in.LogGroupName, Class: logswire.LogGroupClassSTANDARD, CreatedAt: a.Now(),
		Tags: maps.Clone(state.Tags(in.Tags)),
	}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		_, exists := tx.LogGroups().Get(key)
		if exists {
			return groupExists()
		}
		tx.LogGroups().Put(group)
		return nil
	})
	return &wire.Unit{}, err
}

func creatable(in *logswire.CreateLogGroupRequest) error {
	if strings.HasPrefix(*in.LogGroupName, "aws/") {
		return invalid("Log groups starting with aws/ are reserved for AWS.")
	}
	if in.KmsKeyId != nil {
		return unserved("kmsKeyId", keys)
	}
	if class := deref(in.LogGroupClass); class != "" && class != logswire.LogGroupClassSTANDARD {
		return unserved("logGroupClass "+class, "every group is of the STANDARD class.")
	}
	if deref(in.DeletionProtectionEnabled) {
		return unserved("deletionProtectionEnabled", "log groups are not protected from deletion.")
	}
	return checkTags(in.Tags)
}

// DeleteLogGroup forgets a group, its streams and all their events.
func (a *API) DeleteLogGroup(
	ctx context.Context, c front.Caller, in *logswire.DeleteLogGroupRequest,
) (*wire.Unit, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	g, err := groupOf(a.Store.View(), c, in.LogGroupName, nil)
	if err != nil {
		return nil, err
	}
	// Events go first: should the daemon die in between, the group is still there to be deleted again.
	err = a.Events.DeleteGroup(ctx, string(g.Key))
	if err != nil {
		return nil, err
	}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		for s := range tx.LogStreams().OfGroup(g.Key) {
			tx.LogStreams().Delete(s.Key)
		}
		tx.LogGroups().Delete(g.Key)
		return nil
	})
	return &wire.Unit{}, err
}

// DescribeLogGroups lists groups by name.
func (a *API) DescribeLogGroups(
	ctx context.Context, c front.Caller, in *logswire.DescribeLogGroupsRequest,
) (*logswire.DescribeLogGroupsResponse, error) {
	if deref(in.LogGroupNamePrefix) != "" && deref(in.LogGroupNamePattern) != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	if deref(in.IncludeLinkedAccounts) || len(in.AccountIdentifiers) > 0 {
		return nil, unserved("includeLinkedAccounts", "accounts are not linked.")
	}
	only, err := identified(c, in.LogGroupIdentifiers)
	if err != nil {
		return nil, err
	}
	groups, next, err := a.groupPage(c, "DescribeLogGroups", in.NextToken, in.Limit, func(g *state.LogGroup) bool {
		return strings.HasPrefix(g.Name, deref(in.LogGroupNamePrefix)) &&
			strings.Contains(g.Name, deref(in.LogGroupNamePattern)) &&
			(in.LogGroupClass == nil || *in.LogGroupClass == g.Class) &&
			(only == nil || only[g.Key])
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeLogGroupsResponse{LogGroups: []logswire.LogGroup{}, NextToken: next}
	for _, g := range groups {
		// AWS leaves the size out when it searched by pattern.
		if deref(in.LogGroupNamePattern) != "" {
			out.LogGroups = append(out.LogGroups, renderGroup(g, nil))
			continue
		}
		bytes, err := a.storedBytes(ctx, g)
		if err != nil {
			return nil, err
		}
		out.LogGroups = append(out.LogGroups, renderGroup(g, &bytes))
	}
	return out, nil
}

func identified(c front.Caller, identifiers []string) (map[state.LogGroupKey]bool, error) {
	if len(identifiers) == 0 {
		return nil, nil
	}
	only := map[state.LogGroupKey]bool{}
	for _, id := range identifiers {
		key, err := groupKey(c, id)
		if fault.Is(err, "ResourceNotFoundException") {
			continue // of another account or region: like a group that is not there
		}
		if err != nil {
			return nil, err
		}
		only[key] = true
	}
	return only, nil
}

func (a *API) storedBytes(ctx context.Context, g *state.LogGroup) (int64, error) {
	infos, err := a.Events.Streams(ctx, string(g.Key))
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, info := range infos {
		sum += info.Bytes
	}
	return sum, nil
}

// groupPage cuts one page out of the caller's groups.
func (a *API) groupPage(
	c front.Caller, op string, token *string, limit *int32, keep func(*state.LogGroup) bool,
) ([]*state.LogGroup, *string, error) {
	scope := scopeOf(c).String() + "/"
	after, err := page.Parse(op, deref(token))
	if err != nil {
		return nil, nil, badToken()
	}
	size := pageSize
	if limit != nil {
		size = int(*limit)
	}
	var out []*state.LogGroup
	for g := range a.Store.View().LogGroups().After(scope, state.LogGroupKey(scope+after)) {
		if !keep(g) {
			continue
		}
		if len(out) == size {
			next := page.Token(op, out[size-1].Name)
			return out, &next, nil
		}
		out = append(out, g)
	}
	return out, nil, nil
}

// ListLogGroups lists names and ARNs; its pattern is alternatives, `^` for those that begin with it.
func (a *API) ListLogGroups(
	_ context.Context, c front.Caller, in *logswire.ListLogGroupsRequest,
) (*logswire.ListLogGroupsResponse, error) {
	if deref(in.IncludeLinkedAccounts) || len(in.AccountIdentifiers) > 0 {
		return nil, unserved("includeLinkedAccounts", "accounts are not linked.")
	}
	if len(in.DataSources)+len(in.FieldIndexNames)+len(in.LogGroupTags) > 0 {
		return nil, unserved("dataSources, fieldIndexNames or logGroupTags", "groups are listed by name and class.")
	}
	groups, next, err := a.groupPage(c, "ListLogGroups", in.NextToken, in.Limit, func(g *state.LogGroup) bool {
		return named(g.Name, deref(in.LogGroupNamePattern)) &&
			(in.LogGroupClass == nil || *in.LogGroupClass == g.Class)
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.ListLogGroupsResponse{LogGroups: []logswire.LogGroupSummary{}, NextToken: next}
	for _, g := range groups {
		out.LogGroups = append(out.LogGroups, renderSummary(g))
	}
	return out, nil
}

func named(name, pattern string) bool {
	for part := range strings.SplitSeq(pattern, "|") {
		prefix, anchored := strings.CutPrefix(part, "^")
		if anchored && strings.HasPrefix(name, prefix) || !anchored && strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// PutRetentionPolicy hides older events at once; Run removes them.
func (a *API) PutRetentionPolicy(
	ctx context.Context, c front.Caller, in *logswire.PutRetentionPolicyRequest,
) (*wire.Unit, error) {
	if !slices.Contains(retentions[:], *in.RetentionInDays) {
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy "+
			"constraint: Member must satisfy enum value set: %v", *in.RetentionInDays, commas(retentions[:]))
	}
	return a.change(ctx, c, in.LogGroupName, func(g *state.LogGroup) error {
		g.RetentionDays = int(*in.RetentionInDays)
		return nil
	})
}

// DeleteRetentionPolicy keeps events for ever from now on.
func (a *API) DeleteRetentionPolicy(
	ctx context.Context, c front.Caller, in *logswire.DeleteRetentionPolicyRequest,
) (*wire.Unit, error) {
	return a.change(ctx, c, in.LogGroupName, func(g *state.LogGroup) error {
		g.RetentionDays = 0
		return nil
	})
}

// change rewrites one group's record.
func (a *API) change(
	ctx context.Context, c front.Caller, name *string, fn func(*state.LogGroup) error,
) (*wire.Unit, error) {
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		old, err := groupOf(tx.View(), c, name, nil)
		if err != nil {
			return err
		}
		g := *old
		err = fn(&g)
		if err != nil {
			return err
		}
		tx.LogGroups().Put(&g)
		return nil
	})
	return &wire.Unit{}, err
}
