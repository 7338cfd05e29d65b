package logs

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"longshore/internal/gen/logswire"
	"longshore/internal/telemetry/logstore"
)

func TestAServerShowsTheEventsThatItHoldsAndRefusesThoseOfAnother(t *testing.T) {
	a, c := setUp(t)
	a.Server = "a"
	events := logstore.New(logstore.Config{Dir: "logs", FS: vfs.NewMem(), Now: c.Now})
	defer events.Close()
	b := New(Config{Store: a.Store, Events: events, Now: c.Now, Server: "b"})
	group(t, a, "g")
	put := func(at *API, message string) {
		t.Helper()
		_, err := at.PutLogEvents(t.Context(), caller, &logswire.PutLogEventsRequest{LogGroupName: p("g"), LogStreamName: p("s"),
			LogEvents: []logswire.InputLogEvent{{Timestamp: c.ms(0), Message: &message}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	get := func(at *API) (*logswire.GetLogEventsResponse, error) {
		return at.GetLogEvents(t.Context(), caller, &logswire.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: p("s")})
	}
	create := func() {
		t.Helper()
		_, err := a.CreateLogStream(t.Context(), caller, &logswire.CreateLogStreamRequest{LogGroupName: p("g"), LogStreamName: p("s")})
		if err != nil {
			t.Fatal(err)
		}
	}
	create()
	out, err := get(b)
	if n := len(must(t, out, err).Events); n != 0 {
		t.Errorf("an empty stream shows %d events", n)
	}
	put(b, "one")
	out, err = get(b)
	if n := len(must(t, out, err).Events); n != 1 {
		t.Errorf("the server that holds the stream shows %d events", n)
	}
	_, err = get(a)
	refused(t, err, "ServiceUnavailableException", "another Longshore server (b)")
	_, err = a.FilterLogEvents(t.Context(), caller, &logswire.FilterLogEventsRequest{LogGroupName: p("g")})
	refused(t, err, "ServiceUnavailableException", "(b)")
	// Deleted through the other server, which cannot delete the events, and made again.
	_, err = a.DeleteLogStream(t.Context(), caller, &logswire.DeleteLogStreamRequest{LogGroupName: p("g"), LogStreamName: p("s")})
	if err != nil {
		t.Fatal(err)
	}
	create()
	out, err = get(b)
	if n := len(must(t, out, err).Events); n != 0 {
		t.Errorf("the new stream shows %d events of the old one", n)
	}
	put(b, "two")
	found, err := b.FilterLogEvents(t.Context(), caller, &logswire.FilterLogEventsRequest{LogGroupName: p("g")})
	if got := must(t, found, err).Events; len(got) != 1 || *got[0].Message != "two" {
		t.Errorf("the new stream shows %d events", len(got))
	}
}
