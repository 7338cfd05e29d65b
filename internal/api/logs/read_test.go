package logs

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"longshore/internal/gen/logswire"
	"longshore/internal/state"
)

func firstGroup(a *API) *state.LogGroup {
	for g := range a.Store.View().LogGroups().All() {
		return g
	}
	return nil
}

func TestTokensLeadForwardsAndBackAndStandStillAtTheEnd(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	stream(t, a, "g", "s")
	for i := range 10 {
		put(t, a, "g", "s", event(c.ms(time.Duration(10-i)*time.Second), fmt.Sprint(i)))
	}
	get := func(token *string, head bool) *logswire.GetLogEventsResponse {
		t.Helper()
		out, err := a.GetLogEvents(t.Context(), caller, &logswire.GetLogEventsRequest{
			LogGroupName: p("g"), LogStreamName: p("s"), NextToken: token, Limit: p(int32(4)), StartFromHead: &head})
		return must(t, out, err)
	}
	newest := get(nil, false)
	if texts(newest.Events) != "6 7 8 9" {
		t.Fatal(texts(newest.Events))
	}
	older := get(newest.NextBackwardToken, false)
	if texts(older.Events) != "2 3 4 5" {
		t.Fatal(texts(older.Events))
	}
	if again := get(older.NextForwardToken, true); texts(again.Events) != "6 7 8 9" {
		t.Fatal(texts(again.Events))
	}
	end := get(newest.NextForwardToken, true)
	if len(end.Events) != 0 || *end.NextForwardToken != *newest.NextForwardToken {
		t.Fatal("the token moved at the end")
	}
	if back := get(end.NextBackwardToken, true); texts(back.Events) != "6 7 8 9" {
		t.Fatal("turning round at the end lost events:", texts(back.Events))
	}
	put(t, a, "g", "s", event(c.ms(0), "new"))
	if more := get(end.NextForwardToken, true); texts(more.Events) != "new" {
		t.Fatal(texts(more.Events))
	}
	oldest := get(older.NextBackwardToken, true)
	start := get(oldest.NextBackwardToken, true)
	if texts(oldest.Events) != "0 1" || len(start.Events) != 0 || *start.NextBackwardToken != *oldest.NextBackwardToken {
		t.Fatal("the token moved at the beginning")
	}
	if fwd := get(start.NextForwardToken, true); texts(fwd.Events) != "0 1 2 3" {
		t.Fatal(texts(fwd.Events))
	}
	_, err := a.GetLogEvents(t.Context(), caller, &logswire.GetLogEventsRequest{
		LogGroupName: p("g"), LogStreamName: p("s"), NextToken: p("x")})
	refused(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
}

func TestAReaderOfAnEmptyStreamSeesWhatComes(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	stream(t, a, "g", "s")
	in := &logswire.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: p("s")}
	out, err := a.GetLogEvents(t.Context(), caller, in)
	must(t, out, err)
	put(t, a, "g", "s", event(c.ms(time.Hour), "late"))
	in.NextToken = out.NextForwardToken
	out, err = a.GetLogEvents(t.Context(), caller, in)
	if err != nil || texts(out.Events) != "late" {
		t.Fatal(out, err)
	}
}

func TestStartIsInclusiveAndEndExclusive(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	stream(t, a, "g", "s")
	put(t, a, "g", "s", event(c.ms(3*time.Millisecond), "a"), event(c.ms(2*time.Millisecond), "b"), event(c.ms(1*time.Millisecond), "c"))
	out, err := a.GetLogEvents(t.Context(), caller, &logswire.GetLogEventsRequest{
		LogGroupName: p("g"), LogStreamName: p("s"), StartTime: c.ms(3 * time.Millisecond), EndTime: c.ms(1 * time.Millisecond)})
	if err != nil || texts(out.Events) != "a b" {
		t.Fatal(out, err)
	}
}

// This is how `aws logs tail --follow` polls: from the newest time seen, dropping ids that it has seen.
func TestFollowingByFilterLogEventsSeesEveryEventOnce(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	seen := map[string]string{}
	since := c.ms(10 * time.Minute)
	for round := range 20 {
		c.now = c.now.Add(time.Second)
		name := fmt.Sprintf("web/app/%d", round%3)
		if round < 3 {
			stream(t, a, "g", name)
		}
		put(t, a, "g", name, event(c.ms(1*time.Millisecond), fmt.Sprint(round, "a")), event(c.ms(1*time.Millisecond), fmt.Sprint(round, "b")))
		in := &logswire.FilterLogEventsRequest{
			LogGroupName: p("g"), StartTime: since, Interleaved: p(true), Limit: p(int32(3))}
		for {
			out, err := a.FilterLogEvents(t.Context(), caller, in)
			must(t, out, err)
			for _, e := range out.Events {
				if seen[*e.EventId] != "" && seen[*e.EventId] != *e.Message {
					t.Fatal("one id for two events")
				}
				seen[*e.EventId], since = *e.Message, e.Timestamp
			}
			if out.NextToken == nil {
				break
			}
			in.NextToken = out.NextToken
		}
	}
	if len(seen) != 40 {
		t.Fatalf("%d events of 40", len(seen))
	}
}

func TestFilterNarrowsByStreamAndPattern(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	for _, s := range []string{"web/1", "web/2", "db/1"} {
		stream(t, a, "g", s)
		put(t, a, "g", s, event(c.ms(5*time.Millisecond), "INFO "+s), event(c.ms(4*time.Millisecond), "ERROR "+s))
	}
	for want, in := range map[string]logswire.FilterLogEventsRequest{
		"ERROR web/1 ERROR web/2 ERROR db/1":            {FilterPattern: p("ERROR")},
		"INFO web/1 INFO web/2 ERROR web/1 ERROR web/2": {LogStreamNamePrefix: p("web/")},
		"INFO db/1 ERROR db/1":                          {LogStreamNames: []string{"db/1", "db/1"}},
		"":                                              {LogStreamNamePrefix: p("none")},
		"ERROR web/2":                                   {FilterPattern: p(`[level=ERROR, s=*2]`)},
		"INFO web/1 INFO web/2 INFO db/1 ERROR web/1 ERROR web/2 ERROR db/1": {},
	} {
		in.LogGroupIdentifier = p("arn:aws:logs:eu-west-1:123456789012:log-group:g")
		out, err := a.FilterLogEvents(t.Context(), caller, &in)
		must(t, out, err)
		var got []string
		for _, e := range out.Events {
			got = append(got, *e.Message)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q instead of %q", text, want)
		}
	}
	for text, in := range map[string]logswire.FilterLogEventsRequest{
		"Invalid filter pattern":          {FilterPattern: p("{ $.a = ")},
		"mutually exclusive":              {LogStreamNames: []string{"a"}, LogStreamNamePrefix: p("b")},
		"nextToken is invalid":            {NextToken: p("1")},
		"LogGroup name and LogGroup ARN ": {LogGroupIdentifier: p("g")},
	} {
		in.LogGroupName = p("g")
		_, err := a.FilterLogEvents(t.Context(), caller, &in)
		refused(t, err, "InvalidParameterException", text)
	}
	_, err := a.FilterLogEvents(t.Context(), caller,
		&logswire.FilterLogEventsRequest{LogGroupName: p("g"), LogStreamNames: []string{"none"}})
	refused(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
}

func TestAPatternIsTriedOnMessages(t *testing.T) {
	a, _ := setUp(t)
	out, err := a.TestMetricFilter(t.Context(), caller, &logswire.TestMetricFilterRequest{
		FilterPattern: p("[ip, code=4*]"), LogEventMessages: []string{"1.1.1.1 200", "2.2.2.2 404"}})
	must(t, out, err)
	if len(out.Matches) != 1 || *out.Matches[0].EventNumber != 2 ||
		!maps.Equal(out.Matches[0].ExtractedValues, map[string]string{"$ip": "2.2.2.2", "$code": "404"}) {
		t.Fatal(out)
	}
}

func TestTagsOfAGroupByArnAndByName(t *testing.T) {
	a, _ := setUp(t)
	group(t, a, "g")
	arn := p("arn:aws:logs:eu-west-1:123456789012:log-group:g:*")
	_, err := a.TagResource(t.Context(), caller,
		&logswire.TagResourceRequest{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.UntagLogGroup(t.Context(), caller, &logswire.UntagLogGroupRequest{LogGroupName: p("g"), Tags: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := a.ListTagsForResource(t.Context(), caller, &logswire.ListTagsForResourceRequest{ResourceArn: arn})
	if err != nil || !maps.Equal(out.Tags, map[string]string{"b": "2"}) {
		t.Fatal(out, err)
	}
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint(i)] = ""
	}
	_, err = a.TagLogGroup(t.Context(), caller, &logswire.TagLogGroupRequest{LogGroupName: p("g"), Tags: many})
	refused(t, err, "InvalidParameterException", "at most 50")
	_, err = a.TagResource(t.Context(), caller, &logswire.TagResourceRequest{ResourceArn: arn, Tags: many})
	refused(t, err, "TooManyTagsException", "")
	for _, bad := range []string{"g", "arn:aws:ecs:eu-west-1:123456789012:cluster/g", "arn:aws:logs"} {
		_, err = a.ListTagsForResource(t.Context(), caller, &logswire.ListTagsForResourceRequest{ResourceArn: &bad})
		refused(t, err, "InvalidParameterException", "")
	}
	_, err = a.ListTagsForResource(t.Context(), caller, &logswire.ListTagsForResourceRequest{
		ResourceArn: p("arn:aws:logs:us-east-1:123456789012:log-group:g")})
	refused(t, err, "ResourceNotFoundException", "")
}
