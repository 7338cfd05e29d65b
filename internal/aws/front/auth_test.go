package front_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/sigv4"
)

// upgrade is an agent's websocket request, signed with an instance's temporary credentials.
func upgrade(t *testing.T, m *sigv4.Minter, who sigv4.Identity, service string) *http.Request {
	t.Helper()
	id, secret, token, _, err := m.Mint(who, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:4566/ws?agentVersion=1&seqNum=1&sendCredentials=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	key := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}
	err = v4.NewSigner().SignHTTP(t.Context(), key, r, hex.EncodeToString(sum[:]), service, "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.RequestURI = r.URL.RequestURI()
	return r
}

func TestAWebsocketUpgradeProvesItsInstance(t *testing.T) {
	m, err := sigv4.NewMinter(sigv4.MinterConfig{
		Master: make([]byte, 32), Now: func() time.Time { return now }, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Keys = sigv4.NewKeyring(m)
	f := newFront(t, c)
	who := sigv4.Identity{Account: "000000000000", Principal: "p", Instance: "arn:aws:ecs:eu-west-1:0:container-instance/a"}

	caller, err := f.Authenticate(upgrade(t, m, who, "ecs"), nil)
	if err != nil || caller.Instance != who.Instance || caller.Region != "eu-west-1" {
		t.Fatalf("got %+v: %v", caller, err)
	}
	r := upgrade(t, m, who, "ecs")
	r.Header.Del("Authorization")
	_, err = f.Authenticate(r, nil)
	if !fault.Is(err, "MissingAuthenticationTokenException") {
		t.Errorf("unsigned: %v", err)
	}
	_, err = f.Authenticate(upgrade(t, m, who, "s3"), nil)
	if !fault.Is(err, "InvalidSignatureException") {
		t.Errorf("another service: %v", err)
	}
}

func TestEachProtocolHasItsOwnWordsForABadKey(t *testing.T) {
	c := config()
	c.Keys = sigv4.NewKeyring(nil)
	f := newFront(t, c)
	sts := request{service: "sts", media: urlForm, body: "Action=GetCallerIdentity&Version=2011-06-15"}
	ec2 := request{service: "ec2", media: urlForm, body: "Action=DescribeVpcs&Version=2016-11-15"}
	cases := []struct {
		q      request
		status int
		code   string
	}{
		{ecsCall("ListTasks", "{}"), 400, "UnrecognizedClientException"},
		{sts, 403, "InvalidClientTokenId"},
		{ec2, 401, "AuthFailure"},
	}
	for _, x := range cases {
		w := x.q.to(t, f)
		if w.Code != x.status || !strings.Contains(w.Body.String(), x.code) {
			t.Errorf("%s: %d %s", x.q.service, w.Code, w.Body)
		}
	}
}
