package taskrun

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// Networks gives an awsvpc task its network namespace, held by a pause container.
type Networks interface {
	// Attach returns the container whose namespace the task's containers join. It is idempotent.
	Attach(ctx context.Context, taskID string, eni acs.ENI, opts NetworkOptions) (pauseContainerID string, err error)
	// Detach returns once the address is free again. Detaching what is not attached is no error.
	Detach(ctx context.Context, taskID string) error
}

// NetworkOptions is what an interface needs beyond the ENI.
type NetworkOptions struct {
	TaskARN        string
	SecurityGroups []string
	SubnetCIDR     string
	AssignPublicIP bool
}

// Metadata serves 169.254.170.2 to the containers of tasks.
type Metadata interface {
	// Register makes a task known before its first container starts. Endpoints maps container names to the
	// unguessable ids in the URLs those containers were given.
	Register(task *acs.Task, endpoints map[string]string) error
	// Update replaces what is known of a registered task.
	Update(s Snapshot)
	// SetCredentials renews the keys of one of a registered task's roles.
	SetCredentials(taskARN, roleType string, c *acs.RoleCredentials) bool
	// Forget ends the life of every id of the task.
	Forget(taskARN string)
}

// Logs ships the output of containers.
type Logs interface {
	// Prepare makes sure that output has a place to go to, before the container starts.
	Prepare(ctx context.Context, src LogSource) error
	// Follow returns when everything the container wrote has been shipped, or with ctx.
	Follow(ctx context.Context, src LogSource) error
}

// LogSource is one container's output.
type LogSource struct {
	ContainerID string
	TaskARN     string
	Name        string
	Driver      string // awslogs
	Options     map[string]string
}

// Clients tells apart whose metadata a container on Docker's bridge asks for, where several installations share the
// address. A start waits for it only there.
type Clients interface {
	SharesMetadata() bool
	AddClient(ctx context.Context, address netip.Addr) error
	RemoveClient(ctx context.Context, address netip.Addr) error
}

// Registries knows how to log in to an image's registry.
type Registries interface {
	Login(ctx context.Context, task *acs.Task, c *acs.Container) (docker.Auth, error)
}

// Secrets fetches what the environment must not carry in clear text through the control plane.
type Secrets interface {
	// Environment returns the secrets and environment files of a container as variables.
	Environment(ctx context.Context, task *acs.Task, c *acs.Container) (map[string]string, error)
}

// Image pull behaviours, as ECS_IMAGE_PULL_BEHAVIOR names them.
const (
	PullDefault      = "default"       // always ask the registry, use the local image when that fails
	PullAlways       = "always"        // always ask the registry
	PullOnce         = "once"          // ask once per image and run
	PullPreferCached = "prefer-cached" // ask only for images that are not here
)

// Config says what a Machine works with.
type Config struct {
	// Engine runs the containers; required.
	Engine *docker.Engine
	// Installation is the unique id of this installation and Instance that of the container instance within it;
	// together they mark what is ours. Required.
	Installation string
	Instance     string
	// Cluster is the cluster's name, for the labels that containers carry.
	Cluster string
	// Region is handed to containers as AWS_REGION unless they have one.
	Region string
	// Networks serves awsvpc tasks; nil refuses them with a reason.
	Networks Networks
	// Clients claims the metadata requests of containers on Docker's bridge; nil when nobody else could get them.
	Clients Clients
	// Metadata serves task metadata and credentials; nil gives containers none.
	Metadata Metadata
	// MetadataURL is where containers reach it; default http://169.254.170.2.
	MetadataURL string
	// Logs ships awslogs output; nil leaves it with the engine.
	Logs Logs
	// Registries logs in to private registries; nil pulls anonymously.
	Registries Registries
	// Secrets resolves secrets; nil refuses containers that have some.
	Secrets Secrets
	// Ports hands out host ports; shared by every Machine of a host. Required.
	Ports *Ports
	// Slots bounds parallel engine work; shared by every Machine of a host. Required.
	Slots *Slots
	// PullBehavior is one of the Pull constants; default prefer-cached.
	PullBehavior string
	// StopTimeout is between stop signal and kill for containers without their own; default 30 s.
	StopTimeout time.Duration
	// Retain is how long a stopped container stays after the server accepted its end; default 10 s.
	Retain time.Duration
	// Resync is how often the engine's list is compared with what is believed; default 10 s.
	Resync time.Duration
	// Cgroups is the cgroup file system, for task-level limits; nil applies them per container instead.
	Cgroups *os.Root
	// Report is told of every change, in order per task; it must not block. Required.
	Report func(Snapshot)
	// Now is the clock; required.
	Now func() time.Time
	// NewID returns a fresh unguessable id of [a-z0-9-]; required.
	NewID func() string
	// Log receives what no report can say; required.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.PullBehavior == "" {
		c.PullBehavior = PullPreferCached
	}
	if c.StopTimeout <= 0 {
		c.StopTimeout = 30 * time.Second
	}
	if c.Retain <= 0 {
		c.Retain = 10 * time.Second
	}
	if c.Resync <= 0 {
		c.Resync = 10 * time.Second
	}
	if c.MetadataURL == "" {
		c.MetadataURL = "http://169.254.170.2"
	}
	return c
}

// Slots bounds how many containers are created and started, and how many images pulled, at once.
type Slots struct {
	starts chan struct{}
	pulls  chan struct{}
}

// NewSlots makes Slots; values below 1 mean the defaults of 4 starts and 3 pulls.
func NewSlots(starts, pulls int) *Slots {
	if starts < 1 {
		starts = 4
	}
	if pulls < 1 {
		pulls = 3
	}
	return &Slots{starts: make(chan struct{}, starts), pulls: make(chan struct{}, pulls)}
}

func acquire(ctx context.Context, slots chan struct{}) (func(), error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Machine runs the tasks of one container instance.
type Machine struct {
	cfg Config

	listed chan struct{} // closed after the first successful listing of what an earlier process left

	mu       sync.Mutex      // taken before a runner's, never after
	ctx      context.Context // of Run; runners live as long as it
	wg       sync.WaitGroup
	runners  map[string]*runner
	over     graves                      // tasks that were told to stop, or have: nothing revives them
	parked   []*runner                   // applied before Run
	seeds    map[string][]docker.Summary // by task ARN, until a runner takes them
	manifest map[string]string           // task ARN → desired status; nil until the server sent one
	fresh    bool                        // a manifest came since the last listing
	pulled   map[string]bool             // images asked for since the process started (PullOnce)
	images   map[string]knownImage       // by reference
	info     *docker.Info
	lowFiles bool // the engine may not raise the limit of open files
}

// New makes a Machine; it does nothing before Run.
func New(cfg Config) *Machine {
	return &Machine{
		cfg:     cfg.withDefaults(),
		listed:  make(chan struct{}),
		runners: map[string]*runner{},
		over:    graves{names: map[string]bool{}},
		seeds:   map[string][]docker.Summary{},
		pulled:  map[string]bool{},
		images:  map[string]knownImage{},
	}
}

// Apply brings a task of a payload to its desired status. Repeating it is harmless: status only moves forward.
// A run order that a stop order has overtaken, or that comes twice, starts nothing: no task ever runs again.
func (m *Machine) Apply(task acs.Task) {
	m.mu.Lock()
	r := m.runners[task.ARN]
	switch {
	case task.DesiredStatus == acs.StatusStopped:
		m.over.dig(task.ARN)
	case r == nil && m.over.has(task.ARN):
		task = acs.Task{ARN: task.ARN, DesiredStatus: acs.StatusStopped}
	}
	if r != nil {
		m.mu.Unlock()
		r.update(task)
		return
	}
	defer m.mu.Unlock()
	r = newRunner(m, task)
	m.runners[task.ARN] = r
	if m.ctx == nil {
		m.parked = append(m.parked, r)
		return
	}
	m.launch(r)
}

// launch starts a runner; m.mu is held.
func (m *Machine) launch(r *runner) {
	ctx := m.ctx
	m.wg.Go(func() {
		r.run(ctx)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.runners[r.arn] == r {
			delete(m.runners, r.arn)
			m.over.dig(r.arn)
		}
	})
}

// Accepted says that the server knows the task is STOPPED, so that its containers may go.
func (m *Machine) Accepted(taskARN string) {
	r := m.runner(taskARN)
	if r != nil {
		r.accept()
	}
}

// Credentials replaces a task's role credentials; false means that the task is unknown.
func (m *Machine) Credentials(taskARN, roleType string, c *acs.RoleCredentials) bool {
	r := m.runner(taskARN)
	if r == nil {
		return false
	}
	r.credentials(roleType, c)
	return true
}

// Snapshots returns the state of every task.
func (m *Machine) Snapshots() []Snapshot {
	runners := m.running()
	out := make([]Snapshot, 0, len(runners))
	for _, r := range runners {
		out = append(out, r.snapshot())
	}
	return out
}

// Disown ends every task: the server has given up this instance, so nobody is left to accept the reports.
func (m *Machine) Disown() {
	m.mu.Lock()
	m.manifest = map[string]string{}
	m.mu.Unlock()
	for arn, r := range m.running() {
		r.update(acs.Task{ARN: arn, DesiredStatus: acs.StatusStopped})
		r.accept()
	}
}

func (m *Machine) runner(taskARN string) *runner {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runners[taskARN]
}

func (m *Machine) labels() map[string]string {
	return map[string]string{
		docker.LabelInstallation: m.cfg.Installation,
		docker.LabelInstance:     m.cfg.Instance,
	}
}
