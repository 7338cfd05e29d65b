package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// bursts of calls that are all under way at once, each on a connection of its own.
const (
	burstCalls = 10_000
	burstRound = 3
)

// shot is one call of a burst: signed before, because the client shares the processors with the server.
type shot struct {
	raw    []byte
	kind   string // what an acknowledgement is remembered under; "" = a read
	conn   net.Conn
	status int
	ack    string
	took   time.Duration
	err    error
}

// burst measures 10,000 concurrent mixed calls, half reads and half durable writes, then kills the daemon and looks
// for every acknowledged write.
func burst(b *bench) error {
	err := raiseFiles()
	if err != nil {
		return err
	}
	i, err := b.upHolding(held{10, 100, 0})
	if err != nil {
		return err
	}
	var p99, p50 []float64
	acks := map[string][]string{}
	failed, refused := 0, 0
	for round := range burstRound {
		shots, err := i.fire(b, round)
		if err != nil {
			return err
		}
		var took []time.Duration
		for _, s := range shots {
			took = append(took, s.took)
			switch {
			case s.err != nil || s.status >= 500:
				failed++
			case s.status != 200:
				refused++
			case s.kind != "":
				acks[s.kind] = append(acks[s.kind], s.ack)
			}
		}
		p50, p99 = append(p50, quantile(took, 0.5)), append(p99, quantile(took, 0.99))
	}
	lost, err := b.findAcks(i, acks)
	if err != nil {
		return err
	}
	slices.Sort(p50)
	slices.Sort(p99)
	b.add(figure{Name: "10,000 concurrent calls, p50", Value: p50[burstRound/2], Unit: "ms"})
	b.add(figure{Name: "10,000 concurrent calls, p99", Value: p99[burstRound/2], Unit: "ms", Target: "≤ 1000 ms"})
	b.add(figure{Name: "10,000 concurrent calls × 3: 5xx or no answer", Value: float64(failed), Unit: "calls", Target: "0"})
	b.add(figure{Name: "10,000 concurrent calls × 3: 4xx", Value: float64(refused), Unit: "calls", Target: "0"})
	b.add(figure{Name: fmt.Sprintf("acknowledged writes that a kill -9 lost, of %d", len(acks["definition"])+len(acks["cluster"])),
		Value: float64(lost), Unit: "writes", Target: "0"})
	return nil
}

// fire opens the connections, then sends everything at once and waits for all answers.
func (i *installation) fire(ctx context.Context, round int) ([]*shot, error) {
	t := i.target()
	u, err := url.Parse(t.url)
	if err != nil {
		return nil, err
	}
	shots := make([]*shot, burstCalls)
	defer func() {
		for _, s := range shots {
			if s != nil && s.conn != nil {
				_ = s.conn.Close() // its answer is read, or will never be
			}
		}
	}()
	for n := range shots {
		shots[n], err = t.aim(ctx, round*burstCalls+n)
		if err != nil {
			return nil, err
		}
		shots[n].conn, err = net.Dial("tcp", u.Host)
		if err != nil {
			return nil, fmt.Errorf("connection %d: %w", n, err)
		}
	}
	time.Sleep(time.Second) // the server has taken all connections
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, s := range shots {
		wg.Go(func() {
			<-start
			s.shoot()
		})
	}
	close(start)
	wg.Wait()
	return shots, nil
}

// aim signs the n-th call.
func (t target) aim(ctx context.Context, n int) (*shot, error) {
	s := &shot{}
	var op string
	var in m
	switch n % 10 {
	case 0, 1, 2:
		op, in, s.kind = "RegisterTaskDefinition", m{"family": fmt.Sprint("burst-", n%300), "containerDefinitions": []m{{
			"name": "main", "image": "load:1", "memory": 64, "environment": []m{{"name": "N", "value": strconv.Itoa(n)}}}}}, "definition"
	case 3, 4:
		op, in, s.kind = "CreateCluster", m{"clusterName": fmt.Sprint("burst-", n)}, "cluster"
	case 5, 6:
		op, in = "DescribeServices", m{"cluster": heldCluster, "services": []string{heldService(n % 7)}}
	case 7:
		op, in = "ListTasks", m{"cluster": heldCluster, "serviceName": heldService(n % 7), "maxResults": 10}
	case 8:
		op, in = "DescribeTasks", m{"cluster": heldCluster, "tasks": []string{heldTask(0, n%100).ID()}}
	default:
		op, in = "DescribeClusters", m{"clusters": []string{heldCluster}}
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := t.request(ctx, op, body)
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	err = r.Write(&raw)
	s.raw = raw.Bytes()
	return s, err
}

var errAnswer = errors.New("no whole answer")

// shoot sends the call and reads its answer.
func (s *shot) shoot() {
	began := time.Now()
	_, s.err = s.conn.Write(s.raw)
	if s.err != nil {
		return
	}
	text := make([]byte, 0, 4096)
	head, length := -1, 0
	for head < 0 || len(text) < head+length {
		if len(text) == cap(text) {
			text = slices.Grow(text, len(text))
		}
		n, err := s.conn.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if err != nil && err != io.EOF || n == 0 && err != nil {
			s.err = errors.Join(errAnswer, err)
			return
		}
		if head < 0 {
			head, length = answerSize(text)
		}
	}
	s.took = time.Since(began)
	s.status, s.err = strconv.Atoi(string(text[9:12]))
	if s.kind != "" {
		s.ack = arnIn(string(text[head:]), s.kind)
	}
}

// answerSize is where the body begins, -1 = not yet, and how long it is.
func answerSize(text []byte) (head, length int) {
	end := bytes.Index(text, []byte("\r\n\r\n"))
	if end < 0 {
		return -1, 0
	}
	_, rest, ok := bytes.Cut(text[:end+2], []byte("Content-Length: "))
	if !ok {
		return end + 4, 0
	}
	number, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, _ = strconv.Atoi(string(number)) // our own server's; anything else fails as a short answer
	return end + 4, length
}

// arnIn finds the name that an answer acknowledges.
func arnIn(body, kind string) string {
	member := map[string]string{"definition": `"taskDefinitionArn":"`, "cluster": `"clusterArn":"`}[kind]
	_, rest, _ := strings.Cut(body, member)
	arn, _, _ := strings.Cut(rest, `"`)
	return arn
}

// findAcks kills the daemon, starts it again and counts the acknowledged writes that it does not have, and those that
// were acknowledged twice.
func (b *bench) findAcks(i *installation, acks map[string][]string) (int, error) {
	err := i.cmd.Process.Signal(syscall.SIGKILL)
	if err != nil {
		return 0, err
	}
	_ = i.cmd.Wait() // it was killed
	again, err := b.upOn(i.dir, "--no-node")
	if err != nil {
		return 0, err
	}
	t := again.target()
	lost := 0
	for kind, list := range map[string]struct{ op, member string }{
		"definition": {"ListTaskDefinitions", "taskDefinitionArns"}, "cluster": {"ListClusters", "clusterArns"}} {
		have, err := t.everything(b, list.op, list.member)
		if err != nil {
			return 0, err
		}
		for _, arn := range acks[kind] {
			if arn == "" || !have[arn] {
				lost++
			}
			delete(have, arn) // a second acknowledgement of one name is a loss too
		}
	}
	return lost, again.down()
}

// everything that a listing has.
func (t target) everything(ctx context.Context, op, member string) (map[string]bool, error) {
	have := map[string]bool{}
	in := m{}
	for {
		out := map[string]any{}
		err := t.call(ctx, op, in, &out)
		if err != nil {
			return nil, err
		}
		page, _ := out[member].([]any)
		for _, arn := range page {
			have[fmt.Sprint(arn)] = true
		}
		token, _ := out["nextToken"].(string)
		if token == "" {
			return have, nil
		}
		in["nextToken"] = token
	}
}
