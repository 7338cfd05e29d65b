package acs

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryMessageTypeSurvivesARoundTrip(t *testing.T) {
	kinds := []string{
		"PayloadMessage", "HeartbeatMessage", "HeartbeatAckRequest", "AckRequest", "NackRequest", "CloseMessage",
		"IAMRoleCredentialsMessage", "IAMRoleCredentialsAckRequest", "TaskManifestMessage",
		"TaskStopVerificationMessage", "TaskStopVerificationAck", "AttachTaskNetworkInterfacesMessage",
		"AttachInstanceNetworkInterfacesMessage", "ConfirmAttachmentMessage", "StageUpdateMessage",
		"PerformUpdateMessage", "LongshoreInstanceCredentialsMessage", "PublishMetricsRequest",
		"PublishHealthRequest", "PublishInstanceStatusRequest", "AckPublishMetric", "AckPublishHealth",
		"AckPublishInstanceStatus", "StopTelemetrySessionMessage", "StartTelemetrySessionRequest",
		"InactiveInstanceException", "ServerException",
	}
	for _, kind := range kinds {
		m := newMessage(kind)
		if m == nil || m.MessageType() != kind {
			t.Fatalf("newMessage(%s) = %#v", kind, m)
		}
		data, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(data, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if back.MessageType() != kind {
			t.Fatalf("%s came back as %s", kind, back.MessageType())
		}
	}
}

func TestAPayloadUsesTheNamesTheOfficialAgentReads(t *testing.T) {
	in := `{"type":"PayloadMessage","message":{"messageId":"m","clusterArn":"c","containerInstanceArn":"i","seqNum":4,` +
		`"tasks":[{"arn":"a","desiredStatus":"RUNNING","family":"f","version":"3","cpu":0.25,"memory":512,` +
		`"containers":[{"name":"main","image":"x","essential":true,"healthCheckType":"docker",` +
		`"dependsOn":[{"containerName":"db","condition":"HEALTHY"}],` +
		`"portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"}],` +
		`"dockerConfig":{"config":"{}","hostConfig":"{\"NetworkMode\":\"bridge\"}","version":"1.18"}}],` +
		`"elasticNetworkInterfaces":[{"macAddress":"02:00","ipv4Addresses":[{"primary":true,"privateAddress":"10.0.0.5"}],` +
		`"subnetGatewayIpv4Address":"10.0.0.1/24"}],"longshore":{"fargate":true}}]}}`
	m, err := Decode([]byte(in), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p := m.(*PayloadMessage)
	task := p.Tasks[0]
	c := task.Containers[0]
	if task.ENIs[0].PrimaryIPv4() != "10.0.0.5" || !task.Longshore.Fargate || c.DependsOn[0].Condition != "HEALTHY" {
		t.Fatalf("lost fields: %+v", task)
	}
	data, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Fatal(diff)
	}
}

func TestFramesBeyondTheLimitsAreRefused(t *testing.T) {
	deep := `{"type":"x","message":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`
	cases := []struct {
		name, in string
		limits   Limits
		want     error
	}{
		{"too large", `{"type":"HeartbeatMessage","message":{}}`, Limits{Bytes: 10}, ErrFrameTooLarge},
		{"too deep", deep, Limits{}, ErrFrameTooDeep},
		{"brackets in strings do not count", `{"type":"x","message":"` + strings.Repeat("[", 99) + `"}`, Limits{}, nil},
		{"not JSON", `hello`, Limits{}, ErrFrameShape},
		{"no type", `{"message":{}}`, Limits{}, ErrFrameShape},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode([]byte(c.in), c.limits)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestABareExceptionBodyIsAnException(t *testing.T) {
	m, err := Decode([]byte(`{"InactiveInstanceException":"gone"}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	e, ok := m.(*Exception)
	if !ok || e.Kind != InactiveInstance || e.Message != "gone" {
		t.Fatalf("got %#v", m)
	}
}

func TestATimestampIsEpochSecondsWithAFraction(t *testing.T) {
	ts := Timestamp(time.UnixMilli(1795188519814).UTC())
	data, err := ts.MarshalJSON()
	if err != nil || string(data) != "1795188519.814" {
		t.Fatalf("%s %v", data, err)
	}
	var back Timestamp
	err = back.UnmarshalJSON(data)
	if err != nil || !time.Time(back).Equal(time.Time(ts)) {
		t.Fatalf("%v %v", time.Time(back), err)
	}
}

func TestASignedFrameSplitsIntoHeadersAndBody(t *testing.T) {
	f := SignedFrame{
		Header: http.Header{"Authorization": {"AWS4-HMAC-SHA256 x"}, "Host": {"h:1"}, "X-Amz-Date": {"d"}},
		Body:   []byte(`{"type":"PublishHealthRequest","message":{}}`),
	}
	back, err := ParseSigned(f.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, back); diff != "" {
		t.Fatal(diff)
	}
	_, err = ParseSigned([]byte("no headers at all"), Limits{})
	if !errors.Is(err, ErrSignedShape) {
		t.Fatal(err)
	}
}

func FuzzDecodeNeverPanicsAndReencodes(f *testing.F) {
	f.Add([]byte(`{"type":"PayloadMessage","message":{"tasks":[{"arn":"a","containers":[{}]}]}}`))
	f.Add([]byte(`{"InactiveInstanceException":"x"}`))
	f.Add([]byte(`{"type":"PublishMetricsRequest","message":{"timestamp":1.5}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data, Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		_, err = Encode(m)
		if err != nil {
			t.Fatalf("decoded but cannot encode: %v", err)
		}
	})
}

func FuzzParseSignedNeverPanics(f *testing.F) {
	f.Add([]byte("Authorization: a\r\nHost: b\r\n\r\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := ParseSigned(data, Limits{})
		if err == nil && len(frame.Body) > len(data) {
			t.Fatal("body grew")
		}
	})
}
