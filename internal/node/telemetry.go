package node

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"longshore/internal/acs"
	"longshore/internal/node/stats"
	"longshore/internal/node/taskrun"
)

// tasksPerFrame is how many tasks a telemetry frame may carry.
const tasksPerFrame = 10

// telemetry keeps a TCS session open until ctx ends. Work goes on without it.
func (a *Agent) telemetry(ctx context.Context) {
	for attempt := 1; ; attempt++ {
		began := a.cfg.Now()
		err := a.publish(ctx)
		if ctx.Err() != nil {
			return
		}
		if a.cfg.Now().Sub(began) > settledSession {
			attempt = 1
		}
		a.cfg.Log.Debug("telemetry session ended", "op", "tcs", "err", err)
		if !sleep(ctx, a.jitter(backoff(attempt, time.Second, time.Minute))) {
			return
		}
	}
}

// publish runs one telemetry session.
func (a *Agent) publish(ctx context.Context) error {
	at, err := a.discover(ctx)
	if err != nil {
		return err
	}
	if at.TCS == "" {
		return errors.New("server has no telemetry endpoint")
	}
	q := url.Values{
		"agentHash": {"longshore"}, "agentVersion": {Version}, "cluster": {a.cfg.Cluster},
		"containerInstance": {a.arn()}, "dockerVersion": {a.cfg.DockerVersion},
	}
	conn, err := a.dial(ctx, at.TCS, q)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &publisher{a: a, conn: conn, url: strings.TrimSuffix(at.TCS, "/") + "/ws?" + q.Encode()}
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel(nil)
	reader.Go(func() { cancel(p.listen(ctx)) })
	err = p.run(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// publisher is one telemetry connection.
type publisher struct {
	a    *Agent
	conn *websocket.Conn
	url  string
}

// listen takes acknowledgements; the server proves by them that it is alive.
func (p *publisher) listen(ctx context.Context) error {
	idleFor := idleTimeout + time.Duration(p.a.cfg.Rand()*float64(idleTimeout))
	for {
		wait, cancel := context.WithTimeoutCause(ctx, idleFor, errIdle)
		_, data, err := p.conn.Read(wait)
		cancel()
		if err != nil {
			return err
		}
		m, err := acs.Decode(data, p.a.cfg.Limits)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *acs.StopTelemetrySessionMessage:
			return errors.New("server ended the telemetry session")
		case *acs.Exception:
			return m
		}
	}
}

func (p *publisher) run(ctx context.Context) error {
	metrics := time.NewTicker(p.a.cfg.Metrics)
	defer metrics.Stop()
	life := time.NewTimer(sessionLife + time.Duration(p.a.cfg.Rand()*float64(5*time.Minute)))
	defer life.Stop()
	err := p.health(ctx, p.a.health.all())
	for err == nil {
		select {
		case <-metrics.C:
			err = p.metrics(ctx)
			if err == nil {
				err = p.health(ctx, p.a.health.all())
			}
		case <-p.a.health.changed:
			err = p.health(ctx, p.a.health.news())
		case s := <-p.a.runtime.changed:
			err = p.send(ctx, &acs.PublishInstanceStatusRequest{
				Metadata:  acs.InstanceStatusMetadata{Cluster: p.a.cfg.Cluster, ContainerInstance: p.a.arn(), RequestID: p.a.cfg.NewID()},
				Statuses:  []acs.InstanceStatus{s},
				Timestamp: acs.Timestamp(p.a.cfg.Now()),
			})
		case <-life.C:
			return errExpired
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// metrics publishes a round of sets; the last frame has fin set, an idle instance says so.
func (p *publisher) metrics(ctx context.Context) error {
	tasks := p.a.taskMetrics()
	now := acs.Timestamp(p.a.cfg.Now())
	meta := acs.MetricsMetadata{Cluster: p.a.cfg.Cluster, ContainerInstance: p.a.arn(), MessageID: p.a.cfg.NewID()}
	if len(tasks) == 0 {
		meta.Idle, meta.Fin = true, true
		return p.send(ctx, &acs.PublishMetricsRequest{Metadata: meta, Timestamp: now})
	}
	for len(tasks) > 0 {
		n := min(tasksPerFrame, len(tasks))
		meta.Fin = n == len(tasks)
		err := p.send(ctx, &acs.PublishMetricsRequest{Metadata: meta, Timestamp: now, TaskMetrics: tasks[:n]})
		if err != nil {
			return err
		}
		tasks = tasks[n:]
	}
	return nil
}

func (a *Agent) taskMetrics() []acs.TaskMetric {
	m := a.tasks()
	if m == nil {
		return nil
	}
	sets := a.stats.Flush()
	var out []acs.TaskMetric
	for _, s := range m.Snapshots() {
		one := acs.TaskMetric{
			ClusterARN: s.ClusterARN, TaskARN: s.TaskARN, TaskDefinitionFamily: s.Family, TaskDefinitionVersion: s.Version,
		}
		for _, c := range s.Containers {
			set, ok := sets[c.RuntimeID]
			if ok {
				one.ContainerMetrics = append(one.ContainerMetrics, containerMetric(c, set))
			}
		}
		if len(one.ContainerMetrics) > 0 {
			out = append(out, one)
		}
	}
	return out
}

func containerMetric(c taskrun.ContainerSnapshot, set stats.Set) acs.ContainerMetric {
	m := acs.ContainerMetric{ContainerName: c.Name, ContainerARN: c.ARN}
	m.CPUStatsSet, m.MemoryStatsSet = set.CPU, set.Memory
	m.NetworkStatsSet, m.StorageStatsSet = set.Network, set.Storage
	if c.RestartCount > 0 {
		m.RestartStatsSet = &acs.RestartStatsSet{RestartCount: int64(c.RestartCount)}
	}
	return m
}

func (p *publisher) health(ctx context.Context, tasks []acs.TaskHealth) error {
	for len(tasks) > 0 {
		n := min(tasksPerFrame, len(tasks))
		err := p.send(ctx, &acs.PublishHealthRequest{
			Metadata: acs.HealthMetadata{
				Cluster: p.a.cfg.Cluster, ContainerInstance: p.a.arn(), Fin: n == len(tasks), MessageID: p.a.cfg.NewID(),
			},
			Tasks: tasks[:n], Timestamp: acs.Timestamp(p.a.cfg.Now()),
		})
		if err != nil {
			return err
		}
		tasks = tasks[n:]
	}
	return nil
}

// send writes a frame behind its block of signature headers.
func (p *publisher) send(ctx context.Context, m acs.Message) error {
	body, err := acs.Encode(m)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return err
	}
	err = p.a.api.sign(ctx, req, body)
	if err != nil {
		return err
	}
	frame := acs.SignedFrame{Header: http.Header{"Host": {req.URL.Host}}, Body: body}
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		if v := req.Header.Get(name); v != "" {
			frame.Header.Set(name, v)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return p.conn.Write(ctx, websocket.MessageText, frame.Bytes())
}
