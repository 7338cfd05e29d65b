package front_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/fxamacker/cbor/v2"

	"longshore/internal/api/sts"
	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/aws/sigv4"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ec2wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/gen/logswire"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	ecsTarget = "AmazonEC2ContainerServiceV20141113."
	json11    = "application/x-amz-json-1.1"
	urlForm   = "application/x-www-form-urlencoded"
)

func text(s string) *string { return &s }

// describe answers with as many services as were asked for.
func describe(
	_ context.Context, _ front.Caller, in *ecswire.DescribeServicesRequest,
) (*ecswire.DescribeServicesResponse, error) {
	out := &ecswire.DescribeServicesResponse{Services: []ecswire.Service{}}
	for i := range in.Services {
		out.Services = append(out.Services, ecswire.Service{
			ServiceName: &in.Services[i], CreatedAt: wire.At(now), Events: events(),
		})
	}
	return out, nil
}

func events() []ecswire.ServiceEvent {
	out := make([]ecswire.ServiceEvent, 8)
	for i := range out {
		out[i] = ecswire.ServiceEvent{
			Id: text("0123456789abcdef"), CreatedAt: wire.At(now), Message: text("(service web) has reached a steady state."),
		}
	}
	return out
}

func services() []front.Service {
	ecs := ecswire.Model()
	ecs.Protocols = append(ecs.Protocols, wire.ProtocolCBOR)
	return []front.Service{
		{
			Wire: ecs,
			Ops: []front.Op{
				front.Bind("DescribeServices", describe),
				front.Bind("ListTasks", func(context.Context, front.Caller, *ecswire.ListTasksRequest) (*ecswire.ListTasksResponse, error) {
					return nil, fault.New("ClusterNotFoundException", "Cluster not found.")
				}),
				front.Bind("ListServices", func(context.Context, front.Caller, *ecswire.ListServicesRequest) (*ecswire.ListServicesResponse, error) {
					return nil, errors.New("disk full at /var/lib/secret")
				}),
				front.Bind("StopTask", func(context.Context, front.Caller, *ecswire.StopTaskRequest) (*ecswire.StopTaskResponse, error) {
					panic("boo")
				}),
				front.Bind("TagResource", func(context.Context, front.Caller, *ecswire.TagResourceRequest) (*ecswire.TagResourceResponse, error) {
					return &ecswire.TagResourceResponse{}, nil
				}),
			},
			Refused: map[string]string{"ExecuteCommand": "execute-command comes later."},
		},
		{Wire: ec2wire.Model(), Ops: []front.Op{
			front.Bind("DescribeVpcs", func(context.Context, front.Caller, *ec2wire.DescribeVpcsRequest) (*ec2wire.DescribeVpcsResult, error) {
				return &ec2wire.DescribeVpcsResult{Vpcs: []ec2wire.Vpc{{VpcId: text("vpc-1")}}}, nil
			}),
		}},
		{Wire: logswire.Model(), Ops: []front.Op{
			front.Bind("DeleteLogGroup", func(context.Context, front.Caller, *logswire.DeleteLogGroupRequest) (*wire.Unit, error) {
				return &wire.Unit{}, nil
			}),
		}},
		sts.New().Service(),
	}
}

func config() front.Config {
	root := sigv4.Identity{Account: "000000000000", Principal: "arn:aws:iam::000000000000:root", UserID: "000000000000"}
	return front.Config{
		Services: services(),
		Keys:     sigv4.NewKeyring(nil, sigv4.Key{ID: "AKIAEXAMPLE", Secret: "secret", Identity: root}),
		Hosts:    front.LoopbackHosts("4566"),
		Mounts: map[string]http.Handler{
			"/_longshore/health": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }),
		},
		Now:   func() time.Time { return now },
		NewID: func() string { return "request-1" },
		Log:   slog.New(slog.DiscardHandler),
	}
}

func newFront(t testing.TB, c front.Config) *front.Front {
	t.Helper()
	f, err := front.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// request is one call; sign is done for service unless it is "".
type request struct {
	method, path, service, media, body string
	header                             map[string]string
}

func (q request) build(t testing.TB) *http.Request {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodPost
	}
	if q.path == "" {
		q.path = "/"
	}
	r, err := http.NewRequest(q.method, "http://127.0.0.1:4566"+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	if q.media != "" {
		r.Header.Set("Content-Type", q.media)
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	if q.service != "" {
		sum := sha256.Sum256([]byte(q.body))
		key := aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}
		err = v4.NewSigner().SignHTTP(t.Context(), key, r, hex.EncodeToString(sum[:]), q.service, "eu-west-1", now)
		if err != nil {
			t.Fatal(err)
		}
	}
	r.RequestURI = q.path
	r.RemoteAddr = "127.0.0.1:5555"
	return r
}

func (q request) to(t testing.TB, f http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, q.build(t))
	return w
}

func ecsCall(op, body string) request {
	return request{service: "ecs", media: json11, body: body, header: map[string]string{"X-Amz-Target": ecsTarget + op}}
}

func TestAnswersInEveryProtocol(t *testing.T) {
	f := newFront(t, config())
	cases := []struct {
		name   string
		q      request
		status int
		want   string // within the body
	}{
		{"json", ecsCall("DescribeServices", `{"services":["web"],"later":{"x":[1]}}`), 200, `"serviceName":"web"`},
		{"json with an empty list", ecsCall("DescribeServices", `{"services":[]}`), 200, `{"services":[]}`},
		{"json epoch", ecsCall("DescribeServices", `{"services":["web"]}`), 200, `"createdAt":1795176000`},
		{"json fault", ecsCall("ListTasks", ""), 400, `{"__type":"ClusterNotFoundException","message":"Cluster not found."}`},
		{"json unknown error", ecsCall("ListServices", "{}"), 500, `{"__type":"ServerException","message":"Service Unav`},
		{"json panic", ecsCall("StopTask", `{"task":"x"}`), 500, `"__type":"ServerException"`},
		{"json missing member", ecsCall("StopTask", `{}`), 400, `{"__type":"InvalidParameterException","message":"1 vali`},
		{"json unknown operation", ecsCall("Nope", "{}"), 400, `{"__type":"UnknownOperationException"}`},
		{"json refused", ecsCall("ExecuteCommand", "{}"), 400, "ExecuteCommand is not served by Longshore: execute-command"},
		{"json refused without a reason", ecsCall("CreateTaskSet", "{}"), 400, `"UnsupportedFeatureException"`},
		{"json malformed", ecsCall("StopTask", `{"task":`), 400, `"SerializationException"`},
		{"json of a wrong type", ecsCall("StopTask", `{"task":7}`), 400, "NUMBER_VALUE can not be converted to a String"},
		{"json too deep", ecsCall("StopTask", strings.Repeat("[", 65)), 400, "nested too deeply"},
		{"json without an output", request{service: "logs", media: json11, body: `{"logGroupName":"a"}`,
			header: map[string]string{"X-Amz-Target": "Logs_20140328.DeleteLogGroup"}}, 200, ""},
		{"query", request{service: "sts", media: urlForm, body: "Action=GetCallerIdentity&Version=2011-06-15"}, 200,
			"<GetCallerIdentityResult><UserId>000000000000</UserId>"},
		{"query unknown action", request{service: "sts", media: urlForm, body: "Action=Nope&Version=2011-06-15"}, 400,
			"<Error><Type>Sender</Type><Code>InvalidAction</Code>"},
		{"query unsigned", request{media: urlForm, body: "Action=GetCallerIdentity&Version=2011-06-15"}, 403,
			"<Code>MissingAuthenticationToken</Code>"},
		{"ec2", request{service: "ec2", media: urlForm, body: "Action=DescribeVpcs&Version=2016-11-15"}, 200,
			"<requestId>request-1</requestId><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>"},
		{"ec2 wrong value", request{service: "ec2", media: urlForm, body: "Action=DescribeVpcs&Version=2016-11-15&MaxResults=x"},
			400, "<Response><Errors><Error><Code>InvalidParameterValue</Code>"},
		{"ec2 not served", request{service: "ec2", media: urlForm, body: "Action=RunInstances&Version=2016-11-15"}, 400,
			"<Code>UnsupportedOperation</Code><Message>RunInstances is not served by Longshore.</Message>"},
		{"scope of another service", request{service: "logs", media: json11, body: `{}`,
			header: map[string]string{"X-Amz-Target": ecsTarget + "ListTasks"}}, 400, "scoped to correct service: 'ecs'"},
		{"mount", request{method: "GET", path: "/_longshore/health"}, 200, "ok"},
		{"nothing", request{method: "GET"}, 404, "UnknownOperationException"},
		{"options", request{method: "OPTIONS"}, 404, "UnknownOperationException"},
	}
	for _, c := range cases {
		w := c.q.to(t, f)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if c.name != "mount" && w.Header().Get("x-amzn-RequestId") != "request-1" {
			t.Errorf("%s: no request id", c.name)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: the cause of an internal error is told: %s", c.name, w.Body)
		}
	}
}

func TestCBORCallsAnyServiceThatListsIt(t *testing.T) {
	f := newFront(t, config())
	body, err := cbor.Marshal(map[string]any{"services": []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	call := func(op, body string) *httptest.ResponseRecorder {
		return request{
			service: "ecs", path: "/service/AmazonEC2ContainerServiceV20141113/operation/" + op, body: body,
			media: "application/cbor", header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor"},
		}.to(t, f)
	}
	w := call("DescribeServices", string(body))
	out := ecswire.DescribeServicesResponse{}
	err = cbor.Unmarshal(w.Body.Bytes(), &out)
	if err != nil || w.Code != 200 || *out.Services[0].ServiceName != "web" || !out.Services[0].CreatedAt.Equal(now) {
		t.Fatalf("got %d %+v: %v", w.Code, out, err)
	}
	if w.Header().Get("Smithy-Protocol") != "rpc-v2-cbor" {
		t.Error("the answer does not name its protocol")
	}
	for op, want := range map[string]string{
		"ListTasks": "ClusterNotFoundException", "Nope": "UnknownOperationException", "StopTask": "InvalidParameterException",
	} {
		w := call(op, "")
		e := struct {
			Type string `cbor:"__type"`
		}{}
		err := cbor.Unmarshal(w.Body.Bytes(), &e)
		if err != nil || e.Type != want {
			t.Errorf("%s: %d %+v: %v", op, w.Code, e, err)
		}
	}
	w = call("StopTask", strings.Repeat("\x81", 100))
	if w.Code != 400 {
		t.Errorf("nested arrays: %d", w.Code)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	f := newFront(t, config())
	cases := []struct {
		name   string
		host   string
		header [2]string
		status int
	}{
		{"our host", "127.0.0.1:4566", [2]string{}, 200},
		{"our host by name", "LOCALHOST:4566", [2]string{}, 200},
		{"our own origin", "localhost:4566", [2]string{"Origin", "http://localhost:4566"}, 200},
		{"no port", "127.0.0.1", [2]string{}, 403},
		{"another port", "127.0.0.1:80", [2]string{}, 403},
		{"a trailing dot", "localhost.:4566", [2]string{}, 403},
		{"a rebound name", "evil.example:4566", [2]string{}, 403},
		{"a foreign origin", "localhost:4566", [2]string{"Origin", "http://evil.example"}, 403},
		{"an opaque origin", "localhost:4566", [2]string{"Origin", "null"}, 403},
		{"a cross-site fetch", "localhost:4566", [2]string{"Sec-Fetch-Site", "cross-site"}, 403},
	}
	for _, c := range cases {
		r := request{method: "GET", path: "/_longshore/health"}.build(t)
		r.Host = c.host
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d", c.name, w.Code)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: a web page is let in", c.name)
		}
	}
}

func TestWebPageBodiesAreRefusedOnJSON(t *testing.T) {
	f := newFront(t, config())
	for _, media := range []string{"text/plain", urlForm, "multipart/form-data", ""} {
		q := ecsCall("ListTasks", "{}")
		q.media = media
		if w := q.to(t, f); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %d", media, w.Code)
		}
	}
}

func gzipped(t *testing.T, body []byte) string {
	t.Helper()
	b := bytes.Buffer{}
	z := gzip.NewWriter(&b)
	_, err := z.Write(body)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBodiesAreBounded(t *testing.T) {
	c := config()
	c.MaxBody = 1 << 20
	f := newFront(t, c)
	zip := func(body []byte) request {
		q := ecsCall("DescribeServices", gzipped(t, body))
		q.header["Content-Encoding"] = "gzip"
		return q
	}
	many := "Action=GetCallerIdentity&Version=2011-06-15" + strings.Repeat("&a=b", 1000)
	cases := []struct {
		name   string
		q      request
		status int
	}{
		{"gzip", zip([]byte(`{"services":["web"]}`)), 200},
		{"a gzip bomb", zip(bytes.Repeat([]byte(" "), 2<<20)), 413},
		{"no gzip at all", func() request { q := zip(nil); q.body = "x"; return q }(), 400},
		{"too large", ecsCall("ListTasks", strings.Repeat(" ", 1<<20+1)), 413},
		{"just not too large", ecsCall("DescribeServices", `{"services":[]}`+strings.Repeat(" ", 1<<20-15)), 200},
		{"too many parameters", request{service: "sts", media: urlForm, body: many}, 400},
	}
	for _, c := range cases {
		if w := c.q.to(t, f); w.Code != c.status {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}

type nobody struct{}

func (nobody) Authorize(_ context.Context, c front.Caller, service, op string) error {
	return fault.New("AccessDeniedException", c.Principal+" may not "+service+":"+op)
}

func TestTheAuthorizerIsAskedBeforeTheOperation(t *testing.T) {
	c := config()
	c.Authorizer = nobody{}
	w := ecsCall("ListTasks", "{}").to(t, newFront(t, c))
	if w.Code != 400 || !strings.Contains(w.Body.String(), "root may not ecs:ListTasks") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

func TestAnyCredentialsAreTakenOnlyWhenToldSo(t *testing.T) {
	q := request{media: urlForm, body: "Action=GetCallerIdentity&Version=2011-06-15"}
	c := config()
	c.InsecureAcceptAny, c.Account = true, "111122223333"
	w := q.to(t, newFront(t, c))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "arn:aws:iam::111122223333:root") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := q.to(t, newFront(t, config())); w.Code != 403 {
		t.Fatalf("unsigned: %d", w.Code)
	}
}

func TestWrongBindingsAreRefusedAtStart(t *testing.T) {
	c := config()
	c.Services[0].Ops = append(c.Services[0].Ops, front.Bind("ListClusters", describe))
	_, err := front.New(c)
	if err == nil {
		t.Fatal("an operation is bound to another one's shapes")
	}
}
