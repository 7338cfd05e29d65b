package metadata

import (
	"context"
	"errors"
	"testing"
	"time"

	"longshore/internal/acs"
)

// fakeProtection answers what it is told and keeps what it was asked.
type fakeProtection struct {
	reply  ProtectionReply
	err    error
	update *ProtectionUpdate
	role   acs.RoleCredentials
}

func (f *fakeProtection) TaskProtection(
	_ context.Context, _ string, role acs.RoleCredentials, u *ProtectionUpdate,
) (ProtectionReply, error) {
	f.update, f.role = u, role
	return f.reply, f.err
}

func TestTaskProtectionIsProxiedWithTheTaskRole(t *testing.T) {
	at := time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	path := "/api/" + oneEnd + "/task-protection/v1/state"
	for name, c := range map[string]struct {
		method, body, from string
		fake               fakeProtection
		status             int
		want               string
	}{
		"get": {method: "GET", status: 200, fake: fakeProtection{reply: ProtectionReply{Protection: &ProtectedTask{TaskARN: "a"}}},
			want: `{"protection":{"ProtectionEnabled":false,"TaskArn":"a"}}`},
		"put": {method: "PUT", body: `{"ProtectionEnabled":true,"ExpiresInMinutes":60}`, status: 200,
			fake: fakeProtection{reply: ProtectionReply{Protection: &ProtectedTask{ExpirationDate: &at, ProtectionEnabled: true, TaskARN: "a"}}},
			want: `{"protection":{"ExpirationDate":"2026-01-02T04:00:00Z","ProtectionEnabled":true,"TaskArn":"a"}}`},
		"failure": {method: "GET", status: 200, fake: fakeProtection{reply: ProtectionReply{Failure: &ProtectionFailure{ARN: "a", Reason: "TASK_NOT_VALID"}}},
			want: `{"failure":{"Arn":"a","Reason":"TASK_NOT_VALID"}}`},
		"no field": {method: "PUT", body: `{}`, status: 400,
			want: `{"error":{"Arn":"` + oneARN + `","Code":"InvalidParameterException","Message":"Invalid request: does not contain 'ProtectionEnabled' field"}}`},
		"unknown field": {method: "PUT", body: `{"Protect":true}`, status: 400,
			want: `{"error":{"Arn":"` + oneARN + `","Code":"InvalidParameterException","Message":"UpdateTaskProtection: failed to decode request"}}`},
		"neighbour": {method: "GET", from: "10.0.0.5", status: 404,
			want: `{"error":{"Code":"ResourceNotFoundException","Message":"Failed to find a task for the request"}}`},
		"refused": {method: "GET", status: 400, fake: fakeProtection{err: &ProtectionError{Code: "ThrottlingException", Message: "Rate exceeded", Status: 400, RequestID: "r"}},
			want: `{"requestID":"r","error":{"Arn":"` + oneARN + `","Code":"ThrottlingException","Message":"Rate exceeded"}}`},
		"broken": {method: "GET", status: 500, fake: fakeProtection{err: errors.New("secret detail")},
			want: `{"error":{"Arn":"` + oneARN + `","Code":"ServerException","Message":"Unexpected error occurred"}}`},
	} {
		fake := c.fake
		w := newWorld(t, func(cfg *Config) { cfg.Protection = &fake })
		from := orElse(c.from, "10.0.0.4")
		rec := w.do(c.method, path, from, c.body)
		if rec.Code != c.status || rec.Body.String() != c.want {
			t.Errorf("%s: %d %s, want %d %s", name, rec.Code, rec.Body, c.status, c.want)
		}
		if rec.Code == 200 && fake.role.AccessKeyID != "AKIA1" {
			t.Errorf("%s: acted as %q", name, fake.role.AccessKeyID)
		}
	}
}

func TestTaskProtectionWithoutATaskRoleIsDenied(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Protection = &fakeProtection{} })
	rec := w.do("GET", "/api/"+twoEnd+"/task-protection/v1/state", "172.17.0.2", "")
	want := `{"error":{"Arn":"` + twoARN + `","Code":"AccessDeniedException","Message":"Invalid Request: no task IAM role credentials available for task"}}`
	if rec.Code != 403 || rec.Body.String() != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
