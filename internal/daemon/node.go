package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"longshore/internal/node"
	"longshore/internal/state"
	"longshore/internal/store"
)

// nodeState is the part of the daemon that runs containers.
type nodeState struct {
	looked chan struct{} // closed after the first look at the engine

	mu   sync.Mutex
	host *host
	why  error // why there is no host
}

// retryEngine is how long the node waits before it looks for the engine again.
const retryEngine = time.Second

// runNode runs containers on this machine: one agent for FARGATE, and one in every cluster of the installation,
// so that the EC2 launch type works on a laptop without a second machine. Without an engine it waits for one.
func (d *Daemon) runNode(ctx context.Context) error {
	for first := true; ; first = false {
		h, err := openHost(ctx, hostConfig{
			Installation: d.ID, DataDir: filepath.Join(d.DataDir, "node"), DockerHost: d.DockerHost,
			Server: d.url, Region: d.Region, Keys: d.rootKeys(), Log: d.Log,
		})
		d.node.mu.Lock()
		d.node.host, d.node.why = h, err
		d.node.mu.Unlock()
		if first {
			close(d.node.looked)
		}
		if err == nil {
			return d.runHost(ctx, h)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryEngine):
		}
	}
}

func (d *Daemon) rootKeys() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(d.AccessKeyID, d.SecretAccessKey, "")
}

func (d *Daemon) runHost(ctx context.Context, h *host) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range h.parts() {
		wg.Go(func() {
			err := p.Run(ctx)
			if err != nil && ctx.Err() == nil {
				h.setOff(p.Name, err)
				d.Log.Error("a part of the node ended", "op", p.Name, "err", err)
			}
		})
	}
	a := &agents{d: d, h: h, running: map[state.ClusterKey]context.CancelFunc{}, wg: &wg}
	home := state.NewClusterKey(state.Scope{Account: d.Account, Region: d.Region}, state.FargateCluster)
	a.start(ctx, home, node.KindFargate)
	return d.follow(ctx, func(changes []store.Change, _ uint64) {
		if changes == nil {
			for c := range d.store.View().Clusters().All() {
				a.look(ctx, c)
			}
			return
		}
		for _, c := range changes {
			cluster, ok := c.New.(*state.Cluster)
			if ok {
				a.look(ctx, cluster)
			}
		}
	})
}

// joinTimeout is how long CreateCluster waits for the built-in instance: it takes some ten milliseconds.
const joinTimeout = time.Second

// joined waits until the built-in instance of a cluster is connected, if there is to be one.
func (d *Daemon) joined(ctx context.Context, cluster state.ClusterKey) {
	d.node.mu.Lock()
	h := d.node.host
	d.node.mu.Unlock()
	if d.NoNode || h == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	view := d.store.View()
	watch := view.Watch()
	for {
		for i := range view.Instances().OfCluster(cluster) {
			if i.Managed && i.Connected {
				return
			}
		}
		_, _, err := watch.Next(ctx)
		if err != nil {
			return
		}
		view = d.store.View()
	}
}

// agents are the agents of this machine, one a cluster.
type agents struct {
	d       *Daemon
	h       *host
	running map[state.ClusterKey]context.CancelFunc
	wg      *sync.WaitGroup
}

// look starts the agent of a cluster that became ACTIVE and ends that of one that is not any more.
func (a *agents) look(ctx context.Context, c *state.Cluster) {
	stop := a.running[c.Key]
	switch {
	case c.Status == state.StatusActive && stop == nil:
		a.start(ctx, c.Key, node.KindEC2)
	case c.Status != state.StatusActive && stop != nil:
		stop()
		delete(a.running, c.Key)
	}
}

func (a *agents) start(ctx context.Context, cluster state.ClusterKey, kind string) {
	ctx, cancel := context.WithCancel(ctx)
	a.running[cluster] = cancel
	a.wg.Go(func() {
		defer cancel()
		for {
			err := a.run(ctx, cluster, kind)
			if ctx.Err() != nil {
				return
			}
			a.d.Log.Warn("agent ended, starting it again", "cluster", cluster.Name(), "err", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryEngine):
			}
		}
	})
}

func (a *agents) run(ctx context.Context, cluster state.ClusterKey, kind string) error {
	sum := sha256.Sum256([]byte(cluster))
	dir, err := openDir(filepath.Join(a.d.DataDir, "node", hex.EncodeToString(sum[:8])))
	if err != nil {
		return err
	}
	defer dir.Close()
	region := cluster.Scope().Region
	return a.h.serve(ctx, node.Config{
		Server: a.d.url, Region: region, Cluster: cluster.Name(), Kind: kind, Managed: true,
		Credentials: a.d.rootKeys(), Resources: resources(a.h), Tasks: a.h.tasks(region),
		DockerVersion: a.h.info.ServerVersion, DataDir: dir, Now: time.Now, NewID: newUUID, Rand: rand.Float64,
		Log: a.d.Log,
	})
}

func openDir(path string) (*os.Root, error) {
	err := os.MkdirAll(path, 0o700)
	if err != nil {
		return nil, fmt.Errorf("open node directory: %w", err)
	}
	return os.OpenRoot(path)
}

// resources of this machine as ECS counts them: 1024 units a processor, whole MiB of memory.
func resources(h *host) node.Resources {
	cpus := h.info.NCPU
	if cpus == 0 {
		cpus = runtime.NumCPU()
	}
	return node.Resources{CPU: cpus * 1024, MemoryMiB: int(h.info.MemoryBytes >> 20)}
}

// off names what does not work on this machine, with the reason.
func (d *Daemon) off() []string {
	d.node.mu.Lock()
	h, why := d.node.host, d.node.why
	d.node.mu.Unlock()
	if d.NoNode {
		return nil
	}
	if why != nil {
		return []string{"containers: " + why.Error()}
	}
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for what, reason := range h.off {
		out = append(out, what+": "+reason)
	}
	sort.Strings(out)
	return out
}

// AgentConfig of `longshore agent`.
type AgentConfig struct {
	// Server is the URL of a Longshore control plane.
	Server string
	// Cluster to join, by name.
	Cluster string
	// LaunchType is EC2 or EXTERNAL (default).
	LaunchType string
	// DataDir keeps the instance's identity and keys.
	DataDir    string
	Attributes map[string]string
	Config     Config // DockerHost and Log count

	// AccessKeyID and SecretAccessKey sign the first registration; afterwards the agent has keys of its own.
	AccessKeyID, SecretAccessKey, Region string
}

// RunAgent joins a cluster of a control plane elsewhere and serves it until ctx ends.
func RunAgent(ctx context.Context, c AgentConfig) error {
	if c.Server == "" {
		return errors.New("--server is required: the URL of the control plane, for example https://longshore.example:4566")
	}
	id, err := ensureNode(c.DataDir)
	if err != nil {
		return err
	}
	kind := node.KindExternal
	if c.LaunchType == state.LaunchEC2 {
		kind = node.KindEC2
	}
	keys := credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")
	h, err := openHost(ctx, hostConfig{
		Installation: id, DataDir: c.DataDir, DockerHost: c.Config.DockerHost, Server: c.Server, Region: c.Region,
		Keys: keys, Log: c.Config.Log,
	})
	if err != nil {
		return fmt.Errorf("%w; start Docker Engine, or see longshore doctor", err)
	}
	dir, err := openDir(filepath.Join(c.DataDir, "agent"))
	if err != nil {
		return err
	}
	defer dir.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, p := range h.parts() {
		wg.Go(func() { _ = p.Run(ctx) }) // what fails is written down in host.off
	}
	return h.serve(ctx, node.Config{
		Server: c.Server, Region: c.Region, Cluster: c.Cluster, Kind: kind, Credentials: keys,
		Attributes: c.Attributes, Resources: resources(h), Tasks: h.tasks(c.Region),
		DockerVersion: h.info.ServerVersion, DataDir: dir, Now: time.Now, NewID: newUUID, Rand: rand.Float64,
		Log: c.Config.Log,
	})
}
