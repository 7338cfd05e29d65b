package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

type task struct {
	TaskArn, LastStatus, StoppedReason, StopCode, Group string
	TaskDefinitionArn                                   string
	StartedAt                                           float64
	Containers                                          []struct{ ExitCode *int }
}

// read lists and describes everything, as dashboards do.
func (w *world) read(ctx context.Context) {
	began := time.Now()
	err := w.look(ctx)
	if err != nil && ctx.Err() == nil {
		w.v.violate("a read failed: %v", err)
	}
	w.reads++
	w.slowest = max(w.slowest, time.Since(began))
}

func (w *world) look(ctx context.Context) error {
	live, err := w.tasks(ctx, "RUNNING")
	if err != nil {
		return err
	}
	over, err := w.tasks(ctx, "STOPPED")
	if err != nil {
		return err
	}
	w.live, w.alive = 0, map[string]bool{}
	for _, t := range append(live, over...) {
		if t.LastStatus == "RUNNING" {
			w.live++
		}
		if t.LastStatus != "STOPPED" {
			w.alive[t.TaskArn[strings.LastIndexByte(t.TaskArn, '/')+1:]] = true
		}
		if t.StartedAt > 0 && !w.seen[t.TaskArn] {
			w.seen[t.TaskArn] = true
			w.starts++
		}
		if t.LastStatus == "STOPPED" && !w.over[t.TaskArn] {
			w.over[t.TaskArn] = true
			w.expect(t)
		}
	}
	var names []string
	for _, s := range w.services {
		names = append(names, s.name)
	}
	for len(names) > 0 {
		n := min(10, len(names))
		_, err = w.describe(ctx, names[:n]...)
		if err != nil {
			return err
		}
		names = names[n:]
	}
	return w.ecs(ctx, "DescribeClusters", m{"clusters": []string{cluster}}, nil)
}

// expect that a task ended as its program does.
func (w *world) expect(t task) {
	if t.StopCode != "EssentialContainerExited" {
		if t.StopCode == "TaskFailedToStart" && !strings.Contains(t.StoppedReason, "Scaling activity") {
			w.v.violate("a task did not start: %s: %s", t.TaskArn, t.StoppedReason)
		}
		return
	}
	want := -1
	switch name := t.TaskDefinitionArn[strings.LastIndexByte(t.TaskDefinitionArn, '/')+1:]; name {
	case "exit:1", "exit-vpc:1":
		want = 7
	case "crash:1":
		want = 1
	}
	if len(t.Containers) != 1 || t.Containers[0].ExitCode == nil || *t.Containers[0].ExitCode != want {
		w.v.violate("a task ended otherwise than with %d: %+v", want, t)
	}
}

// tasks of a desired status, all of them.
func (w *world) tasks(ctx context.Context, desired string) ([]task, error) {
	var out []task
	in := m{"cluster": cluster, "desiredStatus": desired}
	for {
		var page struct {
			TaskArns  []string
			NextToken string
		}
		err := w.ecs(ctx, "ListTasks", in, &page)
		if err != nil || len(page.TaskArns) == 0 {
			return out, err
		}
		var a struct{ Tasks []task }
		err = w.ecs(ctx, "DescribeTasks", m{"cluster": cluster, "tasks": page.TaskArns}, &a)
		if err != nil {
			return out, err
		}
		out = append(out, a.Tasks...)
		if page.NextToken == "" {
			return out, nil
		}
		in["nextToken"] = page.NextToken
	}
}

// talks says whether the task of a log stream still runs, as far as is known: such a stream is in use.
func (w *world) talks(stream string) bool {
	id := stream[strings.LastIndexByte(stream, '/')+1:]
	return w.alive[id]
}

// subnet asks the EC2 API for one.
func (w *world) subnet(ctx context.Context) (string, error) {
	body := []byte(url.Values{"Action": {"DescribeSubnets"}, "Version": {"2016-11-15"}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, w.keys, r, hex.EncodeToString(sum[:]), "ec2", "us-east-1", time.Now())
	if err != nil {
		return "", err
	}
	res, err := w.http.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	_, rest, ok := bytes.Cut(text, []byte("<subnetId>"))
	if !ok {
		return "", fmt.Errorf("DescribeSubnets: %s: %s", res.Status, text)
	}
	id, _, _ := bytes.Cut(rest, []byte("<"))
	return string(id), nil
}
