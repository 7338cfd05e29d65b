package taskrun

import (
	"net/netip"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// phase is how far a container has come, by the engine's word.
type phase int

const (
	phaseUnknown phase = iota // exists, was not looked at yet
	phaseWaiting              // does not exist
	phaseCreated
	phaseRunning
	phaseStopped // has ended, or will never begin
)

// op is what is being done to a container or task right now.
type op string

const (
	opNone     op = ""
	opSetup    op = "setup"
	opPull     op = "pull"
	opCreate   op = "create"
	opStart    op = "start"
	opRestart  op = "restart"
	opStop     op = "stop"
	opKill     op = "kill"
	opRemove   op = "remove" // so that a start without an answer cannot come late
	opInspect  op = "inspect"
	opTeardown op = "teardown"
	// The remaining ones change only what is believed.
	opCondemn op = "condemn" // the task must stop
	opAbandon op = "abandon" // the container will never begin
	opFinish  op = "finish"  // the task has stopped
	opTell    op = "tell"    // what the container is busy with takes long
)

// view is everything known of a task; Plan reads nothing else.
type view struct {
	Task       *acs.Task
	Desired    string
	Containers []*containerView

	Setup     bool // namespaces, volumes, limits are in place
	Condemned bool // it stops, whatever else happens
	TornDown  bool
	Final     bool
	Reason    string
	Busy      op        // setup or teardown
	RetryAt   time.Time // of setup or teardown
	Attempts  int

	PauseID string // network namespace holder (awsvpc)
	ShareID string // PID and IPC namespace holder
	Cgroup  string

	EverRunning        bool
	PullStartedAt      time.Time
	PullStoppedAt      time.Time
	ExecutionStoppedAt time.Time
	Warnings           []string
}

// containerView is everything known of a container.
type containerView struct {
	Spec       *acs.Container
	DockerName string
	Endpoint   string // id in its metadata URL

	Phase     phase
	Busy      op
	BusySince time.Time
	Slow      bool      // what it is busy with takes so long that it is told
	Recheck   bool      // look again: something may have happened
	Looking   bool      // an inspection is under way, maybe beside a stop
	LookAt    time.Time // not before; after a failed inspection
	RetryAt   time.Time
	Attempts  int  // of the current step
	NeedPull  bool // the image must be asked for before it is created
	Pulled    bool
	Undead    bool // runs although it had stopped
	Unsure    bool // a start was asked for and nobody knows what became of it: it may still come up
	Paused    bool
	StopTry   int
	PortTries int // how often its host ports were taken by another process

	ID          string
	Image       docker.Image
	Ports       []docker.Port // as asked of the engine, host ports chosen
	Bindings    []Binding
	Labels      map[string]string
	Mounts      []docker.MountedVolume
	Addresses   []netip.Addr
	CreatedAt   time.Time
	StartedAt   time.Time
	FinishedAt  time.Time
	ExitCode    *int
	Reason      string
	Health      string
	HealthSince time.Time
	Restarts    int
	NoRestart   bool // ended on purpose
}

// began says that the container has run at least once.
func (c *containerView) began() bool { return !c.StartedAt.IsZero() }

func (v *view) container(name string) *containerView {
	for _, c := range v.Containers {
		if c.Spec.Name == name {
			return c
		}
	}
	return nil
}

// defaultRestartPeriod is restartPolicy.restartAttemptPeriod when absent.
const defaultRestartPeriod = 300 * time.Second

// willRestart applies restartPolicy: only a container that ran for the attempt period is started again, and not after
// an ignored exit code.
func (c *containerView) willRestart() bool {
	p := c.Spec.RestartPolicy
	if p == nil || !p.Enabled || c.NoRestart || c.Phase != phaseStopped || !c.began() || c.ExitCode == nil {
		return false
	}
	for _, code := range p.IgnoredExitCodes {
		if code == *c.ExitCode {
			return false
		}
	}
	period := defaultRestartPeriod
	if p.RestartAttemptPeriod > 0 {
		period = time.Duration(p.RestartAttemptPeriod) * time.Second
	}
	return c.FinishedAt.Sub(c.StartedAt) >= period
}
