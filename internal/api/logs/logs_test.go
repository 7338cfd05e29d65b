package logs

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/gen/logswire"
	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
	"longshore/internal/telemetry/logstore"
)

var caller = front.Caller{Account: "123456789012", Region: "eu-west-1"}

// clock starts at a fixed day and is moved by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) ms(ago time.Duration) *int64 {
	ms := c.now.Add(-ago).UnixMilli()
	return &ms
}

func setUp(t testing.TB) (*API, *clock) {
	t.Helper()
	records, err := store.Open(t.Context(), memory.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	events := logstore.New(logstore.Config{Dir: "logs", FS: vfs.NewMem(), Now: c.Now})
	t.Cleanup(func() {
		_ = events.Close()
		_ = records.Close()
	})
	return New(Config{Store: records, Events: events, Now: c.Now}), c
}

func p[T any](v T) *T { return &v }

// must is for calls that are not what the test is about.
func must[Out any](t testing.TB, out *Out, err error) *Out {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func refused(t testing.TB, err error, code, text string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Code != code || !strings.Contains(f.Message, text) {
		t.Errorf("got %v, want %s: %s", err, code, text)
	}
}

func group(t testing.TB, a *API, name string) {
	t.Helper()
	_, err := a.CreateLogGroup(t.Context(), caller, &logswire.CreateLogGroupRequest{LogGroupName: &name})
	if err != nil {
		t.Fatal(err)
	}
}

func stream(t testing.TB, a *API, group, name string) {
	t.Helper()
	_, err := a.CreateLogStream(t.Context(), caller,
		&logswire.CreateLogStreamRequest{LogGroupName: &group, LogStreamName: &name})
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, a *API, group, stream string, events ...logswire.InputLogEvent) *logswire.PutLogEventsResponse {
	t.Helper()
	out, err := a.PutLogEvents(t.Context(), caller,
		&logswire.PutLogEventsRequest{LogGroupName: &group, LogStreamName: &stream, LogEvents: events})
	return must(t, out, err)
}

func event(at *int64, message string) logswire.InputLogEvent {
	return logswire.InputLogEvent{Timestamp: at, Message: &message}
}

func texts(events []logswire.OutputLogEvent) string {
	var out []string
	for _, e := range events {
		out = append(out, *e.Message)
	}
	return strings.Join(out, " ")
}

func TestAGroupIsCreatedOnceAndDescribed(t *testing.T) {
	a, _ := setUp(t)
	group(t, a, "/ecs/web")
	_, err := a.CreateLogGroup(t.Context(), caller, &logswire.CreateLogGroupRequest{LogGroupName: p("/ecs/web")})
	refused(t, err, "ResourceAlreadyExistsException", "The specified log group already exists")
	out, err := a.DescribeLogGroups(t.Context(), caller, &logswire.DescribeLogGroupsRequest{})
	must(t, out, err)
	if len(out.LogGroups) != 1 {
		t.Fatal(out)
	}
	g := out.LogGroups[0]
	if *g.Arn != "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/web:*" || *g.LogGroupArn+":*" != *g.Arn ||
		g.RetentionInDays != nil || *g.StoredBytes != 0 || *g.LogGroupClass != "STANDARD" {
		t.Errorf("%+v", g)
	}
	other := caller
	other.Region = "us-east-1"
	out, err = a.DescribeLogGroups(t.Context(), other, &logswire.DescribeLogGroupsRequest{})
	must(t, out, err)
	if len(out.LogGroups) != 0 {
		t.Error("a group of another region is shown")
	}
}

func TestGroupsArePagedFilteredAndDeleted(t *testing.T) {
	a, _ := setUp(t)
	for i := range 7 {
		group(t, a, fmt.Sprintf("g%d", i))
	}
	var names []string
	in := &logswire.DescribeLogGroupsRequest{Limit: p(int32(3)), LogGroupNamePrefix: p("g")}
	for {
		out, err := a.DescribeLogGroups(t.Context(), caller, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range out.LogGroups {
			names = append(names, *g.LogGroupName)
		}
		if out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
	}
	if strings.Join(names, "") != "g0g1g2g3g4g5g6" {
		t.Error(names)
	}
	_, err := a.DescribeLogGroups(t.Context(), caller, &logswire.DescribeLogGroupsRequest{NextToken: p("x")})
	refused(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
	_, err = a.DescribeLogGroups(t.Context(), caller,
		&logswire.DescribeLogGroupsRequest{LogGroupNamePrefix: p("a"), LogGroupNamePattern: p("b")})
	refused(t, err, "InvalidParameterException", "mutually exclusive parameters.")
	list, err := a.ListLogGroups(t.Context(), caller, &logswire.ListLogGroupsRequest{LogGroupNamePattern: p("^g1|5")})
	if err != nil || len(list.LogGroups) != 2 {
		t.Error(list, err)
	}
	_, err = a.DeleteLogGroup(t.Context(), caller, &logswire.DeleteLogGroupRequest{LogGroupName: p("g3")})
	if err != nil {
		t.Error(err)
	}
	_, err = a.DeleteLogGroup(t.Context(), caller, &logswire.DeleteLogGroupRequest{LogGroupName: p("g3")})
	refused(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
}

func TestWhatIsNotServedIsRefusedNotIgnored(t *testing.T) {
	a, _ := setUp(t)
	for _, in := range []*logswire.CreateLogGroupRequest{
		{LogGroupName: p("aws/x")}, {LogGroupName: p("g"), KmsKeyId: p("k")},
		{LogGroupName: p("g"), LogGroupClass: p("DELIVERY")}, {LogGroupName: p("g"), DeletionProtectionEnabled: p(true)},
		{LogGroupName: p("g"), Tags: map[string]string{"aws:x": ""}},
	} {
		_, err := a.CreateLogGroup(t.Context(), caller, in)
		refused(t, err, "InvalidParameterException", "")
	}
	if len(a.Ops())+len(a.Refused()) != len(logswire.Model().Operations) {
		t.Error("an operation is neither served nor refused")
	}
}

func TestDeletedStreamsComeBackEmpty(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	stream(t, a, "g", "s")
	_, err := a.CreateLogStream(t.Context(), caller,
		&logswire.CreateLogStreamRequest{LogGroupName: p("g"), LogStreamName: p("s")})
	refused(t, err, "ResourceAlreadyExistsException", "The specified log stream already exists")
	put(t, a, "g", "s", event(c.ms(0), "old"))
	_, err = a.DeleteLogStream(t.Context(), caller,
		&logswire.DeleteLogStreamRequest{LogGroupName: p("g"), LogStreamName: p("s")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.GetLogEvents(t.Context(), caller,
		&logswire.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: p("s")})
	refused(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
	stream(t, a, "g", "s")
	out, err := a.GetLogEvents(t.Context(), caller,
		&logswire.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: p("s")})
	if err != nil || len(out.Events) != 0 {
		t.Error(out, err)
	}
}

func TestStreamsAreOrderedByNameOrByLastEvent(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	for i, name := range []string{"a", "b", "c", "d"} {
		stream(t, a, "g", name)
		if name != "d" {
			put(t, a, "g", name, event(c.ms(time.Duration(i+1)*time.Minute), name))
		}
	}
	list := func(in logswire.DescribeLogStreamsRequest) string {
		in.LogGroupIdentifier, in.Limit = p("arn:aws:logs:eu-west-1:123456789012:log-group:g:*"), p(int32(3))
		names := ""
		for {
			out, err := a.DescribeLogStreams(t.Context(), caller, &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range out.LogStreams {
				names += *s.LogStreamName
			}
			if out.NextToken == nil {
				return names
			}
			in.NextToken = out.NextToken
		}
	}
	byTime := p("LastEventTime")
	for want, in := range map[string]logswire.DescribeLogStreamsRequest{
		"abcd": {}, "dcba": {Descending: p(true)}, "dcba ": {OrderBy: byTime},
		"abcd ": {OrderBy: byTime, Descending: p(true)}, "b": {LogStreamNamePrefix: p("b")},
	} {
		if got := list(in); got != strings.TrimSpace(want) {
			t.Errorf("%s instead of %s", got, want)
		}
	}
	_, err := a.DescribeLogStreams(t.Context(), caller, &logswire.DescribeLogStreamsRequest{
		LogGroupName: p("g"), OrderBy: byTime, LogStreamNamePrefix: p("a")})
	refused(t, err, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
}

func TestBatchesThatBreakARuleAreRefusedWhole(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	stream(t, a, "g", "s")
	cases := map[string][]logswire.InputLogEvent{
		"must be in chronological order.": {event(c.ms(1*time.Millisecond), "a"), event(c.ms(time.Second), "b")},
		"cannot span more than 24 hours.": {event(c.ms(25*time.Hour), "a"), event(c.ms(0), "b")},
		"Upload too large: 1048577 bytes": {event(c.ms(0), strings.Repeat("x", 1<<20-25))},
	}
	for text, events := range cases {
		_, err := a.PutLogEvents(t.Context(), caller,
			&logswire.PutLogEventsRequest{LogGroupName: p("g"), LogStreamName: p("s"), LogEvents: events})
		refused(t, err, "InvalidParameterException", text)
	}
	put(t, a, "g", "s", event(c.ms(0), strings.Repeat("x", 1<<20-26)))
}

func TestEventsOutOfTimeAreToldAndTheOthersKept(t *testing.T) {
	a, c := setUp(t)
	group(t, a, "g")
	stream(t, a, "g", "s")
	_, err := a.PutRetentionPolicy(t.Context(), caller,
		&logswire.PutRetentionPolicyRequest{LogGroupName: p("g"), RetentionInDays: p(int32(1))})
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	out := put(t, a, "g", "s", event(c.ms(15*day), "old"), event(c.ms(2*day), "expired"), event(c.ms(time.Hour), "kept"),
		event(c.ms(-3*time.Hour), "new"))
	r := out.RejectedLogEventsInfo
	if r == nil || *r.TooOldLogEventEndIndex != 1 || *r.ExpiredLogEventEndIndex != 2 || *r.TooNewLogEventStartIndex != 3 {
		t.Fatalf("%+v", r)
	}
	got, err := a.GetLogEvents(t.Context(), caller,
		&logswire.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: p("s")})
	if err != nil || texts(got.Events) != "kept" {
		t.Error(got, err)
	}
	c.now = c.now.Add(25 * time.Hour)
	got, err = a.GetLogEvents(t.Context(), caller,
		&logswire.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: p("s")})
	if err != nil || len(got.Events) != 0 {
		t.Error("retention shows", got, err)
	}
	err = a.Expire(context.Background())
	if err != nil {
		t.Error(err)
	}
	bytes, err := a.storedBytes(t.Context(), firstGroup(a))
	if err != nil || bytes != 0 {
		t.Error(bytes, err)
	}
	_, err = a.PutRetentionPolicy(t.Context(), caller,
		&logswire.PutRetentionPolicyRequest{LogGroupName: p("g"), RetentionInDays: p(int32(2))})
	refused(t, err, "InvalidParameterException", "Member must satisfy enum value set: [1, 3, 5, 7")
}
