package dispatch

import (
	"context"
	"errors"

	"longshore/internal/acs"
	"longshore/internal/state"
)

var (
	errSilent   = errors.New("agent stopped answering heartbeats")
	errReplaced = errors.New("a newer session of the instance took over")
)

// maxSilent is how many heartbeats may go unanswered; protocol version 2 lets the server drop such an agent.
const maxSilent = 3

func (s *session) beat(ctx context.Context) error {
	if s.silent >= maxSilent {
		return errSilent
	}
	s.silent++
	return s.peer.Send(ctx, &acs.HeartbeatMessage{MessageID: s.d.NewID(), Healthy: true})
}

func (s *session) handle(ctx context.Context, m acs.Message) error {
	switch m := m.(type) {
	case *acs.HeartbeatAckRequest:
		s.silent = 0
	case *acs.AckRequest:
		delete(s.unacked, m.MessageID)
	case *acs.NackRequest:
		s.log.Warn("agent refused a message", "err", m.Reason)
	case *acs.TaskStopVerificationMessage:
		return s.verifyStop(ctx, m)
	}
	return nil
}

// sendManifest lists what the agent should be running. Its timeline must exceed every number sent before.
func (s *session) sendManifest(ctx context.Context) error {
	s.sequence++
	m := &acs.TaskManifestMessage{
		MessageID: s.d.NewID(), ClusterARN: s.key.Cluster().ARN(), ContainerInstanceARN: s.key.ARN(),
		GeneratedAt: s.d.Now().UnixMilli(), Timeline: s.sequence, Tasks: []acs.TaskIdentifier{},
	}
	for t := range s.d.Store.View().Tasks().OfInstance(s.key) {
		m.Tasks = append(m.Tasks, acs.TaskIdentifier{
			TaskARN: t.Key.ARN(), TaskClusterARN: t.Key.Cluster().ARN(), DesiredStatus: string(t.Desired)})
	}
	s.manifest = m.MessageID
	return s.peer.Send(ctx, m)
}

// verifyStop confirms those candidates that really are not to run here: a task that was placed after the
// manifest was written is not one of them.
func (s *session) verifyStop(ctx context.Context, m *acs.TaskStopVerificationMessage) error {
	if m.MessageID != s.manifest {
		return nil
	}
	s.manifest = ""
	view := s.d.Store.View()
	ack := &acs.TaskStopVerificationAck{
		MessageID: m.MessageID, GeneratedAt: s.d.Now().UnixMilli(), StopTasks: []acs.TaskIdentifier{}}
	for _, c := range m.StopCandidates {
		key, ok := taskKey(c.TaskARN)
		if !ok {
			continue
		}
		t, ok := view.Tasks().Get(key)
		if ok && t.Instance == s.key && t.Desired == state.Running && t.Live() {
			continue
		}
		ack.StopTasks = append(ack.StopTasks, c)
	}
	return s.peer.Send(ctx, ack)
}
