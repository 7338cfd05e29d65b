package dispatch

import (
	"context"
	"strings"
	"time"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/front"
	"longshore/internal/aws/wire"
	"longshore/internal/gen/ecswire"
	"longshore/internal/state"
	"longshore/internal/store"
)

var acknowledgment = "ACCEPT"

// SubmitTaskStateChange takes an agent's report of one of its tasks. A report of a task that is forgotten
// already is accepted: agents repeat what is not accepted for a day.
func (d *Dispatch) SubmitTaskStateChange(ctx context.Context, c front.Caller,
	in *ecswire.SubmitTaskStateChangeRequest) (*ecswire.SubmitTaskStateChangeResponse, error) {
	r := report{
		Status: status(in.Status), Reason: deref(in.Reason),
		PullStartedAt: moment(in.PullStartedAt), PullStoppedAt: moment(in.PullStoppedAt),
		ExecutionStoppedAt: moment(in.ExecutionStoppedAt),
	}
	for i := range in.Containers {
		r.Containers = append(r.Containers, containerChange(&in.Containers[i]))
	}
	for _, a := range in.Attachments {
		if deref(a.Status) == "ATTACHED" {
			r.Attached = append(r.Attached, deref(a.AttachmentArn))
		}
	}
	err := d.report(ctx, c, deref(in.Task), r)
	if err != nil {
		return nil, err
	}
	return &ecswire.SubmitTaskStateChangeResponse{Acknowledgment: &acknowledgment}, nil
}

// SubmitContainerStateChange takes an agent's report of one container; today's agents do not use it.
func (d *Dispatch) SubmitContainerStateChange(ctx context.Context, c front.Caller,
	in *ecswire.SubmitContainerStateChangeRequest) (*ecswire.SubmitContainerStateChangeResponse, error) {
	r := report{Containers: []containerReport{containerChange(&ecswire.ContainerStateChange{
		ContainerName: in.ContainerName, RuntimeId: in.RuntimeId, Status: in.Status, ExitCode: in.ExitCode,
		Reason: in.Reason, NetworkBindings: in.NetworkBindings,
	})}}
	err := d.report(ctx, c, deref(in.Task), r)
	if err != nil {
		return nil, err
	}
	return &ecswire.SubmitContainerStateChangeResponse{Acknowledgment: &acknowledgment}, nil
}

// SubmitAttachmentStateChanges takes an agent's report of the instance's own attachments, of which there are
// none: task interfaces are confirmed by SubmitTaskStateChange.
func (d *Dispatch) SubmitAttachmentStateChanges(context.Context, front.Caller,
	*ecswire.SubmitAttachmentStateChangesRequest) (*ecswire.SubmitAttachmentStateChangesResponse, error) {
	return &ecswire.SubmitAttachmentStateChangesResponse{Acknowledgment: &acknowledgment}, nil
}

func (d *Dispatch) report(ctx context.Context, c front.Caller, task string, r report) error {
	key, ok := taskKey(task)
	if !ok {
		return fault.New("InvalidParameterException", "Invalid task identifier: "+cut(task))
	}
	return d.Store.Update(ctx, func(tx *store.Tx) error {
		old, ok := tx.Tasks().Get(key)
		if !ok {
			return nil
		}
		// An agent speaks for its own instance only (facts: a node can report only its own tasks).
		if c.Instance != "" && old.Instance.ARN() != c.Instance {
			return fault.New("AccessDeniedException", "The task does not run on the caller's container instance.")
		}
		t := old.Clone()
		if observe(t, r, d.Now()) {
			tx.Tasks().Put(t)
		}
		return nil
	})
}

// taskKey reads a long task ARN.
func taskKey(arn string) (state.TaskKey, bool) {
	k, ok := resourceKey(arn, "task")
	return state.TaskKey(k), ok
}

// resourceKey turns arn:aws:ecs:REGION:ACCOUNT:KIND/CLUSTER/ID into account/region/cluster/id.
func resourceKey(arn, kind string) (string, bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[2] != "ecs" {
		return "", false
	}
	q := strings.Split(p[5], "/")
	if len(q) != 3 || q[0] != kind || q[1] == "" || q[2] == "" {
		return "", false
	}
	return p[4] + "/" + p[3] + "/" + q[1] + "/" + q[2], true
}

func containerChange(c *ecswire.ContainerStateChange) containerReport {
	r := containerReport{
		Name: deref(c.ContainerName), RuntimeID: deref(c.RuntimeId), ImageDigest: deref(c.ImageDigest),
		Reason: deref(c.Reason), Status: status(c.Status),
	}
	if c.ExitCode != nil {
		code := int(*c.ExitCode)
		r.ExitCode = &code
	}
	for _, b := range c.NetworkBindings {
		r.Bindings = append(r.Bindings, state.NetworkBinding{
			BindIP: deref(b.BindIP), ContainerPort: number(b.ContainerPort), HostPort: number(b.HostPort),
			Protocol: deref(b.Protocol), ContainerPortRange: deref(b.ContainerPortRange),
			HostPortRange: deref(b.HostPortRange),
		})
	}
	return r
}

// status takes the three that agents report; anything else says nothing.
func status(s *string) state.Status {
	switch state.Status(deref(s)) {
	case state.Pending:
		return state.Pending
	case state.Running:
		return state.Running
	case state.Stopped:
		return state.Stopped
	}
	return ""
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

func moment(t *wire.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
