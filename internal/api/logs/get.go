package logs

import (
	"context"
	"math"
	"slices"
	"strings"

	"longshore/internal/aws/front"
	"longshore/internal/gen/logswire"
	"longshore/internal/telemetry/logstore"
)

const (
	pageEvents = 10_000
	pageBytes  = 1 << 20
)

// GetLogEvents reads one stream forwards from its head, or from a token in either direction; without either it
// shows the newest page. Events are in ascending order whatever the direction.
func (a *API) GetLogEvents(
	ctx context.Context, c front.Caller, in *logswire.GetLogEventsRequest,
) (*logswire.GetLogEventsResponse, error) {
	v := a.Store.View()
	g, err := groupOf(v, c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	s, err := streamOf(v, g, *in.LogStreamName)
	if err != nil {
		return nil, err
	}
	q := logstore.Query{
		Group: string(g.Key), Streams: []string{s.Name},
		Start: max(deref(in.StartTime), a.visibleFrom(g)), End: deref(in.EndTime),
		Limit: pageEvents, MaxBytes: pageBytes, Backward: !deref(in.StartFromHead),
	}
	if in.Limit != nil {
		q.Limit = int(*in.Limit)
	}
	if in.NextToken != nil {
		q.After, q.Backward, err = parseEventToken(*in.NextToken)
		if err != nil {
			return nil, err
		}
	}
	err = a.whole(s)
	if err != nil {
		return nil, err
	}
	if !a.holds(s) {
		return renderPage(nil, q), nil
	}
	page, err := a.Events.Read(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.Backward {
		slices.Reverse(page.Records)
	}
	return renderPage(page.Records, q), nil
}

// tokens names what lies before and behind the page. Both stand still on an empty page, so that a reader at the
// end gets the token that it sent, which is how clients know the end.
func tokens(records []logstore.Record, q logstore.Query) (forward, backward string) {
	var before, behind logstore.Position
	switch {
	case len(records) > 0:
		before, behind = records[0].Position(), records[len(records)-1].Position()
	case q.After != nil && q.Backward:
		before, behind = *q.After, previous(*q.After)
	case q.After != nil:
		before, behind = next(*q.After), *q.After
	default:
		before = logstore.Position{Time: q.Start}
		behind = previous(before)
	}
	return "f/" + behind.String() + "/s", "b/" + before.String() + "/s"
}

func next(p logstore.Position) logstore.Position {
	if p.Seq == math.MaxUint64 {
		return logstore.Position{Time: p.Time + 1}
	}
	return logstore.Position{Time: p.Time, Seq: p.Seq + 1}
}

func previous(p logstore.Position) logstore.Position {
	if p.Seq > 0 {
		return logstore.Position{Time: p.Time, Seq: p.Seq - 1}
	}
	if p.Time == 0 {
		return p
	}
	return logstore.Position{Time: p.Time - 1, Seq: math.MaxUint64}
}

// parseEventToken reads f/<position>/s and b/<position>/s.
func parseEventToken(token string) (*logstore.Position, bool, error) {
	direction, rest, _ := strings.Cut(token, "/")
	digits, ok := strings.CutSuffix(rest, "/s")
	if !ok || direction != "f" && direction != "b" {
		return nil, false, badToken()
	}
	p, err := logstore.ParsePosition(digits)
	if err != nil {
		return nil, false, badToken()
	}
	return &p, direction == "b", nil
}
