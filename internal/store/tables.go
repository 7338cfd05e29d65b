package store

import "longshore/internal/state"

// tables is the whole state: one field a noun, the same word as its file in package state.
type tables struct {
	clusters           *rows[state.Cluster]
	providers          *rows[state.CapacityProvider]
	families           *rows[state.Family]
	taskDefinitions    *rows[state.TaskDefinition]
	accountSettings    *rows[state.AccountSetting]
	clientTokens       *rows[state.ClientToken]
	tasks              *rows[state.Task]
	instances          *rows[state.Instance]
	services           *rows[state.Service]
	deployments        *rows[state.Deployment]
	serviceDeployments *rows[state.ServiceDeployment]
	serviceRevisions   *rows[state.ServiceRevision]
	events             *rows[state.Event]
	vpcs               *rows[state.VPC]
	subnets            *rows[state.Subnet]
	securityGroups     *rows[state.SecurityGroup]
	logGroups          *rows[state.LogGroup]
	logStreams         *rows[state.LogStream]
}

// One bit a table, for a transaction's note of which trees are its own.
const (
	bitClusters uint64 = 1 << iota
	bitProviders
	bitFamilies
	bitTaskDefinitions
	bitAccountSettings
	bitClientTokens
	bitTasks
	bitInstances
	bitServices
	bitDeployments
	bitServiceDeployments
	bitServiceRevisions
	bitEvents
	bitVPCs
	bitSubnets
	bitSecurityGroups
	bitLogGroups
	bitLogStreams
)

func newTables() *tables {
	return &tables{
		clusters:           newRows(&clustersSchema),
		providers:          newRows(&providersSchema),
		families:           newRows(&familiesSchema),
		taskDefinitions:    newRows(&taskDefinitionsSchema),
		accountSettings:    newRows(&accountSettingsSchema),
		clientTokens:       newRows(&clientTokensSchema),
		tasks:              newRows(&tasksSchema),
		instances:          newRows(&instancesSchema),
		services:           newRows(&servicesSchema),
		deployments:        newRows(&deploymentsSchema),
		serviceDeployments: newRows(&serviceDeploymentsSchema),
		serviceRevisions:   newRows(&serviceRevisionsSchema),
		events:             newRows(&eventsSchema),
		vpcs:               newRows(&vpcsSchema),
		subnets:            newRows(&subnetsSchema),
		securityGroups:     newRows(&securityGroupsSchema),
		logGroups:          newRows(&logGroupsSchema),
		logStreams:         newRows(&logStreamsSchema),
	}
}

// table is what can be done to a table without knowing its type.
type table interface {
	label() string
	encodeAny(b []byte, v any) []byte
	// restore takes a record back to what it was before a closure wrote it; nil = it was not there.
	restore(tx *Tx, key string, old any)
	diff(out []Change, was, now *tables) []Change
	filler(t *tables) filler
	writer(t *tables) func(Op) (Change, error)
}

// all tables, in the order in which diff tells them.
func all() []table {
	return []table{
		typed[state.Cluster]{&clustersSchema, bitClusters, func(t *tables) **rows[state.Cluster] { return &t.clusters }},
		typed[state.CapacityProvider]{&providersSchema, bitProviders, func(t *tables) **rows[state.CapacityProvider] { return &t.providers }},
		typed[state.Family]{&familiesSchema, bitFamilies, func(t *tables) **rows[state.Family] { return &t.families }},
		typed[state.TaskDefinition]{&taskDefinitionsSchema, bitTaskDefinitions, func(t *tables) **rows[state.TaskDefinition] { return &t.taskDefinitions }},
		typed[state.AccountSetting]{&accountSettingsSchema, bitAccountSettings, func(t *tables) **rows[state.AccountSetting] { return &t.accountSettings }},
		typed[state.ClientToken]{&clientTokensSchema, bitClientTokens, func(t *tables) **rows[state.ClientToken] { return &t.clientTokens }},
		typed[state.Task]{&tasksSchema, bitTasks, func(t *tables) **rows[state.Task] { return &t.tasks }},
		typed[state.Instance]{&instancesSchema, bitInstances, func(t *tables) **rows[state.Instance] { return &t.instances }},
		typed[state.Service]{&servicesSchema, bitServices, func(t *tables) **rows[state.Service] { return &t.services }},
		typed[state.Deployment]{&deploymentsSchema, bitDeployments, func(t *tables) **rows[state.Deployment] { return &t.deployments }},
		typed[state.ServiceDeployment]{&serviceDeploymentsSchema, bitServiceDeployments, func(t *tables) **rows[state.ServiceDeployment] { return &t.serviceDeployments }},
		typed[state.ServiceRevision]{&serviceRevisionsSchema, bitServiceRevisions, func(t *tables) **rows[state.ServiceRevision] { return &t.serviceRevisions }},
		typed[state.Event]{&eventsSchema, bitEvents, func(t *tables) **rows[state.Event] { return &t.events }},
		typed[state.VPC]{&vpcsSchema, bitVPCs, func(t *tables) **rows[state.VPC] { return &t.vpcs }},
		typed[state.Subnet]{&subnetsSchema, bitSubnets, func(t *tables) **rows[state.Subnet] { return &t.subnets }},
		typed[state.SecurityGroup]{&securityGroupsSchema, bitSecurityGroups, func(t *tables) **rows[state.SecurityGroup] { return &t.securityGroups }},
		typed[state.LogGroup]{&logGroupsSchema, bitLogGroups, func(t *tables) **rows[state.LogGroup] { return &t.logGroups }},
		typed[state.LogStream]{&logStreamsSchema, bitLogStreams, func(t *tables) **rows[state.LogStream] { return &t.logStreams }},
	}
}

func byName() map[string]table {
	out := map[string]table{}
	for _, x := range all() {
		out[x.label()] = x
	}
	return out
}

// typed is a table that knows its type.
type typed[T any] struct {
	schema *schema[T]
	bit    uint64
	slot   func(*tables) **rows[T]
}

func (t typed[T]) label() string { return t.schema.name }

func (t typed[T]) encodeAny(b []byte, v any) []byte { return t.schema.encode(b, v.(*T)) }

func (t typed[T]) restore(tx *Tx, key string, old any) {
	r := Rows[string, T]{slot: t.slot(&tx.t), tx: tx, bit: t.bit}.own()
	if old == nil {
		r.remove(key)
		return
	}
	r.put(key, old.(*T))
}

func (t typed[T]) writer(of *tables) func(Op) (Change, error) { return writer(t.slot(of)) }

func (t typed[T]) diff(out []Change, was, now *tables) []Change {
	return diffRows(out, *t.slot(was), *t.slot(now))
}
