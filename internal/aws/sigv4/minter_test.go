package sigv4

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func minter(t *testing.T, master byte, at time.Time) *Minter {
	t.Helper()
	m, err := NewMinter(MinterConfig{
		Master: bytes.Repeat([]byte{master}, 32), Now: func() time.Time { return at }, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestATokenIsGoodForItsKeyUntilItExpires(t *testing.T) {
	who := Identity{Account: "000000000000", Principal: "arn:aws:sts::000000000000:assumed-role/task/0123", UserID: "A:0123"}
	id, secret, token, expires, err := minter(t, 1, now).Mint(who, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got, identity, err := minter(t, 1, now.Add(59*time.Minute)).Open(id, token)
	if err != nil || got != secret || identity != who || !expires.Equal(now.Add(time.Hour)) {
		t.Fatalf("got %v until %v: %v", identity, expires, err)
	}
	cases := []struct {
		name   string
		minter *Minter
		id     string
		token  string
		want   error
	}{
		{"after its end", minter(t, 1, now.Add(time.Hour)), id, token, ErrExpiredToken},
		{"with another key id", minter(t, 1, now), "ASIAOTHER", token, ErrInvalidToken},
		{"of another installation", minter(t, 2, now), id, token, ErrInvalidToken},
		{"cut", minter(t, 1, now), id, token[:len(token)-4], ErrInvalidToken},
		{"empty", minter(t, 1, now), id, "", ErrInvalidToken},
	}
	for _, c := range cases {
		_, _, err := c.minter.Open(c.id, c.token)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestTheRingKnowsFixedAndMintedKeys(t *testing.T) {
	m := minter(t, 1, now)
	id, secret, token, _, err := m.Mint(root, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ring := NewKeyring(m, Key{ID: "AKIA", Secret: "s", Identity: root})
	cases := []struct {
		id, token, secret string
		want              error
	}{
		{"AKIA", "", "s", nil},
		{"AKIA", token, "", ErrInvalidToken},
		{id, token, secret, nil},
		{id, "", "", ErrUnknownKey},
		{"AKIB", "", "", ErrUnknownKey},
	}
	for _, c := range cases {
		got, _, err := ring.Lookup(context.Background(), c.id, c.token)
		if got != c.secret || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.id, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/20261120/r/s/aws4_request, SignedHeaders=host, Signature=00", "20261120T120000Z", "")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/20261120/r/s/aws4_request&X-Amz-Date="+
		"20261120T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	v := verifier(now)
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.URL.RawQuery = query
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		r.Header["X-Amz-Date"] = []string{date}
		s, err := Parse(r)
		if err != nil {
			return
		}
		_, err = v.Verify(t.Context(), r, s, nil, "")
		if err == nil {
			t.Fatalf("believed %q %q %q", authorization, date, query)
		}
	})
}
