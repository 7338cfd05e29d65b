package node

import (
	"context"
	"sync"
	"time"

	"longshore/internal/acs"
)

// handler does what the frames of one work session say.
type handler struct {
	a     *Agent
	ctx   context.Context // of the session
	side  *sync.WaitGroup // what runs beside it
	reply func(acs.Message) error

	manifest   string // the last one that asked for verification; usable once
	candidates map[string]bool
}

func (h *handler) handle(m acs.Message) error {
	switch m := m.(type) {
	case *acs.HeartbeatMessage:
		h.a.runtime.check(h.ctx, h.side, h.a)
		return h.reply(&acs.HeartbeatAckRequest{MessageID: m.MessageID})
	case *acs.PayloadMessage:
		return h.payload(m)
	case *acs.IAMRoleCredentialsMessage:
		return h.credentials(m)
	case *acs.TaskManifestMessage:
		return h.listed(m)
	case *acs.TaskStopVerificationAck:
		h.confirmed(m)
		return nil
	case *acs.LongshoreInstanceCredentialsMessage:
		return h.a.bindKeys(m)
	case *acs.AttachTaskNetworkInterfacesMessage:
		// The payload carries the interface too, and our interfaces exist once a task's namespace does.
		return h.ack(m.ClusterARN, m.ContainerInstanceARN, m.MessageID)
	case *acs.StageUpdateMessage:
		return h.noUpdates(m.ClusterARN, m.ContainerInstanceARN, m.MessageID)
	case *acs.PerformUpdateMessage:
		return h.noUpdates(m.ClusterARN, m.ContainerInstanceARN, m.MessageID)
	case *acs.Exception:
		h.a.cfg.Log.Warn("server reports an error", "op", "acs", "err", m)
	default:
		h.a.cfg.Log.Debug("frame is not served", "op", m.MessageType())
	}
	return nil
}

func (h *handler) ack(cluster, instance, id string) error {
	return h.reply(&acs.AckRequest{Cluster: cluster, ContainerInstance: instance, MessageID: id})
}

func (h *handler) noUpdates(cluster, instance, id string) error {
	return h.reply(&acs.NackRequest{
		Cluster: cluster, ContainerInstance: instance, MessageID: id, Reason: "Updates are disabled",
	})
}

// payload applies stops before starts, then acks. A payload without its identifiers is ignored, as by the official
// agent.
func (h *handler) payload(m *acs.PayloadMessage) error {
	if m.MessageID == "" || m.ClusterARN == "" || m.ContainerInstanceARN == "" {
		h.a.cfg.Log.Warn("payload without identifiers", "op", "payload")
		return nil
	}
	h.a.passed(m.SeqNum)
	machine := h.a.tasks()
	for _, stop := range []bool{true, false} {
		for _, t := range m.Tasks {
			if t.ARN == "" || (t.DesiredStatus == acs.StatusStopped) != stop {
				continue
			}
			machine.Apply(t)
		}
	}
	err := h.ack(m.ClusterARN, m.ContainerInstanceARN, m.MessageID)
	for _, t := range m.Tasks {
		for _, c := range []*acs.RoleCredentials{t.RoleCredentials, t.ExecutionRoleCredentials} {
			if c != nil && c.CredentialsID != "" && err == nil {
				err = h.reply(credentialsAck(m.MessageID, c))
			}
		}
	}
	return err
}

func credentialsAck(id string, c *acs.RoleCredentials) *acs.IAMRoleCredentialsAckRequest {
	return &acs.IAMRoleCredentialsAckRequest{CredentialsID: c.CredentialsID, Expiration: c.Expiration, MessageID: id}
}

func (h *handler) credentials(m *acs.IAMRoleCredentialsMessage) error {
	if m.RoleCredentials == nil || !h.a.tasks().Credentials(m.TaskARN, m.RoleType, m.RoleCredentials) {
		return nil // of a task that is not here: no ack, as by the official agent
	}
	return h.reply(credentialsAck(m.MessageID, m.RoleCredentials))
}

// listed compares a manifest with what runs here. One that is older than anything seen is discarded without an ack.
func (h *handler) listed(m *acs.TaskManifestMessage) error {
	if !h.a.passed(m.Timeline) {
		return nil
	}
	candidates := h.a.tasks().Manifest(m.Tasks)
	err := h.ack(m.ClusterARN, m.ContainerInstanceARN, m.MessageID)
	if err != nil || len(candidates) == 0 {
		return err
	}
	h.manifest, h.candidates = m.MessageID, map[string]bool{}
	for _, c := range candidates {
		h.candidates[c.TaskARN] = true
	}
	return h.reply(&acs.TaskStopVerificationMessage{MessageID: m.MessageID, StopCandidates: candidates})
}

func (h *handler) confirmed(m *acs.TaskStopVerificationAck) {
	if m.MessageID == "" || m.MessageID != h.manifest {
		return
	}
	h.manifest = ""
	for _, t := range m.StopTasks {
		if h.candidates[t.TaskARN] {
			h.a.tasks().Apply(acs.Task{ARN: t.TaskARN, DesiredStatus: acs.StatusStopped})
		}
	}
}

// passed raises the highest number seen; false means that n is not above it.
func (a *Agent) passed(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n <= a.sequence {
		return false
	}
	a.sequence = n
	return true
}

// bindKeys takes the keys that the server made for this instance alone, and keeps them.
func (a *Agent) bindKeys(m *acs.LongshoreInstanceCredentialsMessage) error {
	k := boundKeys{AccessKeyID: m.AccessKeyID, SecretAccessKey: m.SecretAccessKey, SessionToken: m.SessionToken}
	if m.Expiration != "" {
		t, err := time.Parse(time.RFC3339, m.Expiration)
		if err != nil {
			a.cfg.Log.Warn("instance credentials have an unreadable expiration", "op", "credentials", "err", err)
			return nil
		}
		k.Expires = t
	}
	a.keys.bind(k)
	a.mu.Lock()
	a.id.Keys = k
	id := a.id
	a.mu.Unlock()
	err := id.save(a.cfg.DataDir)
	if err != nil {
		a.cfg.Log.Error("cannot keep instance credentials", "op", "credentials", "err", err)
	}
	return nil
}
