package sts

import (
	"testing"

	"longshore/internal/aws/front"
	"longshore/internal/gen/stswire"
)

func TestTheCallerIsWhomTheSignatureProved(t *testing.T) {
	c := front.Caller{Account: "000000000000", Principal: "arn:aws:sts::000000000000:assumed-role/r/s", UserID: "AROA:s"}
	out, err := New().GetCallerIdentity(t.Context(), c, &stswire.GetCallerIdentityRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if *out.Account != c.Account || *out.Arn != c.Principal || *out.UserId != c.UserID {
		t.Fatalf("got %s %s %s", *out.Account, *out.Arn, *out.UserId)
	}
}

func TestEveryOperationIsServedOrRefused(t *testing.T) {
	known := New().Refused()
	for _, op := range New().Ops() {
		known[op.Name] = "served"
	}
	for _, op := range stswire.Model().Operations {
		if known[op.Name] == "" {
			t.Errorf("%s is neither served nor refused", op.Name)
		}
	}
}
