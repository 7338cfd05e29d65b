package store

import (
	"iter"

	"longshore/internal/gen/records"
	"longshore/internal/state"
)

// Indexes of tasks. Live ones (not STOPPED) and stopped ones are filed apart, because the loops ask for the
// first all the time and the past is long.
const (
	taskService   = "service"
	taskInstance  = "instance"
	taskFamily    = "family"
	taskStartedBy = "startedby" // of a service's task: the name of its deployment
	past          = "-"         // behind the name of an index: its stopped tasks

	taskUnplaced = "unplaced"
	taskAddress  = "address"
	taskEnded    = "ended"

	waiting = "waiting" // the one group of taskUnplaced
)

var tasksSchema = schema[state.Task]{
	name:   "tasks",
	key:    func(t *state.Task) string { return string(t.Key) },
	setKey: func(t *state.Task, k string) { t.Key = state.TaskKey(k) },
	append: records.AppendTask,
	read:   records.ReadTask,
	indexes: []index[state.Task]{
		{taskService, func(t *state.Task) string { return ifLive(t, string(t.Service)) }, nil},
		{taskService + past, func(t *state.Task) string { return ifPast(t, string(t.Service)) }, nil},
		{taskInstance, func(t *state.Task) string { return ifLive(t, string(t.Instance)) }, nil},
		{taskInstance + past, func(t *state.Task) string { return ifPast(t, string(t.Instance)) }, nil},
		{taskFamily, func(t *state.Task) string { return ifLive(t, string(t.TaskDefinition.Family())) }, nil},
		{taskFamily + past, func(t *state.Task) string { return ifPast(t, string(t.TaskDefinition.Family())) }, nil},
		{taskStartedBy, func(t *state.Task) string { return ifLive(t, t.StartedBy) }, nil},
		{taskStartedBy + past, func(t *state.Task) string { return ifPast(t, t.StartedBy) }, nil},
		{taskUnplaced, func(t *state.Task) string {
			if t.Instance != "" || t.Desired != state.Running || !t.Live() {
				return ""
			}
			return waiting
		}, nil},
		{taskAddress, addressOf, func(old, now *state.Task) bool {
			return !hasAddress(old) && !hasAddress(now) || hasAddress(old) && hasAddress(now) &&
				old.Interface.Address == now.Interface.Address && old.Interface.Subnet == now.Interface.Subnet
		}},
		{taskEnded, func(t *state.Task) string {
			if t.SeenStopped {
				return ""
			}
			return ifPast(t, string(t.Service))
		}, nil},
	},
}

func ifLive(t *state.Task, name string) string {
	if t.Live() {
		return name
	}
	return ""
}

func ifPast(t *state.Task, name string) string {
	if t.Live() {
		return ""
	}
	return name
}

func hasAddress(t *state.Task) bool { return t.Interface != nil && t.Released.IsZero() && t.Live() }

func addressOf(t *state.Task) string {
	if !hasAddress(t) {
		return ""
	}
	return AddressKey(t.Key.Cluster().Scope(), t.Interface.Subnet, t.Interface.Address.String())
}

// AddressKey files the address of a subnet that a live task holds.
func AddressKey(s state.Scope, subnet, address string) string {
	return s.String() + "/" + subnet + "/" + address
}

// Tasks reads tasks.
type Tasks struct {
	Rows[state.TaskKey, state.Task]
}

// EditTasks reads and writes tasks.
type EditTasks struct{ Tasks }

// Tasks of the view.
func (v View) Tasks() Tasks { return Tasks{Rows[state.TaskKey, state.Task]{slot: &v.t.tasks}} }

// Tasks of the transaction.
func (tx *Tx) Tasks() EditTasks {
	return EditTasks{Tasks{Rows[state.TaskKey, state.Task]{slot: &tx.t.tasks, tx: tx, bit: bitTasks}}}
}

// Put inserts or replaces a task.
func (e EditTasks) Put(t *state.Task) { put(e.Rows, t) }

// Delete forgets a task.
func (e EditTasks) Delete(k state.TaskKey) { remove(e.Rows, k) }

// OfCluster yields every task of a cluster, stopped ones too.
func (t Tasks) OfCluster(k state.ClusterKey) iter.Seq[*state.Task] { return t.Prefix(string(k) + "/") }

// OfService yields the live tasks of a service.
func (t Tasks) OfService(k state.ServiceKey) iter.Seq[*state.Task] {
	return t.by(taskService, string(k), "")
}

// StoppedOfService yields the remembered stopped tasks of a service.
func (t Tasks) StoppedOfService(k state.ServiceKey) iter.Seq[*state.Task] {
	return t.by(taskService+past, string(k), "")
}

// EndedOfService yields the stopped tasks of a service whose end control/rollout has not seen yet.
func (t Tasks) EndedOfService(k state.ServiceKey) iter.Seq[*state.Task] {
	return t.by(taskEnded, string(k), "")
}

// OfDeployment yields the live tasks of a deployment.
func (t Tasks) OfDeployment(k state.DeploymentKey) iter.Seq[*state.Task] {
	return ofDeployment(t.StartedBy(k.Service().Cluster(), k.ID()), k)
}

// StoppedOfDeployment yields the remembered stopped tasks of a deployment.
func (t Tasks) StoppedOfDeployment(k state.DeploymentKey) iter.Seq[*state.Task] {
	return ofDeployment(t.StoppedStartedBy(k.Service().Cluster(), k.ID()), k)
}

func ofDeployment(tasks iter.Seq[*state.Task], k state.DeploymentKey) iter.Seq[*state.Task] {
	return func(yield func(*state.Task) bool) {
		for t := range tasks {
			if t.Deployment == k && !yield(t) {
				return
			}
		}
	}
}

// OfInstance yields the live tasks that were placed on an instance.
func (t Tasks) OfInstance(k state.InstanceKey) iter.Seq[*state.Task] {
	return t.by(taskInstance, string(k), "")
}

// OfFamily yields the live tasks of a family in a cluster.
func (t Tasks) OfFamily(c state.ClusterKey, family string) iter.Seq[*state.Task] {
	return t.by(taskFamily, string(state.NewFamilyKey(c.Scope(), family)), string(c)+"/")
}

// StartedBy yields the live tasks of a cluster with that startedBy.
func (t Tasks) StartedBy(c state.ClusterKey, by string) iter.Seq[*state.Task] {
	return t.by(taskStartedBy, by, string(c)+"/")
}

// StoppedStartedBy yields the remembered stopped tasks of a cluster with that startedBy.
func (t Tasks) StoppedStartedBy(c state.ClusterKey, by string) iter.Seq[*state.Task] {
	return t.by(taskStartedBy+past, by, string(c)+"/")
}

// Unplaced yields the tasks that wait for an instance, of one cluster or, with an empty key, of all.
func (t Tasks) Unplaced(k state.ClusterKey) iter.Seq[*state.Task] {
	if k == "" {
		return t.by(taskUnplaced, waiting, "")
	}
	return t.by(taskUnplaced, waiting, string(k)+"/")
}

// AddressTaken says whether a live task holds the address.
func (t Tasks) AddressTaken(s state.Scope, subnet, address string) bool {
	return t.has(taskAddress, AddressKey(s, subnet, address))
}

// UsesRevision says whether a live task runs the task definition. It looks through the family's tasks.
func (t Tasks) UsesRevision(k state.TaskDefinitionKey) bool {
	for task := range t.by(taskFamily, string(k.Family()), "") {
		if task.TaskDefinition == k {
			return true
		}
	}
	return false
}
