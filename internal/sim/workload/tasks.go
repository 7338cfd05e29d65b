package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// run is one logical RunTask: however often it is sent, it has one effect.
type run struct {
	by    string
	count int
	in    object
	arns  []string // once acknowledged
	done  bool     // acknowledged, with tasks or without
}

// task that an answer told of.
type task struct {
	arn     string
	asked   bool // StopTask was sent
	stopped bool // and acknowledged
	reason  string
	ended   bool // seen STOPPED
}

// maxTasks that a client keeps running by itself.
const maxTasks = 6

func (c *client) wanted() int {
	n := 0
	for _, t := range c.tasks {
		if !t.asked && !t.ended {
			n++
		}
	}
	return n
}

func (c *client) runTasks(ctx context.Context) error {
	definition, _ := c.definitionOf(c.rand.IntN(2) == 0)
	if definition == "" || c.wanted() >= maxTasks {
		return c.stopTask(ctx)
	}
	count := 1 + c.rand.IntN(3)
	by := fmt.Sprintf("once-%d-%s", count, c.fresh("run"))
	r := &run{by: by, count: count, in: object{"cluster": c.load.Cluster, "taskDefinition": definition, "count": count,
		"startedBy": by, "clientToken": by, "launchType": "EC2"}}
	if c.rand.IntN(4) == 0 {
		r.in["placementStrategy"] = []object{{"type": "binpack", "field": "memory"}}
	}
	c.runs = append(c.runs, r)
	return c.send(ctx, r)
}

// send a RunTask, once more if need be.
func (c *client) send(ctx context.Context, r *run) error {
	out := struct {
		Tasks    []taskRead
		Failures []failure
	}{}
	_, err := c.ask(ctx, "RunTask", r.in, &out)
	if refused := refusal(err); refused != nil {
		c.refused("RunTask", r.in, err, "ClientException") // its definition may have been deregistered
		r.done = true
		return err
	}
	if err != nil {
		return err
	}
	r.done = true
	var arns []string
	for _, t := range out.Tasks {
		arns = append(arns, t.Arn)
		c.learn(t.Arn)
		c.load.sawTask(c, 0, 0, t)
	}
	for _, f := range out.Failures {
		if f.Reason == "MISSING" {
			arns = append(arns, f.Arn)
		}
	}
	slices.Sort(arns)
	if r.arns != nil && !slices.Equal(r.arns, arns) {
		c.violate("D5", "run-task %s answered %v, then %v", r.by, r.arns, arns)
	}
	if len(arns) > r.count {
		c.violate("D5", "run-task %s asked for %d tasks and got %d", r.by, r.count, len(arns))
	}
	if len(arns) > 0 {
		r.arns = arns
	}
	return nil
}

type failure struct{ Arn, Reason string }

// taskRead is a task as it is read.
type taskRead struct {
	Arn           string    `json:"taskArn"`
	LastStatus    string    `json:"lastStatus"`
	DesiredStatus string    `json:"desiredStatus"`
	StartedBy     string    `json:"startedBy"`
	StopCode      string    `json:"stopCode"`
	StoppedReason string    `json:"stoppedReason"`
	Instance      string    `json:"containerInstanceArn"`
	Version       int64     `json:"version"`
	Containers    []subTask `json:"containers"`
}

type subTask struct {
	Name, LastStatus, Reason string
	ExitCode                 *int
}

func (c *client) learn(arn string) {
	if !slices.ContainsFunc(c.tasks, func(t *task) bool { return t.arn == arn }) {
		c.tasks = append(c.tasks, &task{arn: arn})
	}
}

func (c *client) stopTask(ctx context.Context) error {
	var left []*task
	for _, t := range c.tasks {
		if !t.stopped {
			left = append(left, t)
		}
	}
	t := some(c.rand, left)
	if t == nil {
		return nil
	}
	t.asked = true
	if t.reason == "" {
		t.reason = c.fresh("stop")
	}
	out := struct{ Task taskRead }{}
	in := object{"cluster": c.load.Cluster, "task": t.arn, "reason": t.reason}
	_, err := c.ask(ctx, "StopTask", in, &out)
	c.refused("StopTask", in, err)
	if err != nil {
		return err
	}
	t.stopped = true
	if out.Task.DesiredStatus != "STOPPED" {
		c.violate("D1", "stop-task of %s answers desired status %s", t.arn, out.Task.DesiredStatus)
	}
	c.load.sawTask(c, 0, 0, out.Task)
	return nil
}

func (c *client) startTask(ctx context.Context) error {
	definition, _ := c.definitionOf(false)
	if definition == "" || c.wanted() >= maxTasks {
		return nil
	}
	instance := c.anInstance(ctx)
	if instance == "" {
		return nil
	}
	out := struct{ Tasks []taskRead }{}
	in := object{"cluster": c.load.Cluster, "taskDefinition": definition, "containerInstances": []string{instance},
		"startedBy": c.fresh("start")}
	_, err := c.ask(ctx, "StartTask", in, &out)
	c.refused("StartTask", in, err, "ClientException")
	for _, t := range out.Tasks {
		c.learn(t.Arn)
	}
	return err
}

// readTasks reads anybody's: what one has seen is the least that the next one sees.
func (c *client) readTasks(ctx context.Context) error {
	of := some(c.rand, c.load.clients)
	var arns []string
	for _, t := range of.tasks[max(0, len(of.tasks)-20):] {
		arns = append(arns, t.arn)
	}
	if len(arns) == 0 {
		return nil
	}
	return c.describe(ctx, of, arns)
}

func (c *client) describe(ctx context.Context, of *client, arns []string) error {
	before := c.load.floor(arns)
	acknowledged := map[string]bool{}
	for _, t := range of.tasks {
		acknowledged[t.arn] = t.stopped
	}
	out := struct {
		Tasks    []taskRead
		Failures []failure
	}{}
	in := object{"cluster": c.load.Cluster, "tasks": arns}
	_, err := c.ask(ctx, "DescribeTasks", in, &out)
	c.refused("DescribeTasks", in, err)
	if err != nil {
		return err
	}
	for _, f := range out.Failures {
		c.violate("D1", "acknowledged task %s is gone: %s", f.Arn, f.Reason)
	}
	for _, t := range out.Tasks {
		c.load.sawTask(c, before[t.Arn].version, before[t.Arn].rank, t)
		if acknowledged[t.Arn] && t.DesiredStatus != "STOPPED" {
			c.violate("D1", "the stop of %s was acknowledged and is forgotten", t.Arn)
		}
		if t.LastStatus == "STOPPED" {
			of.saw(c, t)
		}
	}
	return nil
}

// saw takes note of a task's end and expects its reason to be one that somebody gave.
func (c *client) saw(reader *client, r taskRead) {
	i := slices.IndexFunc(c.tasks, func(t *task) bool { return t.arn == r.Arn })
	if i < 0 {
		return
	}
	t := c.tasks[i]
	t.ended = true
	if r.StopCode == "UserInitiated" && (!t.asked || r.StoppedReason != t.reason) {
		reader.violate("O8", "task %s: the user who stopped it because of %q said %q", r.Arn, r.StoppedReason, t.reason)
	}
	if r.StopCode == "" || r.StoppedReason == "" {
		reader.violate("O8", "task %s is STOPPED without a reason: %q %q", r.Arn, r.StopCode, r.StoppedReason)
	}
	for _, sub := range r.Containers {
		if sub.LastStatus != "STOPPED" {
			reader.violate("O3", "task %s is STOPPED and its container %s %s", r.Arn, sub.Name, sub.LastStatus)
		}
	}
}

// level is what somebody has seen of a task.
type level struct {
	version int64
	rank    int
}

func (l *Load) floor(arns []string) map[string]level {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]level{}
	for _, arn := range arns {
		out[arn] = level{l.versions[arn], l.ranks[arn]}
	}
	return out
}

// sawTask expects no less of a task than was seen before the call.
func (l *Load) sawTask(c *client, version int64, rank int, t taskRead) {
	r := rankOf(t.LastStatus)
	if t.Version < version || r < rank {
		c.violate("D3", "task %s reads version %d %s, version %d was seen before", t.Arn, t.Version, t.LastStatus, version)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.versions[t.Arn] = max(l.versions[t.Arn], t.Version)
	l.ranks[t.Arn] = max(l.ranks[t.Arn], r)
}

func rankOf(status string) int {
	return slices.Index([]string{"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING",
		"DEPROVISIONING", "STOPPED"}, status)
}

func (c *client) listTasks(ctx context.Context) error {
	r := some(c.rand, c.runs)
	if r == nil || !r.done {
		return nil
	}
	return c.checkRun(ctx, r)
}

// checkRun expects a call's tasks to be what its answer said.
func (c *client) checkRun(ctx context.Context, r *run) error {
	var arns []string
	for _, status := range []string{"RUNNING", "STOPPED"} {
		out := struct{ TaskArns []string }{}
		in := object{"cluster": c.load.Cluster, "startedBy": r.by, "desiredStatus": status}
		_, err := c.ask(ctx, "ListTasks", in, &out)
		c.refused("ListTasks", in, err)
		if err != nil {
			return err
		}
		arns = append(arns, out.TaskArns...)
	}
	slices.Sort(arns)
	arns = slices.Compact(arns) // a task may stop between the two lists
	if len(arns) < len(r.arns) || len(arns) > r.count {
		c.violate("D5", "run-task %s answered %d of %d tasks, the lists have %d: %s", r.by, len(r.arns), r.count, len(arns),
			strings.Join(arns, " "))
	}
	return nil
}

func (c *client) protect(ctx context.Context) error {
	s := some(c.rand, c.services)
	if s == nil {
		return nil
	}
	out := struct{ TaskArns []string }{}
	in := object{"cluster": c.load.Cluster, "serviceName": s.name}
	_, err := c.ask(ctx, "ListTasks", in, &out)
	c.refused("ListTasks", in, err, "ServiceNotFoundException", "ClientException")
	if err != nil || len(out.TaskArns) == 0 {
		return err
	}
	in = object{"cluster": c.load.Cluster, "tasks": out.TaskArns[:1], "protectionEnabled": true, "expiresInMinutes": 1}
	_, err = c.ask(ctx, "UpdateTaskProtection", in, nil)
	c.refused("UpdateTaskProtection", in, err)
	if err != nil {
		return err
	}
	_, err = c.ask(ctx, "GetTaskProtection", object{"cluster": c.load.Cluster, "tasks": out.TaskArns[:1]}, nil)
	return err
}
