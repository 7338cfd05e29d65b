package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var root = Identity{Account: "000000000000", Principal: "arn:aws:iam::000000000000:root", UserID: "000000000000"}

func verifier(at time.Time) *Verifier {
	key := Key{ID: "AKIAEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Identity: root}
	return NewVerifier(Config{Keys: NewKeyring(nil, key), Now: func() time.Time { return at }})
}

func credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// received turns a client's request into what a server reads from the connection.
func received(t interface{ Fatal(...any) }, r *http.Request, body string) *http.Request {
	wire := bytes.Buffer{}
	r.Body = io.NopCloser(strings.NewReader(body))
	r.ContentLength = int64(len(body))
	err := r.Write(&wire)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// signed is a POST as an SDK client sends it.
func signed(t interface{ Fatal(...any) }, target, body string, header http.Header) *http.Request {
	r, err := http.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	err = v4.NewSigner().SignHTTP(context.Background(), credentials(), r, hashOf(body), "ecs", "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	return received(t, r, body)
}

func verify(v *Verifier, r *http.Request, body string) error {
	s, err := Parse(r)
	if err != nil {
		return err
	}
	_, err = v.Verify(context.Background(), r, s, []byte(body), "ecs")
	return err
}

func TestWhateverTheSDKSignsIsBelieved(t *testing.T) {
	text := rapid.StringMatching(`[ -~é-ü]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		q := url.Values{}
		for range rapid.IntRange(0, 4).Draw(t, "params") {
			// The SDK sorts repeated names by their raw values, AWS by the encoded ones: these agree on both.
			plain := rapid.StringMatching(`[A-Za-z0-9._~ +*-]{1,6}`)
			name := plain.Draw(t, "name")
			q.Add(name, plain.Draw(t, "value"))
			if len(q[name]) == 1 {
				q.Set(name, text.Draw(t, "any value"))
			}
		}
		path := rapid.StringMatching(`(/[A-Za-z0-9 :=._~+*%é-]{1,8}){1,4}`).Draw(t, "path")
		u := url.URL{Scheme: "http", Host: "127.0.0.1:4566", Path: path, RawQuery: q.Encode()}
		header := http.Header{}
		for range rapid.IntRange(0, 4).Draw(t, "headers") {
			name := "X-Amz-" + rapid.StringMatching(`[a-z]{3,9}`).Draw(t, "header")
			value := rapid.StringMatching(`[!-~]([ -~]{0,12}[!-~])?`).Draw(t, "header value")
			header.Set(name, value)
		}
		body := text.Draw(t, "body")
		r := signed(t, u.String(), body, header)
		err := verify(verifier(now), r, body)
		if err != nil {
			t.Fatalf("%s: %v", r.URL, err)
		}
	})
}

func TestAChangedRequestIsNotBelieved(t *testing.T) {
	const body = `{"cluster":"prod"}`
	cases := map[string]func(r *http.Request) string{
		"another body": func(*http.Request) string { return `{"cluster":"prod" }` },
		"another target": func(r *http.Request) string {
			r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DeleteCluster")
			return body
		},
		"an added amz header": func(r *http.Request) string { r.Header.Set("X-Amz-Meta", "x"); return body },
		"another host":        func(r *http.Request) string { r.Host = "127.0.0.1:4567"; return body },
		"another method":      func(r *http.Request) string { r.Method = http.MethodPut; return body },
		"another path":        func(r *http.Request) string { r.RequestURI = "/x"; return body },
		"another query":       func(r *http.Request) string { r.URL.RawQuery = "a=b"; return body },
		"another date":        func(r *http.Request) string { r.Header.Set("X-Amz-Date", "20261120T120001Z"); return body },
		"another region":      edit("eu-west-1", "eu-west-2", body),
		"another service":     edit("/ecs/", "/ec2/", body),
		"another scope date":  edit("/20261120/", "/20261119/", body),
		"another terminator":  edit("aws4_request", "aws4_requesu", body),
		"another algorithm":   edit("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", body),
		"host not signed":     edit("host;", "", body),
		"a second Signature":  edit("Signature=", "Signature=00, Signature=", body),
		"no signature":        edit("Signature=", "Signatur=", body),
		"a second header": func(r *http.Request) string {
			r.Header.Add("Authorization", r.Header.Get("Authorization"))
			return body
		},
		"presigned as well": func(r *http.Request) string {
			r.URL.RawQuery = "X-Amz-Signature=00"
			return body
		},
		"an unknown key": edit("AKIAEXAMPLE", "AKIAEXAMPLF", body),
	}
	for name, change := range cases {
		header := http.Header{"X-Amz-Target": {"AmazonEC2ContainerServiceV20141113.DescribeClusters"}}
		r := signed(t, "http://127.0.0.1:4566/", body, header)
		err := verify(verifier(now), r, change(r))
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func edit(old, new, body string) func(*http.Request) string {
	return func(r *http.Request) string {
		a := r.Header.Get("Authorization")
		if !strings.Contains(a, old) {
			panic("nothing to edit in " + a)
		}
		r.Header.Set("Authorization", strings.Replace(a, old, new, 1))
		return body
	}
}

func TestEverySignatureByteCounts(t *testing.T) {
	r := signed(t, "http://127.0.0.1:4566/", "{}", nil)
	whole := r.Header.Get("Authorization")
	at := strings.Index(whole, "Signature=") + len("Signature=")
	for i := at; i < len(whole); i++ {
		flipped := []byte(whole)
		flipped[i] ^= 1
		r.Header.Set("Authorization", string(flipped))
		if verify(verifier(now), r, "{}") == nil {
			t.Fatalf("byte %d may be anything", i-at)
		}
	}
	r.Header.Set("Authorization", whole[:len(whole)-2])
	if verify(verifier(now), r, "{}") == nil {
		t.Fatal("a truncated signature is believed")
	}
}

func TestTheClockMayBeFifteenMinutesOff(t *testing.T) {
	cases := []struct {
		off time.Duration
		ok  bool
	}{
		{0, true}, {15 * time.Minute, true}, {-15 * time.Minute, true},
		{15*time.Minute + time.Second, false}, {-15*time.Minute - time.Second, false}, {24 * time.Hour, false},
	}
	for _, c := range cases {
		r := signed(t, "http://127.0.0.1:4566/", "{}", nil)
		err := verify(verifier(now.Add(c.off)), r, "{}")
		if (err == nil) != c.ok {
			t.Errorf("%v off: %v", c.off, err)
		}
	}
}

func TestPresignedRequestsLiveAsLongAsTheySay(t *testing.T) {
	cases := []struct {
		after   time.Duration
		expires string
		ok      bool
	}{
		{0, "60", true}, {time.Minute, "60", true}, {61 * time.Second, "60", false}, {0, "604801", false}, {0, "0", false},
	}
	for _, c := range cases {
		r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:4566/?Action=GetCallerIdentity&X-Amz-Expires="+c.expires, nil)
		if err != nil {
			t.Fatal(err)
		}
		uri, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials(), r, hashOf(""), "ecs", "eu-west-1", now)
		if err != nil {
			t.Fatal(err)
		}
		r, err = http.NewRequest(http.MethodGet, uri, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = verify(verifier(now.Add(c.after)), received(t, r, ""), "")
		if (err == nil) != c.ok {
			t.Errorf("%v after, expires %s: %v", c.after, c.expires, err)
		}
	}
}
