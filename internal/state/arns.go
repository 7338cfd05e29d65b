package state

import "strconv"

// ARNs of records. The long forms are the only ones that ECS hands out since 2021.

// ARN of the cluster.
func (k ClusterKey) ARN() string { return ecsARN(k.Scope(), "cluster/"+k.Name()) }

// ARN of the capacity provider.
func (k ProviderKey) ARN() string {
	return ecsARN(scopeOf(string(k)), "capacity-provider/"+part(string(k), 2))
}

// Name is the short name of the capacity provider.
func (k ProviderKey) Name() string { return part(string(k), 2) }

// ARN of the task definition revision.
func (k TaskDefinitionKey) ARN() string {
	return ecsARN(scopeOf(string(k)), "task-definition/"+k.Family().Name()+":"+strconv.Itoa(k.Revision()))
}

// ARN of the service.
func (k ServiceKey) ARN() string {
	return ecsARN(scopeOf(string(k)), "service/"+k.Cluster().Name()+"/"+k.Name())
}

// ARN of the task.
func (k TaskKey) ARN() string {
	return ecsARN(scopeOf(string(k)), "task/"+k.Cluster().Name()+"/"+k.ID())
}

// ARN of the container instance.
func (k InstanceKey) ARN() string {
	return ecsARN(scopeOf(string(k)), "container-instance/"+k.Cluster().Name()+"/"+k.ID())
}

// ARN of the service deployment.
func (k ServiceDeploymentKey) ARN() string {
	s := k.Service()
	return ecsARN(scopeOf(string(k)), "service-deployment/"+s.Cluster().Name()+"/"+s.Name()+"/"+k.ID())
}

// ARN of the service revision.
func (k RevisionKey) ARN() string {
	s := k.Service()
	return ecsARN(scopeOf(string(k)), "service-revision/"+s.Cluster().Name()+"/"+s.Name()+"/"+k.ID())
}

func ecsARN(s Scope, resource string) string {
	return "arn:aws:ecs:" + s.Region + ":" + s.Account + ":" + resource
}
