//go:build e2e

package params

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// request signs and sends one AWS call and answers its status and body.
func (r *rig) request(t *testing.T, keys aws.Credentials, service, contentType, target, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, r.url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	sum := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(req.Context(), keys, req, hex.EncodeToString(sum[:]), service,
		r.env["AWS_DEFAULT_REGION"], time.Now())
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b
}

func (r *rig) keys() aws.Credentials {
	return aws.Credentials{AccessKeyID: r.env["AWS_ACCESS_KEY_ID"], SecretAccessKey: r.env["AWS_SECRET_ACCESS_KEY"]}
}

// call makes an awsJson call and fails the test when it is refused.
func (r *rig) call(t *testing.T, target string, in, out any) {
	t.Helper()
	body, ok := in.(string)
	if !ok {
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
	}
	service := "ecs"
	if strings.HasPrefix(target, "Logs_") {
		service = "logs"
	}
	status, b := r.request(t, r.keys(), service, "application/x-amz-json-1.1", target, body)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s\n%s", target, status, b, body)
	}
	if out == nil {
		return
	}
	err := json.Unmarshal(b, out)
	if err != nil {
		t.Fatalf("%s: %v\n%s", target, err, b)
	}
}

func (r *rig) ecs(t *testing.T, op string, in, out any) {
	t.Helper()
	r.call(t, "AmazonEC2ContainerServiceV20141113."+op, in, out)
}

// defaults makes the cluster and finds a subnet and a security group.
func (r *rig) defaults(t *testing.T) {
	t.Helper()
	r.ecs(t, "CreateCluster", `{"clusterName":"params"}`, nil)
	find := func(op, tag string) string {
		status, b := r.request(t, r.keys(), "ec2", "application/x-www-form-urlencoded", "",
			"Action="+op+"&Version=2016-11-15")
		_, after, ok := strings.Cut(string(b), "<"+tag+">")
		id, _, _ := strings.Cut(after, "<")
		if status != http.StatusOK || !ok {
			t.Fatalf("%s: %d %s", op, status, b)
		}
		return id
	}
	r.subnet, r.group = find("DescribeSubnets", "subnetId"), find("DescribeSecurityGroups", "groupId")
}

// engine asks Docker itself: the tests' oracle shares no code with the product.
func engine(t *testing.T, method, path string, body io.Reader, out any) []byte {
	t.Helper()
	b, err := tryEngine(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil {
		err = json.Unmarshal(b, out)
		if err != nil {
			t.Fatalf("docker %s: %v", path, err)
		}
	}
	return b
}

func tryEngine(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	if body == nil {
		body = bytes.NewReader(nil)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://docker/v1.40"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-tar")
	res, err := (&http.Client{Transport: &http.Transport{DialContext: dialEngine}}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask Docker Engine: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("docker %s %s: %d %s", method, path, res.StatusCode, b)
	}
	return b, err
}
