package logs

import (
	"context"
	"slices"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/logswire"
	"longshore/internal/state"
	"longshore/internal/store"
	"longshore/internal/telemetry/logfilter"
	"longshore/internal/telemetry/logstore"
)

// scanEvents is how many events one call looks at before it answers with a token, found or not.
const scanEvents = 200_000

// FilterLogEvents reads streams of a group in one order and keeps what the pattern keeps. Answers are always
// interleaved, whatever the call says, as AWS does since 2019.
func (a *API) FilterLogEvents(
	ctx context.Context, c front.Caller, in *logswire.FilterLogEventsRequest,
) (*logswire.FilterLogEventsResponse, error) {
	v := a.Store.View()
	g, err := groupOf(v, c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	q := logstore.Query{
		Group: string(g.Key), Start: max(deref(in.StartTime), a.visibleFrom(g)), End: deref(in.EndTime),
		Limit: pageEvents, MaxBytes: pageBytes, MaxScan: scanEvents,
	}
	q.Streams, err = streamsOf(v, g, in)
	if err != nil {
		return nil, err
	}
	if in.Limit != nil {
		q.Limit = int(*in.Limit)
	}
	if in.NextToken != nil {
		p, err := logstore.ParsePosition(*in.NextToken)
		if err != nil {
			return nil, badToken()
		}
		q.After = &p
	}
	pattern, err := parsePattern(deref(in.FilterPattern))
	if err != nil {
		return nil, err
	}
	if pattern != nil {
		q.Match = pattern.Match
	}
	q.Streams, err = a.reachable(v, g, q.Streams)
	if err != nil {
		return nil, err
	}
	page, err := a.Events.Read(ctx, q)
	if err != nil {
		return nil, err
	}
	return renderFiltered(page), nil
}

// streamsOf is nil for every stream of the group.
func streamsOf(v store.View, g *state.LogGroup, in *logswire.FilterLogEventsRequest) ([]string, error) {
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, invalid("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.")
	}
	if len(in.LogStreamNames) > 0 {
		for _, name := range in.LogStreamNames {
			_, err := streamOf(v, g, name)
			if err != nil {
				return nil, err
			}
		}
		names := slices.Clone(in.LogStreamNames)
		slices.Sort(names)
		return slices.Compact(names), nil
	}
	if in.LogStreamNamePrefix == nil {
		return nil, nil
	}
	names := []string{}
	for s := range v.LogStreams().OfGroup(g.Key) {
		if strings.HasPrefix(s.Name, *in.LogStreamNamePrefix) {
			names = append(names, s.Name)
		}
	}
	return names, nil
}

// parsePattern is nil for a pattern that keeps everything.
func parsePattern(text string) (*logfilter.Pattern, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	pattern, err := logfilter.Parse(text)
	if err != nil {
		return nil, invalid("%s", err.Error())
	}
	return pattern, nil
}

// TestMetricFilter tries a pattern on messages that are sent along.
func (a *API) TestMetricFilter(
	_ context.Context, _ front.Caller, in *logswire.TestMetricFilterRequest,
) (*logswire.TestMetricFilterResponse, error) {
	pattern, err := logfilter.Parse(*in.FilterPattern)
	if err != nil {
		return nil, invalid("%s", err.Error())
	}
	out := &logswire.TestMetricFilterResponse{Matches: []logswire.MetricFilterMatchRecord{}}
	for i, message := range in.LogEventMessages {
		if !pattern.Match(message) {
			continue
		}
		number := int64(i) + 1
		out.Matches = append(out.Matches, logswire.MetricFilterMatchRecord{
			EventNumber: &number, EventMessage: &message, ExtractedValues: pattern.Extract(message),
		})
	}
	return out, nil
}
