package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
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
	text   []byte // where the answer goes
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
	var p99, p50, served, asked []float64
	acks := map[string][]string{}
	failed, refused := 0, 0
	for round := range burstRound {
		shots, cost, err := i.volley(b, round)
		if err != nil {
			return err
		}
		served, asked = append(served, cost.daemon), append(asked, cost.client)
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
	b.add(figure{Name: "10,000 concurrent calls, p50", Value: median(p50), Unit: "ms"})
	b.add(figure{Name: "10,000 concurrent calls, p99", Value: median(p99), Unit: "ms", Target: "≤ 1000 ms"})
	b.add(figure{Name: "10,000 concurrent calls: processor time of both sides, spread over the cores",
		Value: (median(served) + median(asked)) * 1e3 / float64(runtime.NumCPU()), Unit: "ms", Target: "≤ 1000 ms"})
	b.add(figure{Name: "the daemon's processor time per concurrent call", Value: median(served) * 1e6 / burstCalls, Unit: "µs",
		Peer: "the client's, on the same cores", PeerValue: median(asked) * 1e6 / burstCalls})
	b.add(figure{Name: "10,000 concurrent calls × 3: 5xx or no answer", Value: float64(failed), Unit: "calls", Target: "0"})
	b.add(figure{Name: "10,000 concurrent calls × 3: 4xx", Value: float64(refused), Unit: "calls", Target: "0"})
	b.add(figure{Name: fmt.Sprintf("acknowledged writes that a kill -9 lost, of %d", len(acks["definition"])+len(acks["cluster"])),
		Value: float64(lost), Unit: "writes", Target: "0"})
	return nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// volleyCost is the seconds of processor time that a volley took, from the first byte sent to the last answer.
type volleyCost struct{ daemon, client float64 }

// volley opens the connections and signs the calls, then sends everything at once and waits for all answers. The
// client shares the processors with the server where ten thousand real ones would have their own: what each of those
// has long done before its call is done before the clock starts, and nothing is collected meanwhile.
func (i *installation) volley(ctx context.Context, round int) ([]*shot, volleyCost, error) {
	shots, err := i.load(ctx, round)
	defer func() {
		for _, s := range shots {
			if s != nil && s.conn != nil {
				_ = s.conn.Close() // its answer is read, or will never be
			}
		}
	}()
	if err != nil {
		return nil, volleyCost{}, err
	}
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, s := range shots {
		wg.Go(func() {
			<-start
			s.shoot()
		})
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	time.Sleep(time.Second)
	var cost volleyCost
	before := ownProcessor()
	cost.daemon, err = i.costOf(func() error {
		close(start)
		wg.Wait()
		return nil
	})
	cost.client = ownProcessor() - before
	return shots, cost, err
}

// ownProcessor is the seconds of processor time that this process has had.
func ownProcessor() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail: the address is good
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// load makes the calls of a round, each with a connection of its own that has been used once: SDKs keep theirs.
func (i *installation) load(ctx context.Context, round int) ([]*shot, error) {
	t := i.target()
	u, err := url.Parse(t.url)
	if err != nil {
		return nil, err
	}
	first, err := t.aim(ctx, aimedRead)
	if err != nil {
		return nil, err
	}
	shots := make([]*shot, burstCalls)
	for n := range shots {
		shots[n], err = t.aim(ctx, round*burstCalls+n)
		if err != nil {
			return shots, err
		}
		shots[n].conn, err = net.Dial("tcp", u.Host)
		if err != nil {
			return shots, fmt.Errorf("connection %d: %w", n, err)
		}
		warm := shot{raw: first.raw, conn: shots[n].conn, text: shots[n].text}
		warm.shoot()
		if warm.err != nil || warm.status != http.StatusOK {
			return shots, fmt.Errorf("first call of connection %d: status %d: %w", n, warm.status, warm.err)
		}
	}
	return shots, nil
}

// aimedRead is a call that only reads.
const aimedRead = 9

// aim signs the n-th call: of ten, three register a task definition, two create a cluster, two describe a service, and
// one each lists ten tasks, describes a task and describes a cluster.
func (t target) aim(ctx context.Context, n int) (*shot, error) {
	s := &shot{text: make([]byte, 0, 8<<10)}
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
	var err error
	s.raw, err = t.signed(ctx, op, in)
	return s, err
}

// signed is a call as it is sent.
func (t target) signed(ctx context.Context, op string, in m) ([]byte, error) {
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
	return raw.Bytes(), err
}

var errAnswer = errors.New("no whole answer")

// shoot sends the call and reads its answer.
func (s *shot) shoot() {
	began := time.Now()
	_, s.err = s.conn.Write(s.raw)
	if s.err != nil {
		return
	}
	text := s.text[:0]
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
		have, _, err := t.listed(b, list.op, list.member, m{})
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

// listed is everything that a listing has, in how many pages. What is shown twice is an error.
func (t target) listed(ctx context.Context, op, member string, in m) (map[string]bool, int, error) {
	have, in := map[string]bool{}, maps.Clone(in)
	for pages := 1; ; pages++ {
		out := map[string]any{}
		err := t.call(ctx, op, in, &out)
		if err != nil {
			return nil, 0, err
		}
		page, _ := out[member].([]any)
		for _, arn := range page {
			name := fmt.Sprint(arn)
			if have[name] {
				return nil, 0, fmt.Errorf("%s lists %s twice", op, name)
			}
			have[name] = true
		}
		token, _ := out["nextToken"].(string)
		if token == "" {
			return have, pages, nil
		}
		in["nextToken"] = token
	}
}
