package logs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/aws/page"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/logswire"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/telemetry/logstore"
)

// CreateLogStream makes an empty stream.
func (a *API) CreateLogStream(
	ctx context.Context, c front.Caller, in *logswire.CreateLogStreamRequest,
) (*wire.Unit, error) {
	now := a.Now()
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		g, err := groupOf(tx.View(), c, in.LogGroupName, nil)
		if err != nil {
			return err
		}
		key := state.NewLogStreamKey(g.Key, *in.LogStreamName)
		_, exists := tx.LogStreams().Get(key)
		if exists {
			return streamExists()
		}
		tx.LogStreams().Put(&state.LogStream{Key: key, Group: g.Key, Name: *in.LogStreamName, CreatedAt: now})
		return nil
	})
	return &wire.Unit{}, err
}

// DeleteLogStream forgets a stream and its events.
func (a *API) DeleteLogStream(
	ctx context.Context, c front.Caller, in *logswire.DeleteLogStreamRequest,
) (*wire.Unit, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	v := a.Store.View()
	g, err := groupOf(v, c, in.LogGroupName, nil)
	if err != nil {
		return nil, err
	}
	s, err := streamOf(v, g, *in.LogStreamName)
	if err != nil {
		return nil, err
	}
	err = a.Events.DeleteStream(ctx, logstore.Stream{Group: string(g.Key), Name: s.Name})
	if err != nil {
		return nil, err
	}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		tx.LogStreams().Delete(s.Key)
		return nil
	})
	return &wire.Unit{}, err
}

// described is a stream with what its events tell; info is zero before the first event.
type described struct {
	stream *state.LogStream
	info   logstore.StreamInfo
}

// sortKey is the place of the stream in the order asked for; page tokens hold it.
func (d described) sortKey(byTime bool) string {
	if !byTime {
		return d.stream.Name
	}
	return logstore.Position{Time: d.info.Last}.String() + d.stream.Name
}

// DescribeLogStreams lists the streams of a group by name or by their last event.
func (a *API) DescribeLogStreams(
	ctx context.Context, c front.Caller, in *logswire.DescribeLogStreamsRequest,
) (*logswire.DescribeLogStreamsResponse, error) {
	byTime := deref(in.OrderBy) == logswire.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	v := a.Store.View()
	g, err := groupOf(v, c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	after, err := page.Parse("DescribeLogStreams", deref(in.NextToken))
	if err != nil {
		return nil, badToken()
	}
	all, err := a.describe(ctx, v, g, deref(in.LogStreamNamePrefix))
	if err != nil {
		return nil, err
	}
	order := func(x, y string) int {
		if deref(in.Descending) {
			x, y = y, x
		}
		return cmp.Compare(x, y)
	}
	slices.SortFunc(all, func(x, y described) int { return order(x.sortKey(byTime), y.sortKey(byTime)) })
	if after != "" {
		all = slices.DeleteFunc(all, func(d described) bool { return order(d.sortKey(byTime), after) <= 0 })
	}
	out := &logswire.DescribeLogStreamsResponse{LogStreams: []logswire.LogStream{}}
	size := pageSize
	if in.Limit != nil {
		size = int(*in.Limit)
	}
	for i, d := range all {
		if i == size {
			next := page.Token("DescribeLogStreams", all[i-1].sortKey(byTime))
			out.NextToken = &next
			break
		}
		out.LogStreams = append(out.LogStreams, renderStream(d))
	}
	return out, nil
}

func (a *API) describe(ctx context.Context, v store.View, g *state.LogGroup, prefix string) ([]described, error) {
	infos, err := a.Events.Streams(ctx, string(g.Key))
	if err != nil {
		return nil, err
	}
	byName := make(map[string]logstore.StreamInfo, len(infos))
	for _, info := range infos {
		byName[info.Name] = info
	}
	var all []described
	for s := range v.LogStreams().OfGroup(g.Key) {
		if strings.HasPrefix(s.Name, prefix) {
			d := described{stream: s}
			if a.holds(s) {
				d.info = byName[s.Name]
			}
			all = append(all, d)
		}
	}
	return all, nil
}
