package metadata

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"longshore/internal/acs"
)

// Ids shorter than this hold fewer than 128 bits even in hexadecimal.
const shortestID = 32

var (
	errShortID   = errors.New("id is shorter than 32 characters")
	errSharedID  = errors.New("id belongs to another task already")
	errNoTaskARN = errors.New("task has no ARN")
)

// digest is the key of secrets in a map: looking one up takes no time that depends on the secret.
type digest [sha256.Size]byte

type endpoint struct {
	id        string
	task      *task
	container string
}

// task is what is known of a registered task. All fields are guarded by Server.mu.
type task struct {
	spec      *acs.Task
	state     State
	role      *acs.RoleCredentials // of the task role; nil without one
	endpoints map[string]string    // container name → endpoint id
	own       []netip.Addr         // addresses that are the task's alone
	settled   bool                 // own is complete
	limit     bucket
}

// State is what happens to a task while it lives.
type State struct {
	TaskARN            string
	DesiredStatus      string
	KnownStatus        string
	PullStartedAt      time.Time
	PullStoppedAt      time.Time
	ExecutionStoppedAt time.Time
	Containers         []ContainerState
}

// ContainerState is what happens to a container while it lives.
type ContainerState struct {
	Name          string
	DockerID      string
	DockerName    string
	ImageID       string
	DesiredStatus string
	KnownStatus   string
	ExitCode      *int
	Labels        map[string]string
	Ports         []Port
	Volumes       []Volume
	Health        *Health
	RestartCount  *int
	CreatedAt     time.Time
	StartedAt     time.Time
	FinishedAt    time.Time
	// Addresses are the container's own, outside awsvpc: on Docker's bridge. Empty in host mode.
	Addresses []netip.Addr
}

// Register makes a task known before its first container starts; endpoints maps container names to the ids in
// their URLs. Registering again replaces what was there, except the state.
func (s *Server) Register(t *acs.Task, endpoints map[string]string) error {
	if t.ARN == "" {
		return fmt.Errorf("register task: %w", errNoTaskARN)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.admissible(t, endpoints)
	if err != nil {
		return fmt.Errorf("register task %s: %w", t.ARN, err)
	}
	spec := *t // the caller's may change
	n := &task{spec: &spec, endpoints: maps.Clone(endpoints), state: State{TaskARN: t.ARN}}
	if t.RoleCredentials != nil {
		role := *t.RoleCredentials
		n.role = &role
	}
	old := s.tasks[t.ARN]
	if old != nil {
		n.state, n.limit = old.state, old.limit
		s.drop(old)
	}
	s.tasks[t.ARN] = n
	for name, id := range endpoints {
		s.endpoints[sha256.Sum256([]byte(id))] = endpoint{id: id, task: n, container: name}
	}
	if n.role != nil && n.role.CredentialsID != "" {
		s.roles[sha256.Sum256([]byte(n.role.CredentialsID))] = n
	}
	s.claim(n)
	return nil
}

func (s *Server) admissible(t *acs.Task, endpoints map[string]string) error {
	for _, id := range endpoints {
		if len(id) < shortestID {
			return errShortID
		}
		e, taken := s.endpoints[sha256.Sum256([]byte(id))]
		if taken && e.task.spec.ARN != t.ARN {
			return errSharedID
		}
	}
	if t.RoleCredentials == nil || t.RoleCredentials.CredentialsID == "" {
		return nil
	}
	if len(t.RoleCredentials.CredentialsID) < shortestID {
		return errShortID
	}
	holder := s.roles[sha256.Sum256([]byte(t.RoleCredentials.CredentialsID))]
	if holder != nil && holder.spec.ARN != t.ARN {
		return errSharedID
	}
	return nil
}

// Update replaces what is known of a registered task's life; unknown tasks are ignored.
func (s *Server) Update(state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[state.TaskARN]
	if t == nil {
		return
	}
	s.release(t)
	t.state = state
	s.claim(t)
}

// SetCredentials replaces a role's keys. Those of the execution role are accepted and dropped: containers must
// not see them. It returns false for an unknown task.
func (s *Server) SetCredentials(taskARN, roleType string, c *acs.RoleCredentials) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[taskARN]
	if t == nil {
		return false
	}
	if roleType != acs.RoleTaskApplication || c == nil {
		return true
	}
	if t.role != nil {
		delete(s.roles, sha256.Sum256([]byte(t.role.CredentialsID)))
	}
	role := *c
	t.role = &role
	if len(c.CredentialsID) >= shortestID {
		s.roles[sha256.Sum256([]byte(c.CredentialsID))] = t
	}
	return true
}

// Forget ends the life of every id of the task.
func (s *Server) Forget(taskARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[taskARN]
	if t != nil {
		s.drop(t)
	}
}

// drop removes a task from every index; s.mu is held.
func (s *Server) drop(t *task) {
	delete(s.tasks, t.spec.ARN)
	for _, id := range t.endpoints {
		delete(s.endpoints, sha256.Sum256([]byte(id)))
	}
	if t.role != nil {
		delete(s.roles, sha256.Sum256([]byte(t.role.CredentialsID)))
	}
	s.release(t)
}

// claim indexes the addresses that are the task's alone; s.mu is held. In host mode there are none.
// Containers on the bridge get theirs when they start: until the last one has, the id alone decides, so that
// nobody's first request is refused.
func (s *Server) claim(t *task) {
	t.own, t.settled = nil, true
	for _, eni := range t.spec.ENIs {
		for _, a := range eni.IPv4Addresses {
			addr, err := netip.ParseAddr(a.PrivateAddress)
			if err == nil {
				t.own = append(t.own, addr)
			}
		}
	}
	if len(t.own) == 0 {
		known := 0
		for _, c := range t.state.Containers {
			t.own = append(t.own, c.Addresses...)
			if len(c.Addresses) > 0 || c.KnownStatus == acs.StatusStopped {
				known++
			}
		}
		t.settled = known > 0 && known == len(t.spec.Containers)
	}
	for _, a := range t.own {
		s.addresses[a] = t
	}
}

// release forgets them, unless another task has the address by now.
func (s *Server) release(t *task) {
	for _, a := range t.own {
		if s.addresses[a] == t {
			delete(s.addresses, a)
		}
	}
}

// mayAsk: a task with addresses of its own is asked for from these only.
func (t *task) mayAsk(from netip.Addr) bool {
	return len(t.own) == 0 || !t.settled || slices.Contains(t.own, from)
}

// view is what an answer is made of. What its pointers lead to is never changed, only replaced.
type view struct {
	spec      *acs.Task
	state     State
	role      *acs.RoleCredentials
	container string // whose endpoint was asked; empty by address or credentials
}

func (t *task) view(container string) *view {
	return &view{spec: t.spec, state: t.state, role: t.role, container: container}
}

// byEndpoint returns nil when the id is unknown to whoever asks.
func (s *Server) byEndpoint(id string, from netip.Addr) *view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.endpoints[sha256.Sum256([]byte(id))]
	if !ok || subtle.ConstantTimeCompare([]byte(e.id), []byte(id)) != 1 || !e.task.mayAsk(from) {
		return nil
	}
	return e.task.view(e.container)
}

func (s *Server) byCredentials(id string, from netip.Addr) *view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.roles[sha256.Sum256([]byte(id))]
	if t == nil || subtle.ConstantTimeCompare([]byte(t.role.CredentialsID), []byte(id)) != 1 || !t.mayAsk(from) {
		return nil
	}
	return t.view("")
}

func (s *Server) byAddress(from netip.Addr) *view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.addresses[from]
	if t == nil {
		return nil
	}
	return t.view("")
}

// allow counts the request against its task, or against the strangers' allowance.
func (s *Server) allow(v *view) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := &s.strangers
	if v != nil && s.tasks[v.spec.ARN] != nil {
		limit = &s.tasks[v.spec.ARN].limit
	}
	return limit.take(s.cfg.Now(), s.cfg.Rate, s.cfg.Burst)
}
