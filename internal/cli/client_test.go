package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"longshore/internal/gen/ecswire"
	"longshore/internal/gen/logswire"
)

// answering is a client of a server that answers each call with the next of some bodies, the last one for ever.
func answering(t *testing.T, status int, bodies ...string) (*client, *[]*http.Request) {
	t.Helper()
	var seen []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := bodies[min(len(seen), len(bodies)-1)]
		seen = append(seen, r)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client says what it got
	}))
	t.Cleanup(s.Close)
	return &client{
		url: s.URL, region: "us-east-1", keys: aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"},
		missing: "nothing there", http: s.Client(), now: func() time.Time { return noon },
	}, &seen
}

func TestCallsAreSignedForTheirServiceAndRegion(t *testing.T) {
	c, seen := answering(t, 200, "{}")
	err := c.ecs(context.Background(), "ListClusters", ecswire.ListClustersRequest{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := (*seen)[0]
	if r.Header.Get("X-Amz-Target") != "AmazonEC2ContainerServiceV20141113.ListClusters" ||
		!strings.Contains(r.Header.Get("Authorization"), "Credential=AKIAEXAMPLE/20261120/us-east-1/ecs/aws4_request") {
		t.Errorf("sent %v", r.Header)
	}
}

func TestARefusalIsToldWithWhatToDo(t *testing.T) {
	c, _ := answering(t, 400, `{"__type":"com.amazonaws#ClusterNotFoundException","message":"Cluster not found."}`)
	err := c.ecs(context.Background(), "ListServices", ecswire.ListServicesRequest{}, nil)
	if !refusedWith(err, "ClusterNotFoundException") ||
		err.Error() != "ListServices: ClusterNotFoundException: Cluster not found; longshore status lists the clusters" {
		t.Errorf("got %v", err)
	}
}

func TestAnotherServerOnThePortIsToldApart(t *testing.T) {
	c, _ := answering(t, 404, "<html>not found</html>")
	err := c.ecs(context.Background(), "ListClusters", ecswire.ListClustersRequest{}, nil)
	if err == nil || !strings.Contains(err.Error(), "is it Longshore that listens there?") {
		t.Errorf("got %v", err)
	}
}

func TestNothingThereIsToldInTheWordsOfTheInstallation(t *testing.T) {
	c, _ := answering(t, 200, "{}")
	c.url = "http://127.0.0.1:1"
	err := c.ecs(context.Background(), "ListClusters", ecswire.ListClustersRequest{}, nil)
	if err == nil || err.Error() != "nothing there" {
		t.Errorf("got %v", err)
	}
}

func TestATailTellsEachLineOnce(t *testing.T) {
	c, seen := answering(t, 200,
		`{"events":[{"eventId":"1","timestamp":1000000,"logStreamName":"a/b/c","message":"one\n"}],"nextToken":"t"}`,
		`{"events":[{"eventId":"2","timestamp":1000500,"logStreamName":"a/b/c","message":"two"}]}`,
		`{"events":[{"eventId":"2","timestamp":1000500,"logStreamName":"a/b/c","message":"two"},`+
			`{"eventId":"3","timestamp":999000,"logStreamName":"a/b/c","message":"late"}]}`)
	var out bytes.Buffer
	tail := &tail{api: c, since: 990000, seen: map[string]int64{}, in: logswire.FilterLogEventsRequest{LogGroupName: ptr("g")},
		screen: &screen{out: &out, size: func() (int, int) { return 0, 0 }}}
	for range 2 {
		_, err := tail.more(context.Background())
		if err != nil {
			t.Fatal(err)
		}
	}
	want := "1970-01-01T00:16:40.000Z a/b/c one\n1970-01-01T00:16:40.500Z a/b/c two\n1970-01-01T00:16:39.000Z a/b/c late\n"
	if out.String() != want {
		t.Errorf("told\n%swant\n%s", out.String(), want)
	}
	if len(*seen) != 3 || len(tail.seen) != 3 {
		t.Errorf("%d calls, %d remembered", len(*seen), len(tail.seen))
	}
}

func TestSubnetsAreReadFromTheQueryAnswer(t *testing.T) {
	c, _ := answering(t, 200, `<DescribeSubnetsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><subnetSet>`+
		`<item><subnetId>subnet-1</subnetId></item><item><subnetId>subnet-2</subnetId></item></subnetSet></DescribeSubnetsResponse>`)
	got, err := c.defaultSubnets(context.Background())
	if err != nil || strings.Join(got, " ") != "subnet-1 subnet-2" {
		t.Errorf("%v, %v", got, err)
	}
	c, _ = answering(t, 400, `<Response><Errors><Error><Code>InvalidAction</Code><Message>no</Message></Error></Errors></Response>`)
	_, err = c.defaultSubnets(context.Background())
	if !refusedWith(err, "InvalidAction") {
		t.Errorf("got %v", err)
	}
}

func TestARolloutIsToldToAFileInItsChangesOnly(t *testing.T) {
	s := &story{}
	p := rolloutPicture()
	first := s.news(p, noon)
	if len(first) != 2 || !strings.HasSuffix(first[1], "prod/web  web:3 1/3 running, 1 starting, 1 failed; web:2 2 left") {
		t.Errorf("first told %q", first)
	}
	if again := s.news(p, noon); len(again) != 0 {
		t.Errorf("told again: %q", again)
	}
	done := s.news(steadyPicture(), noon)
	if len(done) != 1 || !strings.HasSuffix(done[0], "web:2 2/2 running: steady") {
		t.Errorf("at the end: %q", done)
	}
}

func TestAWatchEndsWhenServicesAreSteadyAndFailsWhenOneHas(t *testing.T) {
	done, err := settled(steadyPicture())
	if !done || err != nil {
		t.Errorf("steady: %v, %v", done, err)
	}
	done, err = settled(rolloutPicture())
	if done || err != nil {
		t.Errorf("at work: %v, %v", done, err)
	}
	p := rolloutPicture()
	p.clusters[0].services[0].info.Deployments[0].RolloutState = ptr("FAILED")
	done, err = settled(p)
	if !done || err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("failed: %v, %v", done, err)
	}
}

func TestADaemonThatRestartsIsWaitedForAndOneThatStoppedIsNot(t *testing.T) {
	at := noon
	p := patience{now: func() time.Time { return at }}
	if !p.forgives(awayError("away")) {
		t.Error("the first unanswered call ends the command")
	}
	at = at.Add(awayFor)
	if p.forgives(awayError("away")) {
		t.Error("a daemon that stays away is waited for")
	}
	if p.forgives(&apiError{code: "AccessDeniedException"}) || !p.forgives(awayError("away again")) {
		t.Error("an answer does not start the count anew")
	}
}
