package dispatch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"longshore/internal/acs"
	"longshore/internal/state"
)

// Lifetimes of what is handed out. Keys are renewed long before they end, so that an agent that loses every
// server for hours still has good ones.
const (
	taskCredentials     = 6 * time.Hour
	instanceCredentials = 24 * time.Hour
	renewEvery          = time.Hour
)

// task is the payload of a task with the keys of its roles.
func (d *Dispatch) task(t *state.Task) (acs.Task, error) {
	td, ok := d.Store.View().TaskDefinitions().Get(t.TaskDefinition)
	if !ok {
		return acs.Task{}, fmt.Errorf("render payload: task definition %s is gone", t.TaskDefinition)
	}
	p := renderTask(t, td)
	var err error
	p.RoleCredentials, err = d.role(t, t.TaskRoleARN, acs.RoleTaskApplication)
	if err != nil {
		return acs.Task{}, err
	}
	p.ExecutionRoleCredentials, err = d.role(t, t.ExecutionRoleARN, acs.RoleTaskExecution)
	return p, err
}

// role mints the keys of one of a task's roles; a task without the role has none. The session name of a
// task's role is the task's id.
func (d *Dispatch) role(t *state.Task, arn, kind string) (*acs.RoleCredentials, error) {
	if arn == "" {
		return nil, nil
	}
	account := t.Key.Cluster().Scope().Account
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	principal := "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + t.Key.ID()
	c, err := d.Minter.Mint(account, principal, "AROA"+strings.ToUpper(name)+":"+t.Key.ID(), "", taskCredentials)
	if err != nil {
		return nil, fmt.Errorf("mint credentials of task: %w", err)
	}
	return &acs.RoleCredentials{
		CredentialsID: d.credentialsID(t.Key, kind), RoleARN: arn, AccessKeyID: c.AccessKeyID,
		SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
		Expiration: c.Expires.UTC().Format(time.RFC3339),
	}, nil
}

// instanceCredentials hands our own agent keys that are bound to its instance, so that it needs the joining
// secret only once.
func (s *session) instanceCredentials(ctx context.Context) error {
	s.renewAt = s.d.Now().Add(renewEvery)
	if !s.ours {
		return nil
	}
	account := s.key.Cluster().Scope().Account
	principal := "arn:aws:sts::" + account + ":assumed-role/longshore-instance/" + s.key.ID()
	c, err := s.d.Minter.Mint(account, principal, "AROALONGSHOREINSTANCE:"+s.key.ID(), s.key.ARN(), instanceCredentials)
	if err != nil {
		return fmt.Errorf("mint credentials of instance: %w", err)
	}
	return s.peer.Send(ctx, &acs.LongshoreInstanceCredentialsMessage{
		MessageID: s.d.NewID(), AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey,
		SessionToken: c.SessionToken, Expiration: c.Expires.UTC().Format(time.RFC3339),
	})
}

// renew pushes fresh keys of every live task of the instance.
func (s *session) renew(ctx context.Context) error {
	err := s.instanceCredentials(ctx)
	if err != nil {
		return err
	}
	for t := range s.d.Store.View().Tasks().OfInstance(s.key) {
		for _, r := range []struct{ arn, kind string }{
			{t.TaskRoleARN, acs.RoleTaskApplication}, {t.ExecutionRoleARN, acs.RoleTaskExecution},
		} {
			c, err := s.d.role(t, r.arn, r.kind)
			if err != nil {
				return err
			}
			if c == nil {
				continue
			}
			err = s.peer.Send(ctx, &acs.IAMRoleCredentialsMessage{
				MessageID: s.d.NewID(), TaskARN: t.Key.ARN(), TaskClusterARN: t.Key.Cluster().ARN(),
				RoleType: r.kind, RoleCredentials: c,
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
