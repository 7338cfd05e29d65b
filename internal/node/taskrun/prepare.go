package taskrun

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longshore/internal/acs"
	"longshore/internal/node/docker"
)

// prepared is what setup made.
type prepared struct {
	pause    string
	share    string
	cgroup   string
	warnings []string
}

// prepare makes what the containers of a task share. Every step is idempotent: after a restart it runs again.
func (r *runner) prepare(ctx context.Context, task *acs.Task) (prepared, error) {
	var p prepared
	for _, v := range task.Volumes {
		err := r.m.prepareVolume(ctx, task, v)
		if err != nil {
			return p, err
		}
	}
	if task.Longshore != nil && task.Longshore.EphemeralStorageGiB > 0 {
		p.warnings = append(p.warnings, "the size of ephemeral storage is not enforced")
	}
	cgroup, warning := r.m.makeCgroup(ctx, task)
	p.cgroup = cgroup
	if warning != "" {
		p.warnings = append(p.warnings, warning)
	}
	err := r.attach(ctx, task, &p)
	if err != nil {
		return p, err
	}
	if task.PIDMode == "task" || task.IPCMode == "task" {
		holder, err := r.m.cfg.Engine.CreatePause(ctx, docker.PauseSpec{
			Name: containerName(task, "namespaces"), ShareIPC: true, CgroupParent: p.cgroup, Labels: r.m.pauseLabels(task),
		})
		if err != nil {
			return p, err
		}
		p.share = holder.ID
	}
	return p, r.register(task)
}

func (m *Machine) pauseLabels(task *acs.Task) map[string]string {
	l := m.taskLabels(task)
	l[docker.LabelRole] = rolePause
	l[docker.LabelContainer] = "~internal~ecs~pause"
	return l
}

func (r *runner) attach(ctx context.Context, task *acs.Task, p *prepared) error {
	if networkMode(task) != "awsvpc" {
		return nil
	}
	if r.m.cfg.Networks == nil {
		return errors.New("this node has no awsvpc networking")
	}
	if len(task.ENIs) == 0 {
		return errors.New("the task has no network interface")
	}
	opts := NetworkOptions{TaskARN: task.ARN}
	if x := task.Longshore; x != nil {
		opts.SecurityGroups, opts.SubnetCIDR, opts.AssignPublicIP = x.SecurityGroups, x.SubnetCIDR, x.AssignPublicIP
	}
	id, err := r.m.cfg.Networks.Attach(ctx, taskID(task.ARN), task.ENIs[0], opts)
	if err != nil {
		return fmt.Errorf("attach network interface: %w", err)
	}
	p.pause = id
	return nil
}

func (r *runner) register(task *acs.Task) error {
	if r.m.cfg.Metadata == nil {
		return nil
	}
	endpoints := map[string]string{}
	r.mu.Lock()
	for _, c := range r.v.Containers {
		endpoints[c.Spec.Name] = c.Endpoint
	}
	r.mu.Unlock()
	err := r.m.cfg.Metadata.Register(task, endpoints)
	if err != nil {
		return fmt.Errorf("register task metadata: %w", err)
	}
	return nil
}

// teardown gives everything back that must be free before the task may be called STOPPED: address, ports,
// credentials. It is repeated until it works, because STOPPED is a promise.
func (r *runner) teardown(ctx context.Context) {
	task := r.task()
	var err error
	// Of a task that is known by its labels alone nobody knows the network mode.
	if r.m.cfg.Networks != nil && (networkMode(task) == "awsvpc" || len(task.Containers) == 0) {
		err = r.m.cfg.Networks.Detach(ctx, taskID(task.ARN))
	}
	r.mu.Lock()
	share := r.v.ShareID
	r.mu.Unlock()
	if share != "" {
		err = errors.Join(err, r.m.cfg.Engine.RemovePause(ctx, share))
	}
	if ctx.Err() != nil {
		return
	}
	r.disclaim(ctx)
	if r.m.cfg.Metadata != nil {
		r.m.cfg.Metadata.Forget(task.ARN)
	}
	r.post(func(v *view, now time.Time) {
		v.Busy = opNone
		if err != nil {
			v.Attempts++
			v.RetryAt = now.Add(backoff(v.Attempts))
			r.m.cfg.Log.Warn("cannot tear task down, will try again", "task", r.arn, "op", "teardown", "err", err)
			return
		}
		for _, c := range v.Containers {
			r.m.cfg.Ports.release(c.Ports)
			c.Ports = nil
		}
		v.TornDown = true
	})
}

// retire waits until the server knows the end of the task, then removes what is left of it.
func (r *runner) retire(ctx context.Context) {
	for !r.isAccepted() {
		select {
		case <-r.kick:
		case <-ctx.Done():
			return
		}
	}
	if r.forget {
		return
	}
	retain := r.m.cfg.Retain
	if x := r.task().Longshore; x != nil && x.RetainStoppedSeconds > 0 {
		retain = time.Duration(x.RetainStoppedSeconds) * time.Second
	}
	shipped := make(chan struct{})
	r.m.wg.Go(func() { r.following.Wait(); close(shipped) })
	timer := time.NewTimer(retain)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	// The engine's log is the only copy until it has been shipped; wait for that, within reason.
	timer.Reset(retain + time.Minute)
	select {
	case <-shipped:
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	r.clean(ctx)
}

func (r *runner) isAccepted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted
}

// clean removes containers, volumes of the task and its cgroup, and tries until the engine has obeyed.
func (r *runner) clean(ctx context.Context) {
	task := r.task()
	ids := []string{}
	for _, c := range r.v.Containers {
		if c.ID != "" {
			ids = append(ids, c.ID)
		}
	}
	for attempt := 1; ; attempt++ {
		var err error
		for _, id := range ids {
			err = errors.Join(err, r.m.cfg.Engine.Remove(ctx, id))
		}
		if err == nil {
			err = r.m.removeVolumes(ctx, task)
		}
		if err == nil {
			r.m.removeCgroup(task)
			return
		}
		r.m.cfg.Log.Warn("cannot remove a stopped task, will try again", "task", r.arn, "op", "clean", "err", err)
		select {
		case <-time.After(backoff(attempt + 3)):
		case <-ctx.Done():
			return
		}
	}
}
