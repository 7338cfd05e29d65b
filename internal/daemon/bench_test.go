package daemon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"longshore/internal/store"
)

// rig is the whole chain from the HTTP handler to the store, without the network.
type rig struct {
	testing.TB
	d    *Daemon
	host string
}

func newRig(t testing.TB, kind string) *rig { return newRigOn(t, kind, nil) }

// newRigOn keeps the records in an engine of the test's own, if there is one.
func newRigOn(t testing.TB, kind string, engine store.Engine) *rig {
	c := Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Store: kind, NoNode: true}
	err := c.complete()
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	if engine != nil {
		err = d.store.Close()
		if err != nil {
			t.Fatal(err)
		}
		d.store, err = store.Open(t.Context(), engine)
		if err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	err = d.compose(l)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t, d, l.Addr().String()}
}

func (r *rig) request(op string, body []byte) *http.Request {
	q := httptest.NewRequest(http.MethodPost, "http://"+r.host+"/", bytes.NewReader(body))
	q.Header.Set("Content-Type", "application/x-amz-json-1.1")
	q.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+op)
	sum := sha256.Sum256(body)
	err := v4.NewSigner().SignHTTP(context.Background(),
		aws.Credentials{AccessKeyID: r.d.AccessKeyID, SecretAccessKey: r.d.SecretAccessKey},
		q, hex.EncodeToString(sum[:]), "ecs", "us-east-1", time.Now())
	if err != nil {
		r.Fatal(err)
	}
	return q
}

func (r *rig) must(op string, in any) []byte {
	body, err := json.Marshal(in)
	if err != nil {
		r.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.d.plane.Handler().ServeHTTP(w, r.request(op, body))
	if w.Code != http.StatusOK {
		r.Fatalf("%s: %d %s", op, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// count runs the part of the plane that knows what changed, as the daemon does.
func (r *rig) count() {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.d.plane.ecsAPI.Run(ctx) }()
	r.Cleanup(func() {
		stop()
		<-ended
	})
}

type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

// again repeats a request that was signed once.
func (r *rig) again(q *http.Request, text []byte) {
	c := q.Clone(context.Background())
	c.Body = body{bytes.NewReader(text)}
	w := httptest.NewRecorder()
	r.d.plane.Handler().ServeHTTP(w, c)
	if w.Code != http.StatusOK {
		r.Fatal(w.Body)
	}
}

func BenchmarkDescribeServicesOf10(b *testing.B) {
	r := newRig(b, "memory")
	r.count()
	r.must("CreateCluster", map[string]any{"clusterName": "c"})
	r.must("RegisterTaskDefinition", map[string]any{"family": "f", "containerDefinitions": []any{
		map[string]any{"name": "m", "image": "i", "memory": 64}}})
	var names []string
	for n := range 10 {
		name := fmt.Sprintf("s%d", n)
		r.must("CreateService", map[string]any{"cluster": "c", "serviceName": name, "taskDefinition": "f", "desiredCount": 0})
		names = append(names, name)
	}
	in := map[string]any{"cluster": "c", "services": names}
	b.SetBytes(int64(len(r.must("DescribeServices", in))))
	text, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	q := r.request("DescribeServices", text)
	b.ReportAllocs()
	for b.Loop() {
		r.again(q, text)
	}
}

// BenchmarkRegisterTaskDefinition is durable: every call waits for its fsync, eight at a time.
func BenchmarkRegisterTaskDefinition(b *testing.B) {
	r := newRig(b, "pebble")
	text, err := json.Marshal(map[string]any{"family": "load", "containerDefinitions": []any{map[string]any{
		"name": "main", "image": "load:1", "memory": 64, "command": []string{"wait"},
		"environment": []any{map[string]any{"name": "A", "value": "1"}}, "portMappings": []any{map[string]any{"containerPort": 80}}}}})
	if err != nil {
		b.Fatal(err)
	}
	q := r.request("RegisterTaskDefinition", text)
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			r.again(q, text)
		}
	})
}

// BenchmarkCallsOfABurst is what a burst is made of, without the network: of ten calls three register a task
// definition, two create a cluster that exists, and five read.
func BenchmarkCallsOfABurst(b *testing.B) {
	r := newRig(b, "memory")
	r.count()
	r.must("CreateCluster", map[string]any{"clusterName": "c"})
	definition := map[string]any{"family": "f", "containerDefinitions": []any{map[string]any{
		"name": "main", "image": "load:1", "memory": 64, "environment": []any{map[string]any{"name": "N", "value": "1"}}}}}
	r.must("RegisterTaskDefinition", definition)
	r.must("CreateService", map[string]any{"cluster": "c", "serviceName": "s", "taskDefinition": "f", "desiredCount": 0})
	cluster := map[string]any{"cluster": "c"}
	service := map[string]any{"cluster": "c", "services": []string{"s"}}
	var calls []*http.Request
	var texts [][]byte
	for _, c := range []struct {
		op    string
		in    map[string]any
		times int
	}{
		{"RegisterTaskDefinition", definition, 3}, {"CreateCluster", map[string]any{"clusterName": "c"}, 2},
		{"DescribeServices", service, 2}, {"ListTasks", cluster, 1}, {"DescribeClusters", map[string]any{"clusters": []string{"c"}}, 2},
	} {
		text, err := json.Marshal(c.in)
		if err != nil {
			b.Fatal(err)
		}
		for range c.times {
			calls, texts = append(calls, r.request(c.op, text)), append(texts, text)
		}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r.again(calls[n%len(calls)], texts[n%len(calls)])
		n++
	}
}
