package store

import (
	"longshore/internal/gen/records"
	"longshore/internal/state"
)

// Tables that need no index of their own: the key alone finds their records.

var clustersSchema = schema[state.Cluster]{
	name:   "clusters",
	key:    func(c *state.Cluster) string { return string(c.Key) },
	setKey: func(v *state.Cluster, k string) { v.Key = state.ClusterKey(k) },
	append: records.AppendCluster,
	read:   records.ReadCluster,
}

// Clusters of the view.
func (v View) Clusters() Rows[state.ClusterKey, state.Cluster] {
	return Rows[state.ClusterKey, state.Cluster]{slot: &v.t.clusters}
}

// Clusters of the transaction.
func (tx *Tx) Clusters() Edit[state.ClusterKey, state.Cluster] {
	return Edit[state.ClusterKey, state.Cluster]{Rows[state.ClusterKey, state.Cluster]{slot: &tx.t.clusters, tx: tx, bit: bitClusters}}
}

var providersSchema = schema[state.CapacityProvider]{
	name:   "providers",
	key:    func(c *state.CapacityProvider) string { return string(c.Key) },
	setKey: func(v *state.CapacityProvider, k string) { v.Key = state.ProviderKey(k) },
	append: records.AppendCapacityProvider,
	read:   records.ReadCapacityProvider,
}

// Providers of the view.
func (v View) Providers() Rows[state.ProviderKey, state.CapacityProvider] {
	return Rows[state.ProviderKey, state.CapacityProvider]{slot: &v.t.providers}
}

// Providers of the transaction.
func (tx *Tx) Providers() Edit[state.ProviderKey, state.CapacityProvider] {
	return Edit[state.ProviderKey, state.CapacityProvider]{Rows[state.ProviderKey, state.CapacityProvider]{slot: &tx.t.providers, tx: tx, bit: bitProviders}}
}

var familiesSchema = schema[state.Family]{
	name:   "families",
	key:    func(c *state.Family) string { return string(c.Key) },
	setKey: func(v *state.Family, k string) { v.Key = state.FamilyKey(k) },
	append: records.AppendFamily,
	read:   records.ReadFamily,
}

// Families of the view.
func (v View) Families() Rows[state.FamilyKey, state.Family] {
	return Rows[state.FamilyKey, state.Family]{slot: &v.t.families}
}

// Families of the transaction.
func (tx *Tx) Families() Edit[state.FamilyKey, state.Family] {
	return Edit[state.FamilyKey, state.Family]{Rows[state.FamilyKey, state.Family]{slot: &tx.t.families, tx: tx, bit: bitFamilies}}
}

var taskDefinitionsSchema = schema[state.TaskDefinition]{
	name:   "taskdefinitions",
	key:    func(c *state.TaskDefinition) string { return string(c.Key) },
	setKey: func(v *state.TaskDefinition, k string) { v.Key = state.TaskDefinitionKey(k) },
	append: records.AppendTaskDefinition,
	read:   records.ReadTaskDefinition,
}

// TaskDefinitions of the view.
func (v View) TaskDefinitions() Rows[state.TaskDefinitionKey, state.TaskDefinition] {
	return Rows[state.TaskDefinitionKey, state.TaskDefinition]{slot: &v.t.taskDefinitions}
}

// TaskDefinitions of the transaction.
func (tx *Tx) TaskDefinitions() Edit[state.TaskDefinitionKey, state.TaskDefinition] {
	return Edit[state.TaskDefinitionKey, state.TaskDefinition]{Rows[state.TaskDefinitionKey, state.TaskDefinition]{slot: &tx.t.taskDefinitions, tx: tx, bit: bitTaskDefinitions}}
}

var accountSettingsSchema = schema[state.AccountSetting]{
	name:   "accountsettings",
	key:    func(c *state.AccountSetting) string { return SettingKey(c.Scope, c.Principal, c.Name) },
	append: records.AppendAccountSetting,
	read:   records.ReadAccountSetting,
}

// AccountSettings of the view.
func (v View) AccountSettings() Rows[string, state.AccountSetting] {
	return Rows[string, state.AccountSetting]{slot: &v.t.accountSettings}
}

// AccountSettings of the transaction.
func (tx *Tx) AccountSettings() Edit[string, state.AccountSetting] {
	return Edit[string, state.AccountSetting]{Rows[string, state.AccountSetting]{slot: &tx.t.accountSettings, tx: tx, bit: bitAccountSettings}}
}

var clientTokensSchema = schema[state.ClientToken]{
	name:   "clienttokens",
	key:    func(c *state.ClientToken) string { return c.Key },
	setKey: func(v *state.ClientToken, k string) { v.Key = k },
	append: records.AppendClientToken,
	read:   records.ReadClientToken,
}

// ClientTokens of the view.
func (v View) ClientTokens() Rows[string, state.ClientToken] {
	return Rows[string, state.ClientToken]{slot: &v.t.clientTokens}
}

// ClientTokens of the transaction.
func (tx *Tx) ClientTokens() Edit[string, state.ClientToken] {
	return Edit[string, state.ClientToken]{Rows[string, state.ClientToken]{slot: &tx.t.clientTokens, tx: tx, bit: bitClientTokens}}
}

var serviceDeploymentsSchema = schema[state.ServiceDeployment]{
	name:   "servicedeployments",
	key:    func(c *state.ServiceDeployment) string { return string(c.Key) },
	setKey: func(v *state.ServiceDeployment, k string) { v.Key = state.ServiceDeploymentKey(k) },
	append: records.AppendServiceDeployment,
	read:   records.ReadServiceDeployment,
}

// ServiceDeployments of the view.
func (v View) ServiceDeployments() Rows[state.ServiceDeploymentKey, state.ServiceDeployment] {
	return Rows[state.ServiceDeploymentKey, state.ServiceDeployment]{slot: &v.t.serviceDeployments}
}

// ServiceDeployments of the transaction.
func (tx *Tx) ServiceDeployments() Edit[state.ServiceDeploymentKey, state.ServiceDeployment] {
	return Edit[state.ServiceDeploymentKey, state.ServiceDeployment]{Rows[state.ServiceDeploymentKey, state.ServiceDeployment]{slot: &tx.t.serviceDeployments, tx: tx, bit: bitServiceDeployments}}
}

var serviceRevisionsSchema = schema[state.ServiceRevision]{
	name:   "servicerevisions",
	key:    func(c *state.ServiceRevision) string { return string(c.Key) },
	setKey: func(v *state.ServiceRevision, k string) { v.Key = state.RevisionKey(k) },
	append: records.AppendServiceRevision,
	read:   records.ReadServiceRevision,
}

// ServiceRevisions of the view.
func (v View) ServiceRevisions() Rows[state.RevisionKey, state.ServiceRevision] {
	return Rows[state.RevisionKey, state.ServiceRevision]{slot: &v.t.serviceRevisions}
}

// ServiceRevisions of the transaction.
func (tx *Tx) ServiceRevisions() Edit[state.RevisionKey, state.ServiceRevision] {
	return Edit[state.RevisionKey, state.ServiceRevision]{Rows[state.RevisionKey, state.ServiceRevision]{slot: &tx.t.serviceRevisions, tx: tx, bit: bitServiceRevisions}}
}

var eventsSchema = schema[state.Event]{
	name:   "events",
	key:    func(c *state.Event) string { return c.Key },
	setKey: func(v *state.Event, k string) { v.Key = k },
	append: records.AppendEvent,
	read:   records.ReadEvent,
}

// Events of the view.
func (v View) Events() Rows[string, state.Event] {
	return Rows[string, state.Event]{slot: &v.t.events}
}

// Events of the transaction.
func (tx *Tx) Events() Edit[string, state.Event] {
	return Edit[string, state.Event]{Rows[string, state.Event]{slot: &tx.t.events, tx: tx, bit: bitEvents}}
}

var vpcsSchema = schema[state.VPC]{
	name:   "vpcs",
	key:    func(c *state.VPC) string { return string(c.Key) },
	setKey: func(v *state.VPC, k string) { v.Key = state.ResourceKey(k) },
	append: records.AppendVPC,
	read:   records.ReadVPC,
}

// VPCs of the view.
func (v View) VPCs() Rows[state.ResourceKey, state.VPC] {
	return Rows[state.ResourceKey, state.VPC]{slot: &v.t.vpcs}
}

// VPCs of the transaction.
func (tx *Tx) VPCs() Edit[state.ResourceKey, state.VPC] {
	return Edit[state.ResourceKey, state.VPC]{Rows[state.ResourceKey, state.VPC]{slot: &tx.t.vpcs, tx: tx, bit: bitVPCs}}
}

var subnetsSchema = schema[state.Subnet]{
	name:   "subnets",
	key:    func(c *state.Subnet) string { return string(c.Key) },
	setKey: func(v *state.Subnet, k string) { v.Key = state.ResourceKey(k) },
	append: records.AppendSubnet,
	read:   records.ReadSubnet,
}

// Subnets of the view.
func (v View) Subnets() Rows[state.ResourceKey, state.Subnet] {
	return Rows[state.ResourceKey, state.Subnet]{slot: &v.t.subnets}
}

// Subnets of the transaction.
func (tx *Tx) Subnets() Edit[state.ResourceKey, state.Subnet] {
	return Edit[state.ResourceKey, state.Subnet]{Rows[state.ResourceKey, state.Subnet]{slot: &tx.t.subnets, tx: tx, bit: bitSubnets}}
}

var securityGroupsSchema = schema[state.SecurityGroup]{
	name:   "securitygroups",
	key:    func(c *state.SecurityGroup) string { return string(c.Key) },
	setKey: func(v *state.SecurityGroup, k string) { v.Key = state.ResourceKey(k) },
	append: records.AppendSecurityGroup,
	read:   records.ReadSecurityGroup,
}

// SecurityGroups of the view.
func (v View) SecurityGroups() Rows[state.ResourceKey, state.SecurityGroup] {
	return Rows[state.ResourceKey, state.SecurityGroup]{slot: &v.t.securityGroups}
}

// SecurityGroups of the transaction.
func (tx *Tx) SecurityGroups() Edit[state.ResourceKey, state.SecurityGroup] {
	return Edit[state.ResourceKey, state.SecurityGroup]{Rows[state.ResourceKey, state.SecurityGroup]{slot: &tx.t.securityGroups, tx: tx, bit: bitSecurityGroups}}
}

var logGroupsSchema = schema[state.LogGroup]{
	name:   "loggroups",
	key:    func(c *state.LogGroup) string { return string(c.Key) },
	setKey: func(v *state.LogGroup, k string) { v.Key = state.LogGroupKey(k) },
	append: records.AppendLogGroup,
	read:   records.ReadLogGroup,
}

// LogGroups of the view.
func (v View) LogGroups() Rows[state.LogGroupKey, state.LogGroup] {
	return Rows[state.LogGroupKey, state.LogGroup]{slot: &v.t.logGroups}
}

// LogGroups of the transaction.
func (tx *Tx) LogGroups() Edit[state.LogGroupKey, state.LogGroup] {
	return Edit[state.LogGroupKey, state.LogGroup]{Rows[state.LogGroupKey, state.LogGroup]{slot: &tx.t.logGroups, tx: tx, bit: bitLogGroups}}
}

// SettingKey files an account setting: the default of a scope has no principal.
func SettingKey(s state.Scope, principal, name string) string {
	return s.String() + "/" + name + "\x00" + principal
}
