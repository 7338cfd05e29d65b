package store

import (
	"iter"

	"longshore/internal/gen/records"
	"longshore/internal/state"
)

const (
	serviceRevision   = "revision"
	deploymentTaskDef = "revision"
)

var servicesSchema = schema[state.Service]{
	name:   "services",
	key:    func(s *state.Service) string { return string(s.Key) },
	setKey: func(s *state.Service, k string) { s.Key = state.ServiceKey(k) },
	append: records.AppendService,
	read:   records.ReadService,
	indexes: []index[state.Service]{
		{serviceRevision, func(s *state.Service) string {
			if s.Status == state.StatusInactive {
				return ""
			}
			return string(s.TaskDefinition)
		}, nil},
	},
}

var deploymentsSchema = schema[state.Deployment]{
	name:   "deployments",
	key:    func(d *state.Deployment) string { return string(d.Key) },
	setKey: func(d *state.Deployment, k string) { d.Key = state.DeploymentKey(k) },
	append: records.AppendDeployment,
	read:   records.ReadDeployment,
	indexes: []index[state.Deployment]{
		{deploymentTaskDef, func(d *state.Deployment) string { return string(d.TaskDefinition) }, nil},
	},
}

// Services reads services.
type Services struct {
	Rows[state.ServiceKey, state.Service]
}

// EditServices reads and writes services.
type EditServices struct{ Services }

// Services of the view.
func (v View) Services() Services {
	return Services{Rows[state.ServiceKey, state.Service]{slot: &v.t.services}}
}

// Services of the transaction.
func (tx *Tx) Services() EditServices {
	return EditServices{Services{Rows[state.ServiceKey, state.Service]{slot: &tx.t.services, tx: tx, bit: bitServices}}}
}

// Put inserts or replaces a service.
func (e EditServices) Put(s *state.Service) { put(e.Rows, s) }

// Delete forgets a service.
func (e EditServices) Delete(k state.ServiceKey) { remove(e.Rows, k) }

// OfCluster yields every service of a cluster, DRAINING and INACTIVE ones too.
func (t Services) OfCluster(k state.ClusterKey) iter.Seq[*state.Service] {
	return t.Prefix(string(k) + "/")
}

// UsesRevision says whether a service that is not INACTIVE runs the task definition.
func (t Services) UsesRevision(k state.TaskDefinitionKey) bool {
	return t.has(serviceRevision, string(k))
}

// Deployments reads deployments.
type Deployments struct {
	Rows[state.DeploymentKey, state.Deployment]
}

// EditDeployments reads and writes deployments.
type EditDeployments struct{ Deployments }

// Deployments of the view.
func (v View) Deployments() Deployments {
	return Deployments{Rows[state.DeploymentKey, state.Deployment]{slot: &v.t.deployments}}
}

// Deployments of the transaction.
func (tx *Tx) Deployments() EditDeployments {
	return EditDeployments{Deployments{
		Rows[state.DeploymentKey, state.Deployment]{slot: &tx.t.deployments, tx: tx, bit: bitDeployments}}}
}

// Put inserts or replaces a deployment.
func (e EditDeployments) Put(d *state.Deployment) { put(e.Rows, d) }

// Delete forgets a deployment.
func (e EditDeployments) Delete(k state.DeploymentKey) { remove(e.Rows, k) }

// OfService yields the deployments of a service.
func (t Deployments) OfService(k state.ServiceKey) iter.Seq[*state.Deployment] {
	return t.Prefix(string(k) + "/")
}

// UsesRevision says whether a deployment runs the task definition.
func (t Deployments) UsesRevision(k state.TaskDefinitionKey) bool {
	return t.has(deploymentTaskDef, string(k))
}
