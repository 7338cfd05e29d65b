package dispatch

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/state"
	"longshore/internal/store"
)

// Paths of the two websockets below the endpoint; the agent appends "ws" and its query.
const (
	PathACS = "/_longshore/acs/"
	PathTCS = "/_longshore/tcs/"
)

// Credentials are temporary keys for a task or an instance.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time
}

// Minter makes temporary keys of a principal; instance binds them to one container instance.
type Minter interface {
	Mint(account, principal, userID, instance string, ttl time.Duration) (Credentials, error)
}

// Authenticator proves who opens a websocket.
type Authenticator interface {
	Authenticate(r *http.Request, body []byte) (front.Caller, error)
}

// Config of the dispatcher.
type Config struct {
	Store  *store.Store
	Minter Minter
	// Secret keys the unguessable credential ids of tasks; 32 bytes, the same over restarts, because
	// containers hold the ids in their environment.
	Secret []byte
	// Zones are the availability zones of a region; an instance that names none gets the first.
	Zones func(region string) []string
	Now   func() time.Time
	NewID func() string // 32 hex digits
	Log   *slog.Logger
	// Heartbeat is the interval of heartbeats; 0 = 30 s. An agent that answers none for three is cut off.
	Heartbeat time.Duration
	// Redeliver is how long a payload may stay unacknowledged; 0 = 5 s.
	Redeliver time.Duration
	// Server names this server where several share the records, empty where there is one: each speaks only of
	// the sessions that it has itself.
	Server string
}

// Dispatch hands work to agents.
type Dispatch struct {
	Config
	mu       sync.Mutex
	sessions map[state.InstanceKey]*session
}

// New makes a dispatcher; Run must be running for changes to reach the agents.
func New(c Config) *Dispatch {
	if c.Heartbeat == 0 {
		c.Heartbeat = 30 * time.Second
	}
	if c.Redeliver == 0 {
		c.Redeliver = 5 * time.Second
	}
	return &Dispatch{Config: c, sessions: map[state.InstanceKey]*session{}}
}

// Ops are the agent's calls of the ECS API.
func (d *Dispatch) Ops() []front.Op {
	return []front.Op{
		front.Bind("RegisterContainerInstance", d.RegisterContainerInstance),
		front.Bind("DiscoverPollEndpoint", d.DiscoverPollEndpoint),
		front.Bind("SubmitTaskStateChange", d.SubmitTaskStateChange),
		front.Bind("SubmitContainerStateChange", d.SubmitContainerStateChange),
		front.Bind("SubmitAttachmentStateChanges", d.SubmitAttachmentStateChanges),
	}
}

// Handlers are the websockets, by path.
func (d *Dispatch) Handlers(a Authenticator) map[string]http.Handler {
	return map[string]http.Handler{
		PathACS + "ws": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.serveACS(a, w, r) }),
		PathTCS + "ws": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.serveTCS(a, w, r) }),
	}
}

// Run wakes the sessions whose tasks changed, until ctx ends. Connections that an earlier run of the server
// had are gone, so it first says so of every instance that it had.
func (d *Dispatch) Run(ctx context.Context) error {
	view := d.Store.View()
	watch := view.Watch()
	err := d.disconnectAll(ctx)
	if err != nil && d.Server == "" {
		return err
	}
	// A session that was there before the watch may have missed a change between its scan and view.
	for t := range view.Tasks().All() {
		if t.Live() && t.Instance != "" {
			d.session(t.Instance).wake(t.Key)
		}
	}
	var mending sync.WaitGroup
	defer mending.Wait()
	if d.Server != "" {
		mending.Go(func() { d.tidy(ctx) })
	}
	for {
		changes, _, err := watch.Next(ctx)
		if err != nil {
			return err
		}
		for _, c := range changes {
			switch x := c.New.(type) {
			case *state.Task:
				if x.Instance != "" {
					d.session(x.Instance).wake(x.Key)
				}
			case *state.Instance:
				if d.Server != "" && d.session(x.Key) != nil {
					mending.Go(func() { d.mend(ctx, x.Key) })
				}
			}
		}
	}
}

func (d *Dispatch) session(k state.InstanceKey) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sessions[k]
}

// disconnectAll corrects instances that are still written down as connected here and have no session.
func (d *Dispatch) disconnectAll(ctx context.Context) error { return d.disconnect(ctx, d.forsaken) }

// forsaken says that a record is wrong about a session of this server.
func (d *Dispatch) forsaken(i *state.Instance) bool {
	return i.Connected && i.ConnectedTo == d.Server && d.session(i.Key) == nil
}

// disconnect writes instances down as disconnected.
func (d *Dispatch) disconnect(ctx context.Context, which func(*state.Instance) bool) error {
	return d.Store.Update(ctx, func(tx *store.Tx) error {
		for i := range tx.Instances().All() {
			if which(i) {
				c := *i
				c.Connected, c.DisconnectedAt = false, d.Now()
				c.Version++
				tx.Instances().Put(&c)
			}
		}
		return nil
	})
}

// credentialsID is the unguessable name under which a task's containers ask for a role's keys. It is derived,
// not stored, so that it is the same after every restart.
func (d *Dispatch) credentialsID(task state.TaskKey, role string) string {
	m := hmac.New(sha256.New, d.Secret)
	m.Write([]byte(string(task) + "\x00" + role))
	h := hex.EncodeToString(m.Sum(nil)[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
