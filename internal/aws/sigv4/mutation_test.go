package sigv4

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// forgery changes a signed request in one way that its signer did not agree to, and gives the body to check
// with.
type forgery struct {
	name string
	do   func(t *rapid.T, r *http.Request, body string) string
}

// keep is a forgery of everything but the body.
func keep(do func(t *rapid.T, r *http.Request)) func(*rapid.T, *http.Request, string) string {
	return func(t *rapid.T, r *http.Request, body string) string {
		do(t, r)
		return body
	}
}

// inClaim changes the text of the Authorization header.
func inClaim(change func(t *rapid.T, claim string) string) func(*rapid.T, *http.Request, string) string {
	return keep(func(t *rapid.T, r *http.Request) {
		r.Header.Set("Authorization", change(t, r.Header.Get("Authorization")))
	})
}

func swap(old, new string) func(*rapid.T, *http.Request, string) string {
	return inClaim(func(_ *rapid.T, claim string) string { return strings.Replace(claim, old, new, 1) })
}

// signedNames are headers that every request of this test signs.
var signedNames = []string{"X-Amz-Target", "X-Amz-Date", "Content-Type"}

func forgeries() []forgery {
	name := rapid.SampledFrom(signedNames)
	return append([]forgery{
		{"a byte of the body", func(t *rapid.T, _ *http.Request, body string) string {
			b := []byte(body)
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			return string(b)
		}},
		{"a longer body", func(_ *rapid.T, _ *http.Request, body string) string { return body + " " }},
		{"a shorter body", func(_ *rapid.T, _ *http.Request, body string) string { return body[1:] }},
		{"a body with its own hash", func(_ *rapid.T, r *http.Request, body string) string {
			r.Header.Set("X-Amz-Content-Sha256", hashOf(body+"x"))
			return body + "x"
		}},
		{"an unhashed payload", keep(func(_ *rapid.T, r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		})},
		{"a signed header is gone", keep(func(t *rapid.T, r *http.Request) { r.Header.Del(name.Draw(t, "name")) })},
		{"a signed header says more", keep(func(t *rapid.T, r *http.Request) {
			h := r.Header[name.Draw(t, "name")]
			h[0] += "x"
		})},
		{"a signed header comes twice", keep(func(t *rapid.T, r *http.Request) {
			r.Header.Add(name.Draw(t, "name"), "x")
		})},
		{"an unsigned x-amz header", keep(func(t *rapid.T, r *http.Request) {
			r.Header["X-Amz-"+rapid.StringMatching(`[A-Z][a-z]{2,8}`).Draw(t, "name")] = []string{"x"}
		})},
		{"an unsigned x-amz header in another case", keep(func(_ *rapid.T, r *http.Request) {
			r.Header["x-AMZ-meta"] = []string{"x"}
		})},
		{"an unsigned session token", keep(func(_ *rapid.T, r *http.Request) {
			r.Header.Set("X-Amz-Security-Token", "x")
		})},
		{"another date", keep(func(t *rapid.T, r *http.Request) {
			by := time.Duration(rapid.IntRange(1, 800).Draw(t, "seconds")) * time.Second
			r.Header.Set("X-Amz-Date", now.Add(by).Format(dateFormat))
		})},
		{"another host", keep(func(_ *rapid.T, r *http.Request) { r.Host = "127.0.0.1:4567" })},
		{"another query", keep(func(_ *rapid.T, r *http.Request) { r.URL.RawQuery += "&x=1" })},
	}, claimForgeries()...)
}

// claimForgeries leave the request alone and lie about who signed what.
func claimForgeries() []forgery {
	return []forgery{
		{"a hex digit of the signature", inClaim(func(t *rapid.T, claim string) string {
			at := strings.Index(claim, "Signature=") + len("Signature=") + rapid.IntRange(0, 63).Draw(t, "at")
			digit := rapid.SampledFrom([]byte("0123456789abcdef")).
				Filter(func(b byte) bool { return b != claim[at] }).Draw(t, "digit")
			return claim[:at] + string(digit) + claim[at+1:]
		})},
		{"a short signature", inClaim(func(t *rapid.T, claim string) string {
			return claim[:len(claim)-rapid.IntRange(1, 64).Draw(t, "cut")]
		})},
		{"another region", swap("/eu-west-1/", "/eu-west-2/")},
		{"another service", swap("/ecs/", "/sts/")},
		{"another day", swap("/20261120/", "/20261121/")},
		{"another key", swap("AKIAEXAMPLE", "AKIAEXAMPLD")},
		{"another terminator", swap("aws4_request", "aws5_request")},
		{"another algorithm", swap("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")},
		{"the host is not signed", swap("host;", "")},
		{"the target is not signed", swap(";x-amz-target", "")},
		{"the content type is not signed", swap(";content-type", "")},
		{"the date is not signed", swap(";x-amz-date", "")},
		{"more is signed than there is", swap(";x-amz-target", ";x-amz-target;x-amz-zone")},
		{"a header is signed twice", swap("host;", "host;host;")},
		{"headers out of order", swap("content-length;content-type", "content-type;content-length")},
		{"two signatures", inClaim(func(_ *rapid.T, claim string) string { return claim + ", Signature=00" })},
		{"no claim at all", keep(func(_ *rapid.T, r *http.Request) { r.Header.Del("Authorization") })},
		{"two claims", keep(func(_ *rapid.T, r *http.Request) {
			r.Header.Add("Authorization", r.Header.Get("Authorization"))
		})},
		{"a presigned claim beside it", keep(func(_ *rapid.T, r *http.Request) {
			r.URL.RawQuery += "&X-Amz-Credential=AKIAEXAMPLE"
		})},
	}
}

func TestNoForgeryIsBelievedAndNoTrueRequestRefused(t *testing.T) {
	all, tried := forgeries(), map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`\{"[a-z]{1,9}":"[ -!#-~]{1,30}"\}`).Draw(t, "body")
		header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {
			"AmazonEC2ContainerServiceV20141113." + rapid.StringMatching(`[A-Z][A-Za-z]{3,12}`).Draw(t, "operation")}}
		fresh := func() *http.Request {
			return signed(t, "http://127.0.0.1:4566/?a=b", body, header.Clone())
		}
		err := verify(verifier(now), fresh(), body)
		if err != nil {
			t.Fatalf("a true request is refused: %v", err)
		}
		for _, f := range all {
			r := fresh()
			if verify(verifier(now), r, f.do(t, r, body)) == nil {
				t.Fatalf("%s: believed", f.name)
			}
			tried[f.name]++
		}
	})
	for _, f := range all {
		if tried[f.name] == 0 {
			t.Errorf("%s was never tried", f.name)
		}
	}
}

// bend changes a presigned request; the result is its body.
type bend func(u *url.URL, q url.Values, h http.Header) string

func inQuery(change func(q url.Values)) bend {
	return func(_ *url.URL, q url.Values, _ http.Header) string {
		change(q)
		return ""
	}
}

func TestAPresignedRequestCannotBeBent(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:4566/?Action=GetCallerIdentity&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	uri, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials(), r, hashOf(""), "ecs", "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]bend{
		"another action":  inQuery(func(q url.Values) { q.Set("Action", "GetSessionToken") }),
		"one more param":  inQuery(func(q url.Values) { q.Set("x", "y") }),
		"a second action": inQuery(func(q url.Values) { q.Add("Action", "Assume") }),
		"a longer life":   inQuery(func(q url.Values) { q.Set("X-Amz-Expires", "3600") }),
		"two lives":       inQuery(func(q url.Values) { q.Add("X-Amz-Expires", "3600") }),
		"a later date": func(_ *url.URL, q url.Values, _ http.Header) string {
			q.Set("X-Amz-Date", "20261120T120001Z")
			return ""
		},
		"no date":    inQuery(func(q url.Values) { q.Del("X-Amz-Date") }),
		"no headers": inQuery(func(q url.Values) { q.Del("X-Amz-SignedHeaders") }),
		"a token":    inQuery(func(q url.Values) { q.Set("X-Amz-Security-Token", "x") }),
		"a token as header": func(_ *url.URL, _ url.Values, h http.Header) string {
			h.Set("X-Amz-Security-Token", "x")
			return ""
		},
		"an unsigned target": func(_ *url.URL, _ url.Values, h http.Header) string {
			h.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DeleteCluster")
			return ""
		},
		"a header claim too": func(_ *url.URL, _ url.Values, h http.Header) string {
			h.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=0")
			return ""
		},
		"a body": func(*url.URL, url.Values, http.Header) string { return "Action=AssumeRole" },
		"another path": func(u *url.URL, _ url.Values, _ http.Header) string {
			u.Path = "/x"
			return ""
		},
		"another host": func(u *url.URL, _ url.Values, _ http.Header) string {
			u.Host = "127.0.0.1:4567"
			return ""
		},
		"an algorithm": inQuery(func(q url.Values) { q.Set("X-Amz-Algorithm", "none") }),
	} {
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		q, h := u.Query(), http.Header{}
		body := change(u, q, h)
		u.RawQuery = q.Encode()
		bent, err := http.NewRequest(http.MethodGet, u.String(), bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		bent.Header = h
		if verify(verifier(now), received(t, bent, body), body) == nil {
			t.Errorf("%s: believed", name)
		}
	}
}
