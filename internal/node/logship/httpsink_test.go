package logship

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func sinkTo(t *testing.T, handler http.HandlerFunc) *HTTPSink {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return NewHTTPSink(HTTPSinkConfig{Endpoint: server.URL, Credentials: func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}, nil
	}})
}

func TestCallsAreSignedJSON(t *testing.T) {
	sink := sinkTo(t, func(w http.ResponseWriter, r *http.Request) {
		auth := r.Header.Get("Authorization")
		if !strings.Contains(auth, "AKID") || !strings.Contains(auth, "/eu-west-1/logs/aws4_request") ||
			!strings.Contains(auth, "x-amz-target") || r.Header.Get("X-Amz-Security-Token") != "token" {
			t.Error(r.Header)
		}
		var in map[string]any
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		err = json.Unmarshal(body, &in)
		if err != nil || in["logGroupName"] != "g" || in["logStreamName"] != "s" {
			t.Error(in, err)
		}
		if r.Header.Get("X-Amz-Target") == "Logs_20140328.PutLogEvents" && !strings.Contains(string(body), `"message":"<ü>"`) {
			t.Error(string(body))
		}
		_, _ = io.WriteString(w, `{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":1,"tooNewLogEventStartIndex":2}}`)
	})
	n, err := sink.PutLogEvents(t.Context(), "eu-west-1", "g", "s", []Event{{1, "old"}, {2, "<ü>"}, {3, "new"}})
	if n != 2 || err != nil {
		t.Error(n, err)
	}
	err = sink.CreateLogStream(t.Context(), "eu-west-1", "g", "s")
	if err != nil {
		t.Error(err)
	}
}

func TestRefusalsKeepTheirCode(t *testing.T) {
	for body, want := range map[string]string{
		`{"__type":"com.amazonaws.logs#ResourceNotFoundException","message":"m"}`: "ResourceNotFoundException: m",
		`{"__type":"ThrottlingException","Message":"Rate exceeded"}`:              "ThrottlingException: Rate exceeded",
		`<html>`: "UnknownError: Bad Gateway",
	} {
		sink := sinkTo(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, body)
		})
		err := sink.CreateLogGroup(t.Context(), "r", "g")
		var api *APIError
		if !errors.As(err, &api) || err.Error() != want || api.Status != 502 || !passing(err) {
			t.Error(err)
		}
	}
}
