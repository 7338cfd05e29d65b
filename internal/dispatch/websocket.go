package dispatch

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"longshore/internal/acs"
	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/state"
	"longshore/internal/store"
)

// writeTimeout bounds one frame to an agent that does not read.
const writeTimeout = 30 * time.Second

// socket is a peer over a websocket.
type socket struct{ conn *websocket.Conn }

var _ peer = socket{}

func (s socket) Send(ctx context.Context, m acs.Message) error {
	b, err := acs.Encode(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, b)
}

func (s socket) Receive(ctx context.Context) (acs.Message, error) {
	_, b, err := s.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	return acs.Decode(b, acs.Limits{})
}

// open authenticates an upgrade and finds the instance it is for. It answers the refusal itself.
func (d *Dispatch) open(a Authenticator, w http.ResponseWriter, r *http.Request, name string) (
	*state.Instance, front.Caller, bool) {
	caller, err := a.Authenticate(r, nil)
	if err != nil {
		refuse(w, http.StatusForbidden, "AccessDeniedException", err)
		return nil, caller, false
	}
	arn := r.URL.Query().Get(name)
	key, ok := resourceKey(arn, "container-instance")
	if !ok || (caller.Instance != "" && caller.Instance != arn) {
		refuse(w, http.StatusBadRequest, "InvalidInstanceException", nil)
		return nil, caller, false
	}
	i, ok := d.Store.View().Instances().Get(state.InstanceKey(key))
	if !ok || i.Status == state.StatusInactive || i.Key.Cluster().Scope().Account != caller.Account {
		refuse(w, http.StatusBadRequest, acs.InactiveInstance, nil)
		return nil, caller, false
	}
	return i, caller, true
}

// refuse answers an upgrade the way agents understand: the error's name is the body's only key.
func refuse(w http.ResponseWriter, status int, kind string, err error) {
	text := "The container instance is not registered."
	if f, ok := fault.As(err); ok {
		text = f.Message
	}
	b, encodeErr := json.Marshal(map[string]string{kind: text})
	if encodeErr != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may be gone; there is nobody left to tell
}

func (d *Dispatch) serveACS(a Authenticator, w http.ResponseWriter, r *http.Request) {
	i, caller, ok := d.open(a, w, r, "containerInstanceArn")
	if !ok {
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(int64(acs.Limits{}.MaxBytes()))
	q := r.URL.Query()
	err = d.serve(r.Context(), socket{conn}, i.Key, greeting{
		agentVersion: q.Get("agentVersion"), agentHash: q.Get("agentHash"), dockerVersion: q.Get("dockerVersion"),
		ours: q.Get("longshore") != "",
	})
	d.Log.Info("agent disconnected", "node", i.Key.ID(), "op", caller.UserAgent, "err", err)
	_ = conn.Close(websocket.StatusGoingAway, "") // best effort: the connection is over either way
}

// greeting is what an agent says of itself when it connects.
type greeting struct {
	agentVersion, agentHash, dockerVersion string
	ours                                   bool
}

// serve runs one session from the moment it is written down as connected to the moment it is not.
func (d *Dispatch) serve(ctx context.Context, p peer, key state.InstanceKey, g greeting) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &session{
		d: d, key: key, peer: p, ours: g.ours, cancel: cancel, hints: newHints(),
		log:  d.Log.With("node", key.ID()),
		sent: map[state.TaskKey]delivery{}, unacked: map[string]*flight{},
	}
	d.adopt(s)
	defer d.leave(s)
	epoch, err := d.connected(ctx, key, g)
	if err != nil {
		return err
	}
	s.sequence = epoch << 24
	s.written.Store(true)
	return s.run(ctx)
}

// adopt makes s the instance's session. An older one is ended: two agents with one identity are either a
// reconnect whose first end is not noticed yet, or a copy of the instance, which is worth a line.
func (d *Dispatch) adopt(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.sessions[s.key]
	if old != nil {
		old.log.Warn("a second session of the same instance replaces this one")
		old.cancel(errReplaced)
	}
	d.sessions[s.key] = s
}

// leave forgets s and writes the instance down as disconnected, unless a newer session has taken over.
func (d *Dispatch) leave(s *session) {
	d.mu.Lock()
	current := d.sessions[s.key] == s
	if current {
		delete(d.sessions, s.key)
	}
	d.mu.Unlock()
	if !current {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	err := d.change(ctx, s.key, func(i *state.Instance) bool {
		if i.ConnectedTo != d.Server {
			return false // the agent has a session with another server
		}
		i.Connected, i.DisconnectedAt = false, d.Now()
		return true
	})
	if err != nil {
		s.log.Warn("cannot write down that the agent disconnected", "err", err)
	}
}

// connected writes the agent down and answers the number of this connection, which heads its sequence.
func (d *Dispatch) connected(ctx context.Context, key state.InstanceKey, g greeting) (int64, error) {
	var epoch int64
	err := d.change(ctx, key, func(i *state.Instance) bool {
		i.SequenceNumber++
		epoch = i.SequenceNumber
		i.Connected, i.ConnectedTo, i.ConnectedAt, i.DisconnectedAt = true, d.Server, d.Now(), time.Time{}
		i.AgentVersion, i.AgentHash, i.DockerVersion = g.agentVersion, g.agentHash, g.dockerVersion
		return true
	})
	return epoch, err
}

// change edits an instance; an edit that answers false leaves it as it was.
func (d *Dispatch) change(ctx context.Context, key state.InstanceKey, edit func(*state.Instance) bool) error {
	return d.Store.Update(ctx, func(tx *store.Tx) error {
		old, ok := tx.Instances().Get(key)
		if !ok {
			return nil
		}
		i := *old
		if !edit(&i) {
			return nil
		}
		i.Version++
		tx.Instances().Put(&i)
		return nil
	})
}
