package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// client signs JSON calls and nothing else: the machine's processors are for the daemon and its containers.
type client struct {
	url  string
	keys aws.Credentials
	http *http.Client
}

func (i *installation) client() client {
	return client{i.url, aws.Credentials{AccessKeyID: i.keys.AccessKeyID, SecretAccessKey: i.keys.SecretAccessKey},
		&http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
}

// m is a JSON object.
type m = map[string]any

// refused is an answer that is not 200.
type refused struct {
	Status  int
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (r *refused) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Type, r.Message) }

func (c client) ecs(ctx context.Context, op string, in, out any) error {
	return c.call(ctx, "ecs", "AmazonEC2ContainerServiceV20141113."+op, in, out)
}

func (c client) logs(ctx context.Context, op string, in, out any) error {
	return c.call(ctx, "logs", "Logs_20140328."+op, in, out)
}

func (c client) call(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, c.keys, r, hex.EncodeToString(sum[:]), service, "us-east-1", time.Now())
	if err != nil {
		return err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if res.StatusCode != http.StatusOK {
		why := &refused{Status: res.StatusCode}
		_ = json.Unmarshal(text, why) // what it does not tell stays empty
		return fmt.Errorf("%s: %w", target, why)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// health is what the daemon says of itself.
type health struct {
	Goroutines int
	HeapLive   uint64
}

func (c client) health(ctx context.Context) (health, error) {
	var h health
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/_longshore/health", nil)
	if err != nil {
		return h, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return h, err
	}
	defer res.Body.Close()
	return h, json.NewDecoder(res.Body).Decode(&h)
}
