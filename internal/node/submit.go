package node

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/taskrun"
)

// submitter tells the server of every change, in order per task, each once, until it is accepted.
type submitter struct {
	a    *Agent
	busy chan struct{} // bounds parallel tasks

	mu     sync.Mutex
	ctx    context.Context
	wg     sync.WaitGroup
	queues map[string]*queue
}

// queue is one task's changes. Sent is what the server has accepted.
type queue struct {
	pending []change
	last    change
	sent    change
	active  bool
}

func newSubmitter(a *Agent) *submitter {
	return &submitter{a: a, busy: make(chan struct{}, 10), queues: map[string]*queue{}}
}

// change is what SubmitTaskStateChange says, without the times.
type change struct {
	snapshot   taskrun.Snapshot
	Status     string
	Reason     string
	Containers []containerChange
	Attached   []string
}

type containerChange struct {
	Name      string           `json:"containerName"`
	RuntimeID string           `json:"runtimeId,omitempty"`
	Digest    string           `json:"imageDigest,omitempty"`
	Status    string           `json:"status"`
	ExitCode  *int             `json:"exitCode,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	Bindings  []networkBinding `json:"networkBindings,omitempty"`
}

type networkBinding struct {
	BindIP             string `json:"bindIP,omitempty"`
	ContainerPort      int    `json:"containerPort,omitempty"`
	HostPort           int    `json:"hostPort,omitempty"`
	Protocol           string `json:"protocol,omitempty"`
	ContainerPortRange string `json:"containerPortRange,omitempty"`
	HostPortRange      string `json:"hostPortRange,omitempty"`
}

// add notes a change; what does not differ from the last one is dropped. It never blocks.
func (s *submitter) add(snap taskrun.Snapshot) {
	c := changeOf(snap)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[snap.TaskARN]
	if q == nil {
		q = &queue{}
		s.queues[snap.TaskARN] = q
	}
	if c.same(q.last) && !(c.Status == acs.StatusStopped && !q.active) {
		return
	}
	if c.Status == acs.StatusPending && !c.news() {
		return // the server knows that it has just asked
	}
	q.last = c
	q.pending = append(q.pending, c)
	if !q.active && s.ctx != nil {
		q.active = true
		s.wg.Go(func() { s.drain(s.ctx, snap.TaskARN, q) })
	}
}

// run submits until ctx ends; what was added before is not lost.
func (s *submitter) run(ctx context.Context) {
	s.mu.Lock()
	s.ctx = ctx
	for arn, q := range s.queues {
		if len(q.pending) > 0 && !q.active {
			q.active = true
			s.wg.Go(func() { s.drain(ctx, arn, q) })
		}
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.wg.Wait()
}

// drain submits a task's changes one after the other.
func (s *submitter) drain(ctx context.Context, arn string, q *queue) {
	for {
		s.mu.Lock()
		if len(q.pending) == 0 {
			q.active = false
			if q.sent.Status == acs.StatusStopped {
				delete(s.queues, arn)
			}
			s.mu.Unlock()
			return
		}
		c := q.pending[0]
		sent := q.sent
		s.mu.Unlock()
		if !s.deliver(ctx, arn, c.since(sent)) {
			return // ctx ended; the server will ask again
		}
		s.mu.Lock()
		q.pending = q.pending[1:]
		q.sent = c
		s.mu.Unlock()
		if c.Status == acs.StatusStopped {
			s.a.accepted(arn)
		}
	}
}

// submitFor is how long a refused report is repeated, as the official agent does; an unreachable server is waited for
// without end.
const submitFor = 24 * time.Hour

// deliver repeats one call until it is accepted, or refused for good.
func (s *submitter) deliver(ctx context.Context, arn string, body map[string]any) bool {
	began := s.a.cfg.Now()
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, body)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if kindOf(err) == "InvalidParameterException" || final(err) && s.a.cfg.Now().Sub(began) > submitFor {
			s.a.cfg.Log.Error("server refuses a state change for good", "task", lastPart(arn), "op", "submit", "err", err)
			return true
		}
		s.a.cfg.Log.Warn("cannot submit a state change yet", "task", lastPart(arn), "op", "submit", "err", err)
		if !sleep(ctx, s.a.jitter(backoff(attempt, 100*time.Millisecond, 30*time.Second))) {
			return false
		}
	}
}

func (s *submitter) once(ctx context.Context, body map[string]any) error {
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.busy }()
	return s.a.api.call(ctx, "SubmitTaskStateChange", body, nil)
}

func (a *Agent) accepted(arn string) {
	m := a.tasks()
	if m != nil {
		m.Accepted(arn)
	}
	a.health.drop(arn)
	a.stats.Track(arn, nil)
}

func changeOf(s taskrun.Snapshot) change {
	c := change{snapshot: s, Status: s.Status, Reason: s.Reason}
	for _, x := range s.Containers {
		one := containerChange{
			Name: x.Name, RuntimeID: x.RuntimeID, Digest: x.ImageDigest, Status: x.Status, ExitCode: x.ExitCode,
			Reason: x.Reason,
		}
		if x.Status != acs.StatusPending {
			for _, b := range x.Bindings {
				one.Bindings = append(one.Bindings, networkBinding(b))
			}
		}
		c.Containers = append(c.Containers, one)
	}
	return c
}

func (c change) same(o change) bool {
	return c.Status == o.Status && c.Reason == o.Reason && reflect.DeepEqual(c.Containers, o.Containers)
}

// news says that a container has left PENDING, or tells why it does not.
func (c change) news() bool { return slices.ContainsFunc(c.Containers, containerChange.news) }

func (x containerChange) news() bool { return x.Status != acs.StatusPending || x.Reason != "" }

// since renders what the server does not know yet.
func (c change) since(sent change) map[string]any {
	body := map[string]any{
		"cluster": clusterOf(c.snapshot), "task": c.snapshot.TaskARN, "status": c.Status, "reason": c.Reason,
	}
	known := map[string]containerChange{}
	for _, x := range sent.Containers {
		known[x.Name] = x
	}
	fresh := []containerChange{}
	for _, x := range c.Containers {
		if x.news() && !reflect.DeepEqual(x, known[x.Name]) {
			fresh = append(fresh, x)
		}
	}
	body["containers"] = fresh
	for name, t := range map[string]time.Time{
		"pullStartedAt": c.snapshot.PullStartedAt, "pullStoppedAt": c.snapshot.PullStoppedAt,
		"executionStoppedAt": c.snapshot.ExecutionStoppedAt,
	} {
		if !t.IsZero() {
			body[name] = acs.Timestamp(t)
		}
	}
	return body
}

func clusterOf(s taskrun.Snapshot) string {
	if s.ClusterARN != "" {
		return s.ClusterARN
	}
	return "default"
}
