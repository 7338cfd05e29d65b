package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"longshore/internal/acs"
	"longshore/internal/node/stats"
	"longshore/internal/node/taskrun"
)

// Version is the agent version reported to the control plane.
const Version = "1.105.1"

// Kinds of container instances.
const (
	KindEC2      = "EC2"
	KindExternal = "EXTERNAL"
	KindFargate  = "FARGATE"
)

// Attributes that say what our own agent is; the server reads them.
const (
	attributeKind    = "longshore.kind"
	attributeManaged = "longshore.managed"
)

// ErrDeregistered says that the instance was deregistered and must not come back by itself.
var ErrDeregistered = errors.New("container instance was deregistered")

// Credentials retrieves the keys to sign with; every aws-sdk-go-v2 provider is one.
type Credentials = aws.CredentialsProvider

// Config says what an Agent works with.
type Config struct {
	// Server is the control plane's URL, http or https; required.
	Server string
	// Region is the scope of signatures; required.
	Region string
	// Cluster to join, by name or ARN; default "default".
	Cluster string
	// Kind is KindEC2 (default), KindExternal or KindFargate.
	Kind string
	// Managed instances leave with their cluster.
	Managed bool
	// Credentials sign the first registration, and everything until the server has sent keys bound to the
	// instance; required.
	Credentials Credentials
	// Attributes and Tags of the instance beyond what the agent says itself. A value may be empty.
	Attributes map[string]string
	Tags       map[string]string
	// Resources the instance offers.
	Resources Resources
	// Tasks configures the task runner; Instance, Report and Cluster are filled in.
	Tasks taskrun.Config
	// DockerVersion is reported to the server.
	DockerVersion string
	// DataDir keeps the instance's identity and keys across restarts, in one file of mode 0600; required.
	DataDir *os.Root
	// HTTP makes requests and websockets; default one client of its own with kept-alive connections.
	HTTP *http.Client
	// Metrics is how often metrics are published; default 20 s.
	Metrics time.Duration
	// Limits bound frames from the server.
	Limits acs.Limits
	// Observe, if set, is told of every change of a task as well.
	Observe func(taskrun.Snapshot)
	// Now is the clock; required.
	Now func() time.Time
	// NewID returns a fresh UUID-like id; required.
	NewID func() string
	// Rand returns a number in [0,1), for jitter; required.
	Rand func() float64
	// Log; required.
	Log *slog.Logger
}

// Resources of an instance as the scheduler counts them.
type Resources struct {
	CPU         int   // units of 1/1024 CPU
	MemoryMiB   int   //
	ReservedTCP []int // ports tasks cannot have; default 22, 2375, 2376, 51678, 51679
	ReservedUDP []int
	GPUs        []string
}

func (c Config) complete() (Config, error) {
	if c.Server == "" || c.Region == "" || c.Credentials == nil || c.DataDir == nil {
		return c, errors.New("configure agent: server, region, credentials and data directory are required")
	}
	if c.Now == nil || c.NewID == nil || c.Rand == nil || c.Log == nil {
		return c, errors.New("configure agent: clock, id source, random source and logger are required")
	}
	if c.Cluster == "" {
		c.Cluster = "default"
	}
	if c.Kind == "" {
		c.Kind = KindEC2
	}
	if c.Metrics <= 0 {
		c.Metrics = 20 * time.Second
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 32, IdleConnTimeout: 5 * time.Minute,
		}}
	}
	if c.Resources.ReservedTCP == nil {
		c.Resources.ReservedTCP = []int{22, 2375, 2376, 51678, 51679}
	}
	return c, nil
}

// Agent is one container instance.
type Agent struct {
	cfg     Config
	api     *api
	keys    *keyring
	submit  *submitter
	runtime *runtimeHealth
	stats   *stats.Collector
	health  *healthBoard

	mu       sync.Mutex
	id       identity
	machine  *taskrun.Machine
	sequence int64 // highest number of a payload or manifest
	endpoint endpoints
}

// New checks the configuration and contacts nobody.
func New(cfg Config) (*Agent, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, health: newHealthBoard(), runtime: newRuntimeHealth()}
	a.keys = &keyring{joining: cfg.Credentials, now: cfg.Now}
	a.api = &api{url: cfg.Server, region: cfg.Region, http: cfg.HTTP, keys: a.keys, now: cfg.Now, newID: cfg.NewID}
	a.submit = newSubmitter(a)
	a.stats = stats.New(stats.Config{Engine: cfg.Tasks.Engine, Now: cfg.Now, Log: cfg.Log})
	return a, nil
}

// Run joins the cluster and serves it until ctx ends. Containers keep running when it returns.
func (a *Agent) Run(ctx context.Context) error {
	known, err := loadIdentity(a.cfg.DataDir)
	if err != nil {
		// A corrupt file is set aside; the labels on the containers still tell what runs here.
		a.cfg.Log.Error("identity of the instance is unreadable, registering anew", "op", "identity", "err", err)
	}
	if known.Cluster != "" && known.Cluster != a.cfg.Cluster {
		return fmt.Errorf("data directory belongs to cluster %q, not %q: use another directory or deregister the "+
			"instance first", known.Cluster, a.cfg.Cluster)
	}
	a.id = known
	a.keys.bind(known.Keys)
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() { a.submit.run(ctx) })
	wg.Go(func() { a.stats.Run(ctx) })
	if known.ARN != "" {
		a.startTasks(ctx, &wg, known.ARN) // what runs here is watched even while the server is away
	}
	err = a.join(ctx)
	if err != nil {
		return err
	}
	if a.tasks() == nil {
		a.startTasks(ctx, &wg, a.arn())
	}
	wg.Go(func() { a.telemetry(ctx) })
	err = a.work(ctx)
	if errors.Is(err, ErrDeregistered) {
		a.leave(ctx)
		err = errors.Join(err, forgetIdentity(a.cfg.DataDir))
	}
	return err
}

// leaveTimeout bounds the wait for the tasks of a deregistered instance to end.
const leaveTimeout = time.Minute

// leave ends what runs here: the server holds it for STOPPED already.
func (a *Agent) leave(ctx context.Context) {
	m := a.tasks()
	m.Disown()
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	for len(m.Snapshots()) > 0 && sleep(ctx, 100*time.Millisecond) {
		continue
	}
}

// ARN is the instance's, or "" before it has joined.
func (a *Agent) ARN() string { return a.arn() }

func (a *Agent) arn() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.id.ARN
}

// Credentials sign in the agent's name: its own keys once the server has sent them.
func (a *Agent) Credentials() Credentials { return a.keys }

// Snapshots returns the state of every task of the instance.
func (a *Agent) Snapshots() []taskrun.Snapshot {
	m := a.tasks()
	if m == nil {
		return nil
	}
	return m.Snapshots()
}

// Stats gives the engine's last reading of a running container.
func (a *Agent) Stats() *stats.Collector { return a.stats }

func (a *Agent) tasks() *taskrun.Machine {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.machine
}

func (a *Agent) startTasks(ctx context.Context, wg *sync.WaitGroup, arn string) {
	cfg := a.cfg.Tasks
	cfg.Instance = lastPart(arn)
	cfg.Cluster = lastPart(a.cfg.Cluster)
	cfg.Report = a.changed
	m := taskrun.New(cfg)
	a.mu.Lock()
	a.machine = m
	a.mu.Unlock()
	wg.Go(func() {
		err := m.Run(ctx)
		if err != nil && ctx.Err() == nil {
			a.cfg.Log.Error("task runner ended", "op", "run", "err", err)
		}
	})
}

// changed is told by the task runner; it must not block.
func (a *Agent) changed(s taskrun.Snapshot) {
	a.submit.add(s)
	a.stats.Track(s.TaskARN, running(s))
	a.health.put(s)
	if a.cfg.Observe != nil {
		a.cfg.Observe(s)
	}
}

func running(s taskrun.Snapshot) []stats.Container {
	var out []stats.Container
	for _, c := range s.Containers {
		if c.Status == acs.StatusRunning && c.RuntimeID != "" && !c.StartedAt.IsZero() {
			out = append(out, stats.Container{
				ID: c.RuntimeID, Name: c.Name, ARN: c.ARN, Restarts: c.RestartCount, StartedAt: c.StartedAt,
			})
		}
	}
	return out
}
