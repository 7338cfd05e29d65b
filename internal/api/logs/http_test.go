package logs

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"longshore/internal/aws/front"
	"longshore/internal/aws/sigv4"
)

// serve answers the service over HTTP as the daemon does, for anyone who signs with whatever key.
func serve(t testing.TB, a *API) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	f, err := front.New(front.Config{
		Services: []front.Service{a.Service()}, Keys: sigv4.NewKeyring(nil), Now: a.Now,
		NewID: func() string { return "00000000-0000-0000-0000-000000000000" }, Log: slog.New(slog.DiscardHandler),
		InsecureAcceptAny: true, Account: caller.Account, Region: caller.Region,
		Hosts: []string{server.Listener.Addr().String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = f
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func call(t testing.TB, server *httptest.Server, op, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Logs_20140328."+op)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Status[:3] + " " + string(answer)
}

func TestCallsOverHTTPAnswerAsAWSDoes(t *testing.T) {
	a, _ := setUp(t)
	server := serve(t, a)
	const day = "1772366400000" // the clock of setUp
	for _, step := range []struct{ op, body, want string }{
		{"CreateLogGroup", `{"logGroupName":"g"}`, `200 `},
		{"CreateLogGroup", `{"logGroupName":"g"}`, `400 {"__type":"ResourceAlreadyExistsException"`},
		{"CreateLogGroup", `{"logGroupName":"a b"}`, `InvalidParameterException`},
		{"CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`, `200 `},
		{"CreateLogStream", `{"logGroupName":"g","logStreamName":"a:b"}`, `InvalidParameterException`},
		{"PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[]}`, `InvalidParameterException`},
		{"PutLogEvents", `{"logGroupName":"g","logStreamName":"x","logEvents":[{"timestamp":1,"message":"m"}]}`,
			`400 {"__type":"ResourceNotFoundException"`},
		{"PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":` + day + `,"message":"ü"}]}`,
			`"nextSequenceToken":"`},
		{"FilterLogEvents", `{"logGroupName":"g"}`, `"message":"ü"`},
		{"FilterLogEvents", `{"logGroupName":"g","startTime":1e3000}`, `400 `},
		{"FilterLogEvents", `{}`, `InvalidParameterException`},
		{"GetLogEvents", `{"logGroupName":"g","logStreamName":"s"}`, `"timestamp":` + day},
		{"StartLiveTail", `{"logGroupIdentifiers":["g"]}`, `InvalidParameterException`},
		{"StartQuery", `{}`, `is not served by Longshore`},
		{"NoSuchThing", `{}`, `UnknownOperationException`},
	} {
		got := call(t, server, step.op, step.body)
		if !strings.Contains(got, step.want) || strings.HasPrefix(got, "5") {
			t.Errorf("%s %s: %s", step.op, step.body, got)
		}
	}
}

func BenchmarkPutLogEventsOverHTTP(b *testing.B) {
	a, c := setUp(b)
	group(b, a, "g")
	stream(b, a, "g", "s")
	server := serve(b, a)
	line := `{"timestamp":` + strconv.FormatInt(*c.ms(0), 10) + `,"message":"INFO request served status=200 ms=12"}`
	body := `{"logGroupName":"g","logStreamName":"s","logEvents":[` + line + strings.Repeat(","+line, 99) + `]}`
	for b.Loop() {
		if got := call(b, server, "PutLogEvents", body); !strings.HasPrefix(got, "200") {
			b.Fatal(got)
		}
	}
	b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "events/s")
}
