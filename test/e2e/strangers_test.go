//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"longshore/test/rig"
)

// call is one request as nobody's SDK would send it.
type call struct {
	target, body string
	header       map[string]string // added before signing
	host         string            // Host header in the place of the right one
	unsigned     bool
	age          time.Duration // how old the signature is
	tamper       bool          // the body changes after signing
}

// ask sends the call and returns status and body.
func (d *daemon) ask(t *testing.T, c call) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+"/", strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+c.target)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	if c.host != "" {
		req.Host = c.host
	}
	if !c.unsigned {
		d.sign(t, req, c)
	}
	if c.tamper {
		req.Body = io.NopCloser(strings.NewReader(strings.ToUpper(c.body)))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (d *daemon) sign(t *testing.T, req *http.Request, c call) {
	t.Helper()
	keys := aws.Credentials{AccessKeyID: d.Variable("AWS_ACCESS_KEY_ID"), SecretAccessKey: d.Variable("AWS_SECRET_ACCESS_KEY")}
	sum := sha256.Sum256([]byte(c.body))
	err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hex.EncodeToString(sum[:]), "ecs",
		d.Variable("AWS_DEFAULT_REGION"), time.Now().Add(-c.age))
	if err != nil {
		t.Fatal(err)
	}
}

// bomb is a gzip body that unpacks to a hundred times what a request may have.
func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 1000 {
		_, err := z.Write(zeros)
		if err != nil {
			t.Fatal(err)
		}
	}
	err := z.Close()
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// refuseStrangers sends what must not pass; nothing of it may change anything, and the daemon goes on answering.
func refuseStrangers(t *testing.T) {
	d := startDaemon(t)
	create := `{"clusterName":"intruder"}`
	tests := []struct {
		name   string
		call   call
		status int
		says   string
	}{
		{"no signature", call{target: "CreateCluster", body: create, unsigned: true}, 400, "MissingAuthenticationToken"},
		{"an old signature", call{target: "CreateCluster", body: create, age: 16 * time.Minute}, 400, "Signature expired"},
		{"a signature from the future", call{target: "CreateCluster", body: create, age: -16 * time.Minute}, 400, "not yet current"},
		{"another body than the signed one", call{target: "CreateCluster", body: create, tamper: true}, 400, "InvalidSignatureException"},
		{"a foreign Host", call{target: "CreateCluster", body: create, host: "rebound.example"}, 403, "host is not allowed"},
		{"the right name at the wrong port", call{target: "CreateCluster", body: create, host: "127.0.0.1:1"}, 403, "host is not allowed"},
		{"a foreign Origin", call{target: "CreateCluster", body: create,
			header: map[string]string{"Origin": "https://evil.example"}}, 403, "origin is not allowed"},
		{"an Origin of null", call{target: "CreateCluster", body: create,
			header: map[string]string{"Origin": "null"}}, 403, "origin is not allowed"},
		{"a gzip bomb", call{target: "CreateCluster", body: bomb(t),
			header: map[string]string{"Content-Encoding": "gzip"}}, 413, "Request size exceeded the limit."},
		{"11 MiB", call{target: "CreateCluster", body: `{"clusterName":"` + strings.Repeat("a", 11<<20) + `"}`}, 413,
			"Request size exceeded the limit."},
		{"nesting without end", call{target: "CreateCluster", body: strings.Repeat(`{"a":`, 50_000)}, 400, "SerializationException"},
		{"half a document", call{target: "CreateCluster", body: `{"clusterName":"int`}, 400, "SerializationException"},
		{"a number for a name", call{target: "CreateCluster", body: `{"clusterName":7}`}, 400, "SerializationException"},
		{"an operation that does not exist", call{target: "CreateUniverse", body: `{}`}, 400, "UnknownOperationException"},
		{"an operation of a service that does not exist", call{target: "x.y", body: `{}`}, 400, "UnknownOperationException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, body := d.ask(t, test.call)
			if status != test.status || !strings.Contains(body, test.says) {
				t.Errorf("want %d and %q, got %d %s", test.status, test.says, status, body)
			}
		})
	}
	out, err := d.ecs().ListClusters(t.Context(), &ecs.ListClustersInput{})
	if err != nil || len(out.ClusterArns) != 0 {
		t.Errorf("clusters afterwards: %s, %v", rig.Show(out), err)
	}
	status, body := d.ask(t, call{target: "ListClusters", body: `{}`})
	if status != http.StatusOK {
		t.Errorf("the same way, and right: %d %s", status, body)
	}
	health, err := answers(t.Context(), d.URL+"/_longshore/health")
	if err != nil || !strings.Contains(health, `"status":"ok"`) {
		t.Errorf("health is %q, %v", health, err)
	}
}
