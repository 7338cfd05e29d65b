package daemon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"longshore/internal/node"
	"longshore/internal/node/awsvpc"
	"longshore/internal/node/docker"
	"longshore/internal/node/logship"
	"longshore/internal/node/metadata"
	"longshore/internal/node/taskrun"
)

// host is this machine as one or more agents share it: its engine, its network, its metadata address.
type host struct {
	installation string
	log          *slog.Logger
	engine       *docker.Engine
	info         docker.Info
	networks     *awsvpc.Manager
	metadata     *metadata.Server
	logs         *logship.Shipper
	ports        *taskrun.Ports
	slots        *taskrun.Slots
	cgroups      *os.Root

	mu     sync.Mutex
	join   aws.CredentialsProvider
	off    map[string]string // what does not work here, and why
	agents []*node.Agent
}

// hostConfig says what a host works with.
type hostConfig struct {
	Installation string
	DataDir      string // of the node, below the installation's
	DockerHost   string
	Server       string // where logs are sent
	Region       string
	Keys         aws.CredentialsProvider
	Log          *slog.Logger
}

// openHost reaches the engine and finds out what this machine can do.
func openHost(ctx context.Context, c hostConfig) (*host, error) {
	engine, err := docker.New(docker.Config{Host: c.DockerHost, Log: c.Log})
	if err != nil {
		return nil, err
	}
	h := &host{
		installation: c.Installation, log: c.Log, engine: engine, off: map[string]string{}, join: c.Keys,
		ports: taskrun.NewPorts(49153, 65535, taskrun.ProbeHost), slots: taskrun.NewSlots(0, 0),
	}
	err = engine.Ping(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reach Docker Engine: %w", err), engine.Close())
	}
	h.info, err = engine.Info(ctx)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	err = h.open(ctx, c)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return h, nil
}

func (h *host) open(ctx context.Context, c hostConfig) error {
	err := os.MkdirAll(filepath.Join(c.DataDir, "logmarks"), 0o700)
	if err != nil {
		return fmt.Errorf("open node directory: %w", err)
	}
	h.networks, err = h.newNetworks()
	if err != nil {
		return err
	}
	err = h.networks.Available(ctx)
	if err != nil {
		h.setOff("awsvpc", err)
		h.networks = nil
	}
	calls := &containerCalls{host: h, server: c.Server, region: c.Region, client: &http.Client{Timeout: callTimeout}}
	h.metadata, err = metadata.New(metadata.Config{
		Stats: calls, Tags: calls, Protection: calls, Now: time.Now, Log: h.log})
	if err != nil {
		return err
	}
	h.logs = logship.New(logship.Config{
		Reader: h.engine, Region: c.Region, Now: time.Now, Log: h.log,
		Marks: logship.Dir(filepath.Join(c.DataDir, "logmarks")),
		Gone:  func(err error) bool { return errors.Is(err, docker.ErrNotFound) },
		Sink: logship.NewHTTPSink(logship.HTTPSinkConfig{
			Endpoint: c.Server, Credentials: h.credentials, Now: time.Now}),
	})
	if os.Geteuid() != 0 {
		h.setOff("task-level cpu and memory by cgroup", errors.New("not root; limits are set per container"))
		return nil
	}
	h.cgroups, err = os.OpenRoot("/sys/fs/cgroup")
	if err != nil {
		h.setOff("task-level cpu and memory by cgroup", err)
	}
	return nil
}

func (h *host) newNetworks() (*awsvpc.Manager, error) {
	return awsvpc.New(awsvpc.Config{
		Installation: h.installation, Engine: awsvpc.OnDocker(h.engine), Root: os.Geteuid() == 0,
		Labels: map[string]string{"longshore.installation": h.installation},
		NewID:  shortID, Now: time.Now, Log: h.log,
	})
}

// shortID is 16 hex digits.
func shortID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func (h *host) setOff(what string, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.off[what] = why.Error()
}

// tasks is what every agent's task runner shares of this host.
func (h *host) tasks(region string) taskrun.Config {
	c := taskrun.Config{
		Engine: h.engine, Installation: h.installation, Region: region,
		Logs:  shipping{h.logs},
		Ports: h.ports, Slots: h.slots, Cgroups: h.cgroups,
		PullBehavior: os.Getenv("ECS_IMAGE_PULL_BEHAVIOR"),
		Now:          time.Now, NewID: newUUID, Log: h.log,
	}
	// Containers learn of 169.254.170.2 only where it answers.
	if h.networks != nil {
		c.Metadata, c.Clients = metadata.ForTasks(h.metadata), h.networks
		c.Networks = awsvpc.ForTasks(h.networks, netip.Prefix{})
	}
	return c
}

// parts run for as long as the host serves.
func (h *host) parts() []Part {
	if h.networks == nil {
		h.setOff("169.254.170.2 (task metadata and credentials)", errors.New("it needs what awsvpc needs"))
		return nil
	}
	return []Part{{"network pool", h.networks.Run}, {"metadata", h.serveMetadata}, {"network sweep", h.sweepNetworks}}
}

// sweepEvery is how often namespaces, links and addresses that no task claims are looked for; orphans are gone
// within 30 s.
const sweepEvery = 25 * time.Second

// sweepNetworks gives the agents time to take up what an earlier run left before it calls anything an orphan.
func (h *host) sweepNetworks(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	failing := false // said once until it passes
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		live := h.liveTasks()
		err := h.networks.Sweep(ctx, func(id string) bool { return live[id] })
		if err != nil && ctx.Err() == nil && !failing {
			h.log.Warn("cannot sweep networks, will try again", "err", err)
		}
		failing = err != nil
	}
}

// liveTasks are the ids of the tasks that an agent of this host has in hand.
func (h *host) liveTasks() map[string]bool {
	h.mu.Lock()
	agents := slices.Clone(h.agents)
	h.mu.Unlock()
	out := map[string]bool{}
	for _, a := range agents {
		for _, s := range a.Snapshots() {
			out[s.TaskARN[strings.LastIndexByte(s.TaskARN, '/')+1:]] = true
		}
	}
	return out
}

// credentials sign what this host sends beside its agents' own calls: an agent's keys, as soon as one has some.
func (h *host) credentials(ctx context.Context) (aws.Credentials, error) {
	h.mu.Lock()
	agents := slices.Clone(h.agents)
	h.mu.Unlock()
	for _, a := range agents {
		c, err := a.Credentials().Retrieve(ctx)
		if err == nil {
			return c, nil
		}
	}
	return h.join.Retrieve(ctx)
}

// serve runs an agent of this host.
func (h *host) serve(ctx context.Context, c node.Config) error {
	a, err := node.New(c)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.agents = append(h.agents, a)
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		h.agents = slices.DeleteFunc(h.agents, func(o *node.Agent) bool { return o == a })
		h.mu.Unlock()
	}()
	return a.Run(ctx)
}

// serveMetadata answers on 169.254.170.2 for as long as ctx lasts.
func (h *host) serveMetadata(ctx context.Context) error {
	l, err := h.networks.ListenMetadata(ctx)
	if err != nil {
		h.setOff("169.254.170.2 (task metadata and credentials)", err)
		<-ctx.Done()
		return ctx.Err()
	}
	return h.metadata.Serve(ctx, l)
}

// shipping gives the task runner logship.
type shipping struct{ *logship.Shipper }

var _ taskrun.Logs = shipping{}

func (s shipping) Follow(ctx context.Context, l taskrun.LogSource) error {
	return s.Shipper.Follow(ctx, source(l))
}

func (s shipping) Prepare(ctx context.Context, l taskrun.LogSource) error {
	return s.Shipper.Prepare(ctx, source(l))
}

func source(l taskrun.LogSource) logship.Source {
	return logship.Source{ContainerID: l.ContainerID, TaskARN: l.TaskARN, ContainerName: l.Name, Options: l.Options}
}
