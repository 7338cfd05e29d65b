package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"longshore/internal/acs"
)

const (
	oneARN = "arn:aws:ecs:us-east-1:123456789012:task/prod/11111111111111111111111111111111"
	twoARN = "arn:aws:ecs:us-east-1:123456789012:task/prod/22222222222222222222222222222222"
	oneEnd = "one-web-0123456789abcdef0123456789abcdef"
	twoEnd = "two-web-0123456789abcdef0123456789abcdef"
	oneKey = "one-key-0123456789abcdef0123456789abcdef"
	twoKey = "two-key-0123456789abcdef0123456789abcdef"
)

// world is a server with an awsvpc task at 10.0.0.4 and a bridge task, on a clock that stands still.
type world struct {
	*Server
	now time.Time
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	cfg := Config{
		Cluster: "prod", AvailabilityZone: "us-east-1a", VPCID: "vpc-1",
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Server = s
	for _, reg := range []struct {
		task *acs.Task
		end  string
	}{{awsvpcTask(), oneEnd}, {bridgeTask(), twoEnd}} {
		err = s.Register(reg.task, map[string]string{"web": reg.end})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Update(State{TaskARN: oneARN, DesiredStatus: "RUNNING", KnownStatus: "RUNNING", Containers: []ContainerState{{
		Name: "web", DockerID: "d1", DockerName: "ecs-app-3-web-1", ImageID: "sha256:1", DesiredStatus: "RUNNING",
		KnownStatus: "RUNNING", CreatedAt: w.now, StartedAt: w.now, Labels: map[string]string{"a": "b"},
	}}})
	return w
}

func awsvpcTask() *acs.Task {
	return &acs.Task{
		ARN: oneARN, Family: "app", Version: "3", DesiredStatus: "RUNNING", NetworkMode: "awsvpc", CPU: 0.25, Memory: 512,
		ServiceName: "web-app", TaskClusterARN: "arn:aws:ecs:us-east-1:123456789012:cluster/prod",
		Longshore: &acs.TaskExtension{Fargate: true},
		Containers: []acs.Container{{
			Name: "web", Image: "web:1", CPU: 10, Memory: 128, ARN: "arn:container",
			Longshore: &acs.ContainerExtension{LogDriver: "awslogs", LogOptions: map[string]string{"awslogs-group": "g"}},
		}},
		ENIs: []acs.ENI{{
			MACAddress: "02:00:00:00:00:01", PrivateDNSName: "ip-10-0-0-4.ec2.internal",
			IPv4Addresses:            []acs.IPv4Address{{Primary: true, PrivateAddress: "10.0.0.4"}},
			SubnetGatewayIPv4Address: "10.0.0.1/24",
		}},
		RoleCredentials: &acs.RoleCredentials{
			CredentialsID: oneKey, RoleARN: "arn:role", AccessKeyID: "AKIA1", SecretAccessKey: "s1", SessionToken: "t1",
			Expiration: "2026-01-02T09:00:00Z",
		},
		ExecutionRoleCredentials: &acs.RoleCredentials{CredentialsID: "execution-0123456789abcdef0123456789", AccessKeyID: "AKIAX"},
	}
}

func bridgeTask() *acs.Task {
	return &acs.Task{
		ARN: twoARN, Family: "app", Version: "4", DesiredStatus: "RUNNING",
		Containers:      []acs.Container{{Name: "web", Image: "web:1"}},
		RoleCredentials: &acs.RoleCredentials{CredentialsID: twoKey},
	}
}

func (w *world) do(method, path, from, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://169.254.170.2"+path, strings.NewReader(body))
	r.RemoteAddr = from + ":4711"
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	return rec
}

func (w *world) get(path, from string) *httptest.ResponseRecorder { return w.do("GET", path, from, "") }

func TestAnswersToIdsNobodyHas(t *testing.T) {
	w := newWorld(t, nil)
	const arn = "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: bad"
	const cid = "unable to get container ID from request: unable to get docker ID from v3 endpoint ID: bad"
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/v4/bad", 404, "V4 container metadata handler: " + cid},
		{"/v4/bad/task", 404, "V4 task metadata handler: " + arn},
		{"/v4/bad/taskWithTags", 404, "V4 task metadata handler: " + arn},
		{"/v4/bad/stats", 404, "V4 container handler: " + arn},
		{"/v4/bad/task/stats", 404, "V4 task stats handler: " + arn},
		{"/v3/bad", 500, "V3 container metadata handler: " + cid},
		{"/v3/bad/task", 500, "V3 task metadata handler: " + arn},
		{"/v3/bad/stats", 400, "V3 container handler: " + arn},
		{"/v2/metadata", 400, "Unable to get task arn from request: unable to associate '10.9.9.9' with task"},
	} {
		rec := w.get(c.path, "10.9.9.9")
		var body string
		err := json.Unmarshal(rec.Body.Bytes(), &body)
		if rec.Code != c.status || err != nil || body != c.body {
			t.Errorf("%s: %d %s, want %d %q", c.path, rec.Code, rec.Body, c.status, c.body)
		}
	}
}

func TestPathsThatDoNotExistAreNotFound(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{
		"/", "/v3", "/v4", "/v5/x", "/v2/meta", "/v2/statss", "/v4/x/", "/v4/x/wrong", "/v4/x/task/", "/v3/x/tasks",
		"/v4/x/task/stats/", "/v4/x/task/stats/wrong", "/api/x/fault/v1/network-latency/start", "/api/x", "/latest/meta-data",
	} {
		if rec := w.get(path, "10.0.0.4"); rec.Code != 404 {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestV4TaskDocument(t *testing.T) {
	w := newWorld(t, nil)
	rec := w.get("/v4/"+oneEnd+"/task", "10.0.0.4")
	want := `{"Cluster":"arn:aws:ecs:us-east-1:123456789012:cluster/prod","TaskARN":"` + oneARN + `","Family":"app",` +
		`"Revision":"3","ServiceName":"web-app","DesiredStatus":"RUNNING","KnownStatus":"RUNNING","Containers":[{"DockerId":"d1",` +
		`"Name":"web","DockerName":"ecs-app-3-web-1","Image":"web:1","ImageID":"sha256:1","Labels":{"a":"b"},` +
		`"DesiredStatus":"RUNNING","KnownStatus":"RUNNING","Limits":{"CPU":10,"Memory":128},"CreatedAt":"2026-01-02T03:04:05Z",` +
		`"StartedAt":"2026-01-02T03:04:05Z","Type":"NORMAL","LogDriver":"awslogs","LogOptions":{"awslogs-group":"g"},` +
		`"ContainerARN":"arn:container","Networks":[{"NetworkMode":"awsvpc","IPv4Addresses":["10.0.0.4"],"AttachmentIndex":0,` +
		`"MACAddress":"02:00:00:00:00:01","IPv4SubnetCIDRBlock":"10.0.0.0/24","PrivateDNSName":"ip-10-0-0-4.ec2.internal",` +
		`"SubnetGatewayIpv4Address":"10.0.0.1/24"}]}],"Limits":{"CPU":0.25,"Memory":512},"AvailabilityZone":"us-east-1a",` +
		`"LaunchType":"FARGATE","VPCID":"vpc-1","FaultInjectionEnabled":false}`
	if rec.Code != 200 || rec.Body.String() != want {
		t.Errorf("%d\n%s\nwant\n%s", rec.Code, rec.Body, want)
	}
}

func TestOlderVersionsShowLess(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/v3/" + oneEnd + "/task", "/v2/metadata", "/v2/metadata/d1", "/v3/" + oneEnd} {
		rec := w.get(path, "10.0.0.4")
		if rec.Code != 200 || strings.Contains(rec.Body.String(), "MACAddress") || strings.Contains(rec.Body.String(), "LaunchType") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
		if !strings.Contains(rec.Body.String(), `"IPv4Addresses":["10.0.0.4"]`) {
			t.Errorf("%s has no address: %s", path, rec.Body)
		}
	}
}

func TestTagsThatCannotBeReadAreErrorsInAGoodAnswer(t *testing.T) {
	w := newWorld(t, nil)
	rec := w.get("/v4/"+oneEnd+"/taskWithTags", "10.0.0.4")
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), `"ErrorField":"TaskTags"`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestOnlyTheTaskItselfIsAnsweredAtItsIds(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/v4/" + oneEnd, "/v3/" + oneEnd + "/task", "/v2/credentials/" + oneKey, "/v1/credentials?id=" + oneKey} {
		if rec := w.get(path, "10.0.0.4"); rec.Code != 200 {
			t.Errorf("%s from the task: %d %s", path, rec.Code, rec.Body)
		}
		if rec := w.get(path, "::ffff:10.0.0.4"); rec.Code == 200 {
			t.Errorf("unbracketed address was parsed: %d", rec.Code)
		}
		for _, from := range []string{"10.0.0.5", "172.17.0.2", "127.0.0.1", "[::1]"} {
			if rec := w.get(path, from); rec.Code == 200 || strings.Contains(rec.Body.String(), "s1") {
				t.Errorf("%s from %s: %d %s", path, from, rec.Code, rec.Body)
			}
		}
	}
	if rec := w.get("/v4/"+oneEnd, "[::ffff:10.0.0.4]"); rec.Code != 200 {
		t.Errorf("mapped address of the task: %d", rec.Code)
	}
}

func TestBridgeTasksAreHeldToTheirAddressesOnceAllAreKnown(t *testing.T) {
	w := newWorld(t, nil)
	path := "/v4/" + twoEnd + "/task"
	if rec := w.get(path, "172.17.0.2"); rec.Code != 200 {
		t.Errorf("before the address is known: %d", rec.Code)
	}
	w.Update(State{TaskARN: twoARN, Containers: []ContainerState{
		{Name: "web", DockerID: "d2", KnownStatus: "RUNNING", Addresses: []netip.Addr{netip.MustParseAddr("172.17.0.2")}},
	}})
	if rec := w.get(path, "172.17.0.2"); rec.Code != 200 {
		t.Errorf("from the known address: %d", rec.Code)
	}
	if rec := w.get(path, "172.17.0.3"); rec.Code != 404 {
		t.Errorf("from a neighbour: %d", rec.Code)
	}
	if rec := w.get("/v2/metadata", "172.17.0.2"); rec.Code != 200 || !strings.Contains(rec.Body.String(), twoARN) {
		t.Errorf("v2 by address: %d %s", rec.Code, rec.Body)
	}
}

func TestCredentialsAndTheirRefusals(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		path, from string
		status     int
		body       string
	}{
		{"/v2/credentials/" + oneKey, "10.0.0.4", 200, `{"RoleArn":"arn:role","AccessKeyId":"AKIA1","SecretAccessKey":"s1","Token":"t1","Expiration":"2026-01-02T09:00:00Z"}`},
		{"/v2/credentials/", "10.0.0.4", 400, `{"code":"NoIdInRequest","message":"CredentialsV2Request: No Credential ID in the request","HTTPErrorCode":400}`},
		{"/v2/credentials", "10.0.0.4", 400, `{"code":"NoIdInRequest","message":"CredentialsV2Request: No Credential ID in the request","HTTPErrorCode":400}`},
		{"/v2/credentials/nope", "10.0.0.4", 400, `{"code":"InvalidIdInRequest","message":"CredentialsV2Request: Credentials not found","HTTPErrorCode":400}`},
		{"/v1/credentials", "10.0.0.4", 400, `{"code":"NoIdInRequest","message":"CredentialsV1Request: No Credential ID in the request","HTTPErrorCode":400}`},
		{"/v2/credentials/" + twoKey, "172.17.0.9", 503, `{"code":"CredentialsUninitialized","message":"CredentialsV2Request: Credentials uninitialized for ID","HTTPErrorCode":503}`},
		{"/v2/credentials/execution-0123456789abcdef0123456789", "10.0.0.4", 400, `{"code":"InvalidIdInRequest","message":"CredentialsV2Request: Credentials not found","HTTPErrorCode":400}`},
	} {
		rec := w.get(c.path, c.from)
		if rec.Code != c.status || rec.Body.String() != c.body {
			t.Errorf("%s: %d %s, want %d %s", c.path, rec.Code, rec.Body, c.status, c.body)
		}
	}
}

func TestNewCredentialsReplaceOldOnesAndExecutionKeysAreNeverServed(t *testing.T) {
	w := newWorld(t, nil)
	fresh := &acs.RoleCredentials{CredentialsID: oneKey, AccessKeyID: "AKIA2"}
	if !w.SetCredentials(oneARN, acs.RoleTaskApplication, fresh) || w.SetCredentials("arn:none", acs.RoleTaskApplication, fresh) {
		t.Error("known and unknown tasks were mixed up")
	}
	w.SetCredentials(oneARN, acs.RoleTaskExecution, &acs.RoleCredentials{CredentialsID: oneKey, AccessKeyID: "AKIAX"})
	if rec := w.get("/v2/credentials/"+oneKey, "10.0.0.4"); !strings.Contains(rec.Body.String(), "AKIA2") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.Forget(oneARN)
	for _, path := range []string{"/v2/credentials/" + oneKey, "/v4/" + oneEnd, "/v2/metadata"} {
		if rec := w.get(path, "10.0.0.4"); rec.Code == 200 {
			t.Errorf("%s still answers after the task was forgotten", path)
		}
	}
}

func TestRegistrationsThatWouldWeakenIdsAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	stolen := bridgeTask()
	stolen.ARN = "arn:third"
	for name, err := range map[string]error{
		"short endpoint id":          w.Register(&acs.Task{ARN: "arn:x"}, map[string]string{"a": "short"}),
		"another task's endpoint id": w.Register(&acs.Task{ARN: "arn:x"}, map[string]string{"a": oneEnd}),
		"another task's credentials": w.Register(stolen, nil),
		"short credentials id":       w.Register(&acs.Task{ARN: "arn:x", RoleCredentials: &acs.RoleCredentials{CredentialsID: "1"}}, nil),
		"no ARN":                     w.Register(&acs.Task{}, nil),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	err := w.Register(awsvpcTask(), map[string]string{"web": oneEnd})
	if err != nil {
		t.Errorf("registering again: %v", err)
	}
	if rec := w.get("/v4/"+oneEnd, "10.0.0.4"); rec.Code != 200 {
		t.Errorf("state was lost: %d %s", rec.Code, rec.Body)
	}
}

func TestOtherHostsAndMethodsAreRefused(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Hosts = []string{"172.17.0.1:9000"} })
	for host, want := range map[string]int{
		"169.254.170.2": 200, "169.254.170.2:80": 200, "172.17.0.1:9000": 200,
		"rebind.example": 403, "169.254.170.2:81": 403, "169.254.170.2.nip.io": 403, "": 403,
	} {
		r := httptest.NewRequest("GET", "/v4/"+oneEnd, nil)
		r.Host, r.RemoteAddr = host, "10.0.0.4:1"
		rec := httptest.NewRecorder()
		w.Handler().ServeHTTP(rec, r)
		if rec.Code != want {
			t.Errorf("host %q: %d, want %d", host, rec.Code, want)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "HEAD", "OPTIONS"} {
		if rec := w.do(method, "/v2/credentials/"+oneKey, "10.0.0.4", ""); rec.Code != 405 {
			t.Errorf("%s: %d", method, rec.Code)
		}
	}
}

func TestEachTaskHasItsOwnAllowance(t *testing.T) {
	w := newWorld(t, nil)
	count := func(path, from string, n int) (good int) {
		for range n {
			if w.get(path, from).Code != 429 {
				good++
			}
		}
		return good
	}
	if got := count("/v4/"+oneEnd, "10.0.0.4", 100); got != 60 {
		t.Errorf("burst of %d, want 60", got)
	}
	if got := count("/v4/"+twoEnd+"/task", "172.17.0.2", 10); got != 10 {
		t.Errorf("the neighbour got %d of 10", got)
	}
	if got := count("/v4/guess", "10.0.0.9", 100); got != 60 {
		t.Errorf("a guesser got %d, want 60", got)
	}
	w.now = w.now.Add(500 * time.Millisecond)
	if got := count("/v4/"+oneEnd, "10.0.0.4", 100); got != 20 {
		t.Errorf("half a second later %d, want 20", got)
	}
}

type fakeStats struct{}

func (fakeStats) ContainerStats(_ context.Context, id string) (json.RawMessage, *NetworkRates, error) {
	if id != "d1" {
		return nil, nil, errors.New("not running")
	}
	return json.RawMessage(`{"read":"now"} `), &NetworkRates{RxBytesPerSec: 1.5}, nil
}

func TestStatisticsAreTheEnginesAndV4AddsRates(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Stats = fakeStats{} })
	for path, want := range map[string]string{
		"/v4/" + oneEnd + "/stats":      `{"read":"now","network_rate_stats":{"rx_bytes_per_sec":1.5,"tx_bytes_per_sec":0}}`,
		"/v3/" + oneEnd + "/stats":      `{"read":"now"}`,
		"/v3/" + oneEnd + "/task/stats": `{"d1":{"read":"now"}}`,
		"/v2/stats":                     `{"d1":{"read":"now"}}`,
		"/v2/stats/d1":                  `{"read":"now"}`,
		"/v2/stats/other":               `"Unable to get container stats for: other"`,
	} {
		if rec := w.get(path, "10.0.0.4"); rec.Body.String() != want {
			t.Errorf("%s: %d %s, want %s", path, rec.Code, rec.Body, want)
		}
	}
	without := newWorld(t, nil)
	if rec := without.get("/v4/"+oneEnd+"/task/stats", "10.0.0.4"); rec.Code != 500 {
		t.Errorf("without statistics: %d", rec.Code)
	}
}

func TestServeAnswersOnTheAddressItListensOn(t *testing.T) {
	w := newWorld(t, nil)
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Serve(ctx, ln) }()
	res, err := http.Get("http://" + ln.Addr().String() + "/v4/" + twoEnd + "/task")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}
