package state

import (
	"strconv"
	"strings"
)

// ARNs of records. The long forms are the only ones that ECS hands out since 2021. A key is
// account/region/rest, and rest is the path in the ARN as well.

// ARN of the cluster.
func (k ClusterKey) ARN() string { return ecsARN(string(k), "cluster/") }

// ARN of the capacity provider.
func (k ProviderKey) ARN() string { return ecsARN(string(k), "capacity-provider/") }

// Name is the short name of the capacity provider.
func (k ProviderKey) Name() string { return part(string(k), 2) }

// ARN of the task definition revision.
func (k TaskDefinitionKey) ARN() string {
	family := parent(string(k))
	return ecsARN(family, "task-definition/") + ":" + strconv.Itoa(k.Revision())
}

// ARN of the service.
func (k ServiceKey) ARN() string { return ecsARN(string(k), "service/") }

// ARN of the task.
func (k TaskKey) ARN() string { return ecsARN(string(k), "task/") }

// ARN of the container instance.
func (k InstanceKey) ARN() string { return ecsARN(string(k), "container-instance/") }

// ARN of the service deployment.
func (k ServiceDeploymentKey) ARN() string { return ecsARN(string(k), "service-deployment/") }

// ARN of the service revision.
func (k RevisionKey) ARN() string { return ecsARN(string(k), "service-revision/") }

// ecsARN turns account/region/rest into an ARN whose resource is kind followed by rest.
func ecsARN(key, kind string) string {
	account := strings.IndexByte(key, '/')
	if account < 0 {
		return ""
	}
	region := strings.IndexByte(key[account+1:], '/')
	if region < 0 {
		return ""
	}
	region += account + 1
	return "arn:aws:ecs:" + key[account+1:region] + ":" + key[:account] + ":" + kind + key[region+1:]
}
