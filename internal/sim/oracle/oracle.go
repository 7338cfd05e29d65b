package oracle

import (
	"fmt"
	"time"

	"longshore/internal/state"
	"longshore/internal/store"
)

// Config of an oracle.
type Config struct {
	// Now is the clock of the world that is judged; required.
	Now func() time.Time
	// Violate is told of every broken invariant, by its number; required.
	Violate func(invariant, text string)
	// HeardSince tells since when, without a break, the agent of a node ran, its engine answered truly and the
	// server was in reach; the zero time while that is not so. nil = always.
	HeardSince func(node string) time.Time
	// ServedSince tells since when the control plane has run without a break; the zero time while it does not.
	// nil = always.
	ServedSince func() time.Time
	// Node names the node of an instance, as Engine is told; "" when it is not known. nil = never known.
	Node func(state.InstanceKey) string
	// Doomed says that containers of an image cannot keep running, so that no service of it becomes steady.
	// nil = none are.
	Doomed func(image string) bool
	// LostAfter is how long an instance must have been away before its tasks may be given up; 0 = 2 minutes: the
	// five of control/presence less what a clock may jump.
	LostAfter time.Duration
	// HealthyAfter is how long a task without health checks must run to count as healthy; 0 = 2 s.
	HealthyAfter time.Duration
	// OrphanGrace is how long a live container may lack a task while its node hears the server; 0 = 30 s. What a
	// container may take to stop comes on top.
	OrphanGrace time.Duration
	// StopTimeout is what a container may take to stop; 0 = 45 s: the agent's 30 s and the kill behind it.
	StopTimeout time.Duration
	// WaitLimit is how long a task may wait without a reason; 0 = 60 s.
	WaitLimit time.Duration
}

// Oracle is the judge of one world.
type Oracle struct {
	Config
	counts Counts

	// The records, by the commits that were heard of.
	rev         uint64
	heardAt     time.Time                 // the last commit
	shadow      map[string]map[string]any // table → key → record
	used        map[string]bool           // table and key of everything that was ever made
	tasks       map[state.TaskKey]*state.Task
	byService   map[state.ServiceKey]map[state.TaskKey]bool
	byInstance  map[state.InstanceKey]map[state.TaskKey]bool
	services    map[state.ServiceKey]*state.Service
	deployments map[state.DeploymentKey]*state.Deployment
	instances   map[state.InstanceKey]*state.Instance
	definitions map[state.TaskDefinitionKey]*state.TaskDefinition
	lastEvent   map[string]string // service and generation → key of the newest event
	effects     map[string]int    // startedBy → tasks made
	moments     map[state.TaskKey]*moments
	away        map[state.InstanceKey]time.Time // since when an instance is not connected
	back        map[state.InstanceKey]time.Time // since when it is
	streaks     map[state.DeploymentKey]*streak
	undrain     map[string]time.Time // ARN of an instance → when somebody last asked for it to be ACTIVE

	// The processes, by the engines' word.
	containers map[string]map[string]*seen // node → id
	live       map[role]map[string]bool    // ids that run
	byTask     map[string][]*seen          // task ARN → in the order of creation
	orphans    map[string]time.Time        // node and id → since when
}

// Counts is how much was judged.
type Counts struct {
	Commits, Changes, Containers, Started, Stopped, Restarts int
}

// New oracle, of a world in which nothing has happened yet.
func New(c Config) *Oracle {
	if c.HealthyAfter == 0 {
		c.HealthyAfter = 2 * time.Second
	}
	if c.OrphanGrace == 0 {
		c.OrphanGrace = 30 * time.Second
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = 45 * time.Second
	}
	if c.LostAfter == 0 {
		c.LostAfter = 2 * time.Minute
	}
	if c.WaitLimit == 0 {
		c.WaitLimit = time.Minute
	}
	o := &Oracle{Config: c, used: map[string]bool{}, lastEvent: map[string]string{}, effects: map[string]int{},
		containers: map[string]map[string]*seen{}, live: map[role]map[string]bool{},
		byTask: map[string][]*seen{}, orphans: map[string]time.Time{}, moments: map[state.TaskKey]*moments{},
		away: map[state.InstanceKey]time.Time{}, back: map[state.InstanceKey]time.Time{},
		streaks: map[state.DeploymentKey]*streak{}, undrain: map[string]time.Time{}}
	o.forget()
	return o
}

// forget the records, to read them anew.
func (o *Oracle) forget() {
	o.shadow = map[string]map[string]any{}
	o.tasks = map[state.TaskKey]*state.Task{}
	o.byService = map[state.ServiceKey]map[state.TaskKey]bool{}
	o.byInstance = map[state.InstanceKey]map[state.TaskKey]bool{}
	o.services = map[state.ServiceKey]*state.Service{}
	o.deployments = map[state.DeploymentKey]*state.Deployment{}
	o.instances = map[state.InstanceKey]*state.Instance{}
	o.definitions = map[state.TaskDefinitionKey]*state.TaskDefinition{}
}

// Counts of what was judged so far.
func (o *Oracle) Counts() Counts { return o.counts }

func (o *Oracle) violate(invariant, format string, args ...any) {
	o.Violate(invariant, fmt.Sprintf(format, args...))
}

// Commit judges one published commit, in the order in which the store's watcher gives them. The revision is the one
// that came with the changes.
func (o *Oracle) Commit(revision uint64, changes []store.Change) {
	o.counts.Commits++
	o.heardAt = o.Now()
	if revision <= o.rev {
		o.violate("D4", "revision %d follows revision %d", revision, o.rev)
	}
	o.rev = max(o.rev, revision)
	for _, c := range changes {
		o.change(c)
	}
}

// change judges one record's change, then takes it into the books.
func (o *Oracle) change(c store.Change) {
	o.counts.Changes++
	o.unique(c)
	switch now := c.New.(type) {
	case *state.Task:
		old, _ := c.Old.(*state.Task)
		o.taskChanged(old, now)
	case *state.Family:
		old, _ := c.Old.(*state.Family)
		o.familyChanged(old, now)
	case *state.Event:
		o.eventTold(now)
	case *state.Deployment:
		old, _ := c.Old.(*state.Deployment)
		o.deploymentChanged(old, now)
	case *state.Instance:
		old, _ := c.Old.(*state.Instance)
		o.drained(old, now)
	}
	o.book(c.Table, c.Key, c.New)
}

// moments of a task, by the oracle's own clock: those in the records are the server's, which may jump.
type moments struct {
	born, running, stopping time.Time
	room                    time.Time // since when there is room that it waits for
	complained              bool
	explained               time.Time // when it last said why it waits
}

// note the moments of a task as they come.
func (o *Oracle) note(t *state.Task) *moments {
	m := o.moments[t.Key]
	if m == nil {
		m = &moments{born: o.Now()}
		o.moments[t.Key] = m
	}
	if m.running.IsZero() && t.Last == state.Running {
		m.running = o.Now()
	}
	if m.stopping.IsZero() && t.Desired == state.Stopped {
		m.stopping = o.Now()
	}
	return m
}

func (o *Oracle) taskChanged(old, now *state.Task) {
	o.forward(old, now)
	o.effect(old, now)
	o.withinBounds(old, now)
	o.withinRoom(old, now)
	o.proved(old, now)
	if now.Last == state.Stopped && (old == nil || old.Last != state.Stopped) {
		o.counts.Stopped++
		o.trueEnd(now)
		o.failure(now)
	}
}
