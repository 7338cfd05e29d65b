package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// prepare makes the cluster and a task definition, and waits until the cluster has its instance.
func (t target) prepare(ctx context.Context, cluster string, definition m) error {
	err := t.call(ctx, "CreateCluster", m{"clusterName": cluster}, nil)
	if err != nil {
		return err
	}
	err = t.call(ctx, "RegisterTaskDefinition", definition, nil)
	for err == nil {
		var a struct{ ContainerInstanceArns []string }
		err = t.call(ctx, "ListContainerInstances", m{"cluster": cluster}, &a)
		if len(a.ContainerInstanceArns) > 0 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return err
}

// fargate prepares an awsvpc task definition and answers a network configuration in the default VPC.
func (i *installation) fargate(ctx context.Context, t target) (m, error) {
	err := t.prepare(ctx, "bench", m{"family": "fargate", "requiresCompatibilities": []string{"FARGATE"},
		"networkMode": "awsvpc", "cpu": "256", "memory": "512", "containerDefinitions": []m{{
			"name": "main", "image": "longshore-bench/probe:1", "command": []string{"wait"}}}})
	if err != nil {
		return nil, err
	}
	subnet, err := t.defaultSubnet(ctx)
	return m{"awsvpcConfiguration": m{"subnets": []string{subnet}}}, err
}

// defaultSubnet asks the EC2 API for a subnet.
func (t target) defaultSubnet(ctx context.Context) (string, error) {
	body := []byte(url.Values{"Action": {"DescribeSubnets"}, "Version": {"2016-11-15"}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	err = v4.NewSigner().SignHTTP(ctx, t.credentials, r, hash(body), "ec2", "us-east-1", time.Now())
	if err != nil {
		return "", err
	}
	res, err := t.client.Do(r)
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

const (
	connections = 8
	loadFor     = 5 * time.Second
)

// rate repeats one signed call over 8 connections and answers calls per second. Every request is signed; a
// signature is used for a second, because the load generator shares the machine's cores with the server.
func (t target) rate(ctx context.Context, op string, body []byte) (float64, error) {
	return t.rateFor(ctx, op, body, loadFor)
}

func (t target) rateFor(ctx context.Context, op string, body []byte, d time.Duration) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	counts := make([]int, connections)
	errs := make([]error, connections)
	began := time.Now()
	var wg sync.WaitGroup
	for n := range connections {
		wg.Go(func() { counts[n], errs[n] = t.repeat(ctx, op, body) })
	}
	wg.Wait()
	took := time.Since(began)
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / took.Seconds(), errors.Join(errs...)
}

func (t target) repeat(ctx context.Context, op string, body []byte) (int, error) {
	u, err := url.Parse(t.url)
	if err != nil {
		return 0, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	var raw bytes.Buffer
	signed := time.Time{}
	for n := 0; ; n++ {
		if ctx.Err() != nil {
			return n, nil
		}
		if time.Since(signed) > time.Second {
			raw.Reset()
			r, err := t.request(context.Background(), op, body)
			if err != nil {
				return n, err
			}
			err = r.Write(&raw)
			if err != nil {
				return n, err
			}
			signed = time.Now()
		}
		_, err = conn.Write(raw.Bytes())
		if err != nil {
			return n, err
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return n, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", op, res.Status)
		}
		if err != nil {
			return n, err
		}
		if res.Close { // the peer ends connections
			_ = conn.Close() // it is closed at the other end
			conn, err = net.Dial("tcp", u.Host)
			if err != nil {
				return n, err
			}
			in.Reset(conn)
		}
	}
}

// moto starts a moto server where one is installed.
func (b *bench) moto() (target, func(), error) {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		return target{}, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return target{}, nil, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close() // moto takes the port
	cmd := exec.CommandContext(b, path, "-H", "127.0.0.1", "-p", port)
	err = cmd.Start()
	if err != nil {
		return target{}, nil, err
	}
	stop := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() } // it was ours to end
	t := target{"http://127.0.0.1:" + port, aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "x"}, http.DefaultClient}
	for range 300 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			return t, stop, conn.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	return target{}, nil, errors.New("moto_server does not answer")
}
