package front_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"longshore/internal/aws/front"
)

// BenchmarkDescribeServices is verify, decode, validate, call and encode of an answer of about 15 KB.
func BenchmarkDescribeServices(b *testing.B) {
	f := newFront(b, config())
	q := ecsCall("DescribeServices", `{"cluster":"prod","services":["a","b","c","d","e","f","g","h","i","j"]}`)
	r := q.build(b)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		one := r.Clone(b.Context())
		one.Body = io.NopCloser(bytes.NewReader(body))
		w := httptest.NewRecorder()
		f.ServeHTTP(w, one)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
		size = w.Body.Len()
	}
	b.ReportMetric(float64(size), "bytes/answer")
}

func FuzzJSONBody(f *testing.F) {
	f.Add(`{"services":["web"],"include":["TAGS"]}`)
	f.Add(`{"services":[[[[`)
	f.Add(`{"tags":[{"key":"\ud800"}]}`)
	c := config()
	c.InsecureAcceptAny = true
	h := newFront(f, c)
	f.Fuzz(func(t *testing.T, body string) {
		for _, op := range []string{"DescribeServices", "TagResource"} {
			q := ecsCall(op, body)
			q.service = ""
			never500(t, h, q)
		}
	})
}

func FuzzCBORBody(f *testing.F) {
	f.Add("\xa1hservices\x81cweb")
	f.Add("\x9f\x9f\x9f")
	f.Add("\xa1itimestamp\xc1\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00")
	c := config()
	c.InsecureAcceptAny = true
	h := newFront(f, c)
	f.Fuzz(func(t *testing.T, body string) {
		never500(t, h, request{
			path: "/service/AmazonEC2ContainerServiceV20141113/operation/TagResource", body: body,
			media: "application/cbor", header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor"},
		})
	})
}

func FuzzQueryBody(f *testing.F) {
	f.Add("Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=a&Filter.1.Value.1=b")
	f.Add("Action=GetCallerIdentity&Version=2011-06-15&=&&a.b.=%zz")
	c := config()
	c.InsecureAcceptAny = true
	h := newFront(f, c)
	f.Fuzz(func(t *testing.T, body string) {
		never500(t, h, request{body: body, media: urlForm})
	})
}

func never500(t *testing.T, h *front.Front, q request) {
	t.Helper()
	w := q.to(t, h)
	if w.Code >= http.StatusInternalServerError {
		t.Fatalf("%q: %d %s", q.body, w.Code, w.Body)
	}
}
