package store

import (
	"iter"

	"longshore/internal/state"
)

// Indexes of tasks. Live ones (not STOPPED) and stopped ones are filed apart, because the loops ask for the
// first all the time and the past is long.
const (
	taskService    = "service"
	taskDeployment = "deployment"
	taskInstance   = "instance"
	taskUnplaced   = "unplaced"
	taskFamily     = "family"
	taskStartedBy  = "startedby"
	taskAddress    = "address"
	taskRevision   = "revision"
	taskEnded      = "ended"

	live, past = "+", "-"
)

var tasksSchema = schema[state.Task]{
	name: "tasks",
	key:  func(t *state.Task) string { return string(t.Key) },
	indexes: []index[state.Task]{
		{taskService, func(t *state.Task) []string { return filed(string(t.Service), lifeOf(t)) }},
		{taskDeployment, func(t *state.Task) []string { return filed(string(t.Deployment), lifeOf(t)) }},
		{taskInstance, func(t *state.Task) []string { return filed(string(t.Instance), lifeOf(t)) }},
		{taskFamily, func(t *state.Task) []string {
			return []string{string(t.Key.Cluster()) + "/" + t.TaskDefinition.Family().Name() + lifeOf(t)}
		}},
		{taskStartedBy, func(t *state.Task) []string {
			if t.StartedBy == "" {
				return nil
			}
			return []string{string(t.Key.Cluster()) + "/" + t.StartedBy + lifeOf(t)}
		}},
		{taskUnplaced, func(t *state.Task) []string {
			if t.Instance != "" || t.Desired != state.Running || !t.Live() {
				return nil
			}
			return []string{string(t.Key.Cluster()), ""}
		}},
		{taskAddress, func(t *state.Task) []string {
			if t.Interface == nil || !t.Released.IsZero() || !t.Live() {
				return nil
			}
			return []string{AddressKey(t.Key.Cluster().Scope(), t.Interface.Subnet, t.Interface.Address.String())}
		}},
		{taskRevision, func(t *state.Task) []string {
			if !t.Live() {
				return nil
			}
			return []string{string(t.TaskDefinition)}
		}},
		{taskEnded, func(t *state.Task) []string {
			if t.Live() || t.Service == "" || t.SeenStopped {
				return nil
			}
			return []string{string(t.Service)}
		}},
	},
}

// AddressKey files the address of a subnet that a live task holds.
func AddressKey(s state.Scope, subnet, address string) string {
	return s.String() + "/" + subnet + "/" + address
}

func lifeOf(t *state.Task) string {
	if t.Live() {
		return live
	}
	return past
}

func filed(key, life string) []string {
	if key == "" {
		return nil
	}
	return []string{key + life}
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
	return t.by(taskService, string(k)+live)
}

// StoppedOfService yields the remembered stopped tasks of a service.
func (t Tasks) StoppedOfService(k state.ServiceKey) iter.Seq[*state.Task] {
	return t.by(taskService, string(k)+past)
}

// EndedOfService yields the stopped tasks of a service whose end control/rollout has not seen yet.
func (t Tasks) EndedOfService(k state.ServiceKey) iter.Seq[*state.Task] {
	return t.by(taskEnded, string(k))
}

// OfDeployment yields the live tasks of a deployment.
func (t Tasks) OfDeployment(k state.DeploymentKey) iter.Seq[*state.Task] {
	return t.by(taskDeployment, string(k)+live)
}

// StoppedOfDeployment yields the remembered stopped tasks of a deployment.
func (t Tasks) StoppedOfDeployment(k state.DeploymentKey) iter.Seq[*state.Task] {
	return t.by(taskDeployment, string(k)+past)
}

// OfInstance yields the live tasks that were placed on an instance.
func (t Tasks) OfInstance(k state.InstanceKey) iter.Seq[*state.Task] {
	return t.by(taskInstance, string(k)+live)
}

// StoppedOfInstance yields the remembered stopped tasks of an instance.
func (t Tasks) StoppedOfInstance(k state.InstanceKey) iter.Seq[*state.Task] {
	return t.by(taskInstance, string(k)+past)
}

// OfFamily yields the live tasks of a family in a cluster.
func (t Tasks) OfFamily(c state.ClusterKey, family string) iter.Seq[*state.Task] {
	return t.by(taskFamily, string(c)+"/"+family+live)
}

// StoppedOfFamily yields the remembered stopped tasks of a family in a cluster.
func (t Tasks) StoppedOfFamily(c state.ClusterKey, family string) iter.Seq[*state.Task] {
	return t.by(taskFamily, string(c)+"/"+family+past)
}

// StartedBy yields the live tasks of a cluster with that startedBy.
func (t Tasks) StartedBy(c state.ClusterKey, by string) iter.Seq[*state.Task] {
	return t.by(taskStartedBy, string(c)+"/"+by+live)
}

// StoppedStartedBy yields the remembered stopped tasks of a cluster with that startedBy.
func (t Tasks) StoppedStartedBy(c state.ClusterKey, by string) iter.Seq[*state.Task] {
	return t.by(taskStartedBy, string(c)+"/"+by+past)
}

// Unplaced yields the tasks that wait for an instance, of one cluster or, with an empty key, of all.
func (t Tasks) Unplaced(k state.ClusterKey) iter.Seq[*state.Task] {
	return t.by(taskUnplaced, string(k))
}

// AddressTaken says whether a live task holds the address.
func (t Tasks) AddressTaken(s state.Scope, subnet, address string) bool {
	return t.has(taskAddress, AddressKey(s, subnet, address))
}

// UsesRevision says whether a live task runs the task definition.
func (t Tasks) UsesRevision(k state.TaskDefinitionKey) bool { return t.has(taskRevision, string(k)) }
