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

// target is a server that answers the ECS API.
type target struct {
	url         string
	credentials aws.Credentials
	client      *http.Client
}

func (i *installation) target() target {
	return target{i.url, aws.Credentials{AccessKeyID: i.keys.AccessKeyID, SecretAccessKey: i.keys.SecretAccessKey},
		&http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}
}

const ecsPrefix = "AmazonEC2ContainerServiceV20141113."

// request is a signed call of an operation.
func (t target) request(ctx context.Context, op string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", ecsPrefix+op)
	err = v4.NewSigner().SignHTTP(ctx, t.credentials, r, hash(body), "ecs", "us-east-1", time.Now())
	return r, err
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// call does one operation; in and out are JSON shapes.
func (t target) call(ctx context.Context, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := t.request(ctx, op, body)
	if err != nil {
		return err
	}
	res, err := t.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", op, res.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// m is a JSON object.
type m = map[string]any

type tasksAnswer struct {
	Tasks []struct {
		TaskArn, LastStatus, StoppedReason string
	}
	Failures []struct{ Reason string }
}

// runToRunning runs one task and waits until DescribeTasks says RUNNING.
func (t target) runToRunning(ctx context.Context, in m) (arn string, took time.Duration, err error) {
	began := time.Now()
	var a tasksAnswer
	err = t.call(ctx, "RunTask", in, &a)
	if err != nil {
		return "", 0, err
	}
	if len(a.Tasks) != 1 {
		return "", 0, fmt.Errorf("RunTask: %+v", a.Failures)
	}
	arn = a.Tasks[0].TaskArn
	for {
		var d tasksAnswer
		err = t.call(ctx, "DescribeTasks", m{"cluster": in["cluster"], "tasks": []string{arn}}, &d)
		if err != nil {
			return arn, 0, err
		}
		switch d.Tasks[0].LastStatus {
		case "RUNNING":
			return arn, time.Since(began), nil
		case "STOPPED":
			return arn, 0, fmt.Errorf("task stopped: %s", d.Tasks[0].StoppedReason)
		}
		time.Sleep(pollEvery)
	}
}

// pollEvery is how often DescribeTasks is asked: the question takes the processor from the start it waits for.
const pollEvery = 3 * time.Millisecond

// stop ends a task and waits until it is STOPPED, so that its end does not weigh on the next measurement.
func (t target) stop(ctx context.Context, cluster, arn string) error {
	err := t.call(ctx, "StopTask", m{"cluster": cluster, "task": arn}, nil)
	for err == nil {
		var d tasksAnswer
		err = t.call(ctx, "DescribeTasks", m{"cluster": cluster, "tasks": []string{arn}}, &d)
		if err == nil && (len(d.Tasks) == 0 || d.Tasks[0].LastStatus == "STOPPED") {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return err
}
