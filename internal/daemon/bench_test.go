package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"crypto/sha256"
	"encoding/hex"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// BenchmarkDescribeServicesOf10 is one signed call through the whole chain, without the network.
func BenchmarkDescribeServicesOf10(b *testing.B) {
	c := Config{DataDir: b.TempDir(), Listen: "127.0.0.1:0", Store: "memory", NoNode: true}
	err := c.complete()
	if err != nil {
		b.Fatal(err)
	}
	d, err := open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	err = d.compose(l)
	if err != nil {
		b.Fatal(err)
	}
	call := func(op string, in any) *http.Request {
		body, _ := json.Marshal(in)
		r := httptest.NewRequest(http.MethodPost, "http://"+l.Addr().String()+"/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+op)
		sum := sha256.Sum256(body)
		err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: d.AccessKeyID, SecretAccessKey: d.SecretAccessKey},
			r, hex.EncodeToString(sum[:]), "ecs", "us-east-1", time.Now())
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	must := func(op string, in any) []byte {
		w := httptest.NewRecorder()
		d.front.ServeHTTP(w, call(op, in))
		if w.Code != http.StatusOK {
			b.Fatalf("%s: %d %s", op, w.Code, w.Body)
		}
		return w.Body.Bytes()
	}
	must("CreateCluster", map[string]any{"clusterName": "c"})
	must("RegisterTaskDefinition", map[string]any{"family": "f", "containerDefinitions": []any{
		map[string]any{"name": "m", "image": "i", "memory": 64}}})
	var names []string
	for n := range 10 {
		name := fmt.Sprintf("s%d", n)
		must("CreateService", map[string]any{"cluster": "c", "serviceName": name, "taskDefinition": "f", "desiredCount": 0})
		names = append(names, name)
	}
	body, _ := json.Marshal(map[string]any{"cluster": "c", "services": names})
	answer := must("DescribeServices", json.RawMessage(body))
	r := call("DescribeServices", json.RawMessage(body))
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		q := r.Clone(context.Background())
		q.Body = http.NoBody
		q.Body = readCloser{bytes.NewReader(body)}
		w := httptest.NewRecorder()
		d.front.ServeHTTP(w, q)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
