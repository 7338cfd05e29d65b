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

// loaders maps the name of each table to what decodes one of its records.
func (t *tables) loaders() map[string]func(key string, value []byte) error {
	return map[string]func(string, []byte) error{
		clustersSchema.name:           loader(t.clusters),
		providersSchema.name:          loader(t.providers),
		familiesSchema.name:           loader(t.families),
		taskDefinitionsSchema.name:    loader(t.taskDefinitions),
		accountSettingsSchema.name:    loader(t.accountSettings),
		clientTokensSchema.name:       loader(t.clientTokens),
		tasksSchema.name:              loader(t.tasks),
		instancesSchema.name:          loader(t.instances),
		servicesSchema.name:           loader(t.services),
		deploymentsSchema.name:        loader(t.deployments),
		serviceDeploymentsSchema.name: loader(t.serviceDeployments),
		serviceRevisionsSchema.name:   loader(t.serviceRevisions),
		eventsSchema.name:             loader(t.events),
		vpcsSchema.name:               loader(t.vpcs),
		subnetsSchema.name:            loader(t.subnets),
		securityGroupsSchema.name:     loader(t.securityGroups),
		logGroupsSchema.name:          loader(t.logGroups),
		logStreamsSchema.name:         loader(t.logStreams),
	}
}

func loader[T any](r *rows[T]) func(string, []byte) error {
	return func(key string, value []byte) error { return decode(r, key, value) }
}
