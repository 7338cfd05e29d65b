package state

import "strings"

// Scope is the account and region that a record belongs to: the account is the access key's, the region is
// the credential scope's, so several of both live side by side in one installation.
type Scope struct {
	Account string // 12 digits
	Region  string // for example us-east-1
}

// String is the key prefix of the scope: account/region.
func (s Scope) String() string { return s.Account + "/" + s.Region }

// Identifiers of records. Each is a path of names joined by "/", so that a prefix lists a parent's children.
type (
	// ClusterKey is account/region/name.
	ClusterKey string
	// ProviderKey is account/region/name of a capacity provider.
	ProviderKey string
	// FamilyKey is account/region/family.
	FamilyKey string
	// TaskDefinitionKey is account/region/family/revision, the revision written with ten digits.
	TaskDefinitionKey string
	// ServiceKey is account/region/cluster/name.
	ServiceKey string
	// TaskKey is account/region/cluster/id, the id 32 hex digits.
	TaskKey string
	// InstanceKey is account/region/cluster/id, the id 32 hex digits.
	InstanceKey string
	// DeploymentKey is a ServiceKey followed by the number of an ecs-svc/… deployment.
	DeploymentKey string
	// ServiceDeploymentKey is a ServiceKey followed by the id of a service deployment.
	ServiceDeploymentKey string
	// RevisionKey is a ServiceKey followed by the id of a service revision.
	RevisionKey string
	// ResourceKey is account/region/id, for records of the EC2 API.
	ResourceKey string
)

// NewClusterKey names a cluster.
func NewClusterKey(s Scope, name string) ClusterKey { return ClusterKey(s.String() + "/" + name) }

// Scope is the account and region of the cluster.
func (k ClusterKey) Scope() Scope { return scopeOf(string(k)) }

// Name is the short name of the cluster.
func (k ClusterKey) Name() string { return part(string(k), 2) }

// NewProviderKey names a capacity provider.
func NewProviderKey(s Scope, name string) ProviderKey { return ProviderKey(s.String() + "/" + name) }

// NewFamilyKey names a task definition family.
func NewFamilyKey(s Scope, family string) FamilyKey { return FamilyKey(s.String() + "/" + family) }

// NewServiceKey names a service of a cluster.
func NewServiceKey(c ClusterKey, name string) ServiceKey { return ServiceKey(string(c) + "/" + name) }

// Cluster is the cluster that the service runs in.
func (k ServiceKey) Cluster() ClusterKey { return ClusterKey(parent(string(k))) }

// Name is the short name of the service.
func (k ServiceKey) Name() string { return part(string(k), 3) }

// NewTaskKey names a task of a cluster.
func NewTaskKey(c ClusterKey, id string) TaskKey { return TaskKey(string(c) + "/" + id) }

// Cluster is the cluster that the task runs in.
func (k TaskKey) Cluster() ClusterKey { return ClusterKey(parent(string(k))) }

// ID is the task's 32 hex digits.
func (k TaskKey) ID() string { return part(string(k), 3) }

// NewInstanceKey names a container instance of a cluster.
func NewInstanceKey(c ClusterKey, id string) InstanceKey { return InstanceKey(string(c) + "/" + id) }

// Cluster is the cluster that the instance is registered in.
func (k InstanceKey) Cluster() ClusterKey { return ClusterKey(parent(string(k))) }

// ID is the instance's 32 hex digits.
func (k InstanceKey) ID() string { return part(string(k), 3) }

// NewDeploymentKey names a deployment of a service by the digits behind "ecs-svc/".
func NewDeploymentKey(s ServiceKey, number string) DeploymentKey {
	return DeploymentKey(string(s) + "/" + number)
}

// Service is the service that is deployed.
func (k DeploymentKey) Service() ServiceKey { return ServiceKey(parent(string(k))) }

// ID is the deployment's public name, ecs-svc/<digits>, which is also the startedBy of its tasks.
func (k DeploymentKey) ID() string { return "ecs-svc/" + part(string(k), 4) }

// NewServiceDeploymentKey names a service deployment.
func NewServiceDeploymentKey(s ServiceKey, id string) ServiceDeploymentKey {
	return ServiceDeploymentKey(string(s) + "/" + id)
}

// Service is the service that is deployed.
func (k ServiceDeploymentKey) Service() ServiceKey { return ServiceKey(parent(string(k))) }

// ID is the last part of the service deployment's ARN.
func (k ServiceDeploymentKey) ID() string { return part(string(k), 4) }

// NewRevisionKey names a service revision.
func NewRevisionKey(s ServiceKey, id string) RevisionKey { return RevisionKey(string(s) + "/" + id) }

// Service is the service that the revision describes.
func (k RevisionKey) Service() ServiceKey { return ServiceKey(parent(string(k))) }

// ID is the last part of the service revision's ARN.
func (k RevisionKey) ID() string { return part(string(k), 4) }

// NewResourceKey names a record of the EC2 API by its id (vpc-…, subnet-…, sg-…, eni-…).
func NewResourceKey(s Scope, id string) ResourceKey { return ResourceKey(s.String() + "/" + id) }

// Scope is the account and region of the resource.
func (k ResourceKey) Scope() Scope { return scopeOf(string(k)) }

// ID is the resource's own id.
func (k ResourceKey) ID() string { return part(string(k), 2) }

func scopeOf(key string) Scope { return Scope{Account: part(key, 0), Region: part(key, 1)} }

// part is the n-th name of a path, from 0; empty if it has fewer.
func part(key string, n int) string {
	from := 0
	for i := 0; i < len(key); i++ {
		if key[i] != '/' {
			continue
		}
		if n == 0 {
			return key[from:i]
		}
		n--
		from = i + 1
	}
	if n > 0 {
		return ""
	}
	return key[from:]
}

func parent(key string) string {
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return ""
	}
	return key[:i]
}
