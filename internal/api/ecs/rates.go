package ecs

import "longshore/internal/aws/front"

// Rates are the quotas of Amazon ECS ("Request throttling for the Amazon ECS API"), enforced only where throttling is
// on. Every account has its own in every region.
func Rates() []front.Rate {
	return []front.Rate{
		{Name: "Cluster modify actions", Burst: 20, PerSecond: 1, Ops: []string{
			"CreateCluster", "DeleteCluster", "PutClusterCapacityProviders", "UpdateCluster", "UpdateClusterSettings"}},
		{Name: "Cluster read actions", Burst: 50, PerSecond: 20, Ops: []string{"DescribeClusters", "ListClusters"}},
		{Name: "Task definition modify actions", Burst: 20, PerSecond: 1, Ops: []string{
			"DeregisterTaskDefinition", "RegisterTaskDefinition"}},
		{Name: "Task definition read actions", Burst: 50, PerSecond: 20, Ops: []string{
			"DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"}},
		{Name: "Task definition deletion actions", Burst: 5, PerSecond: 1, Ops: []string{"DeleteTaskDefinitions"}},
		{Name: "Capacity provider modify actions", Burst: 10, PerSecond: 1, Ops: []string{
			"CreateCapacityProvider", "DeleteCapacityProvider", "UpdateCapacityProvider"}},
		{Name: "Capacity provider read actions", Burst: 50, PerSecond: 20, Ops: []string{"DescribeCapacityProviders"}},
		{Name: "Tag modify actions", Burst: 20, PerSecond: 10, Ops: []string{"TagResource", "UntagResource"}},
		{Name: "Tag read actions", Burst: 50, PerSecond: 20, Ops: []string{"ListTagsForResource"}},
		{Name: "Setting modify actions", Burst: 10, PerSecond: 1, Ops: []string{
			"DeleteAccountSetting", "PutAccountSetting", "PutAccountSettingDefault"}},
		{Name: "Setting read actions", Burst: 50, PerSecond: 20, Ops: []string{"ListAccountSettings"}},
		{Name: "Cluster resource modify actions", Burst: 100, PerSecond: 40, Ops: []string{
			"DeleteAttributes", "DeregisterContainerInstance", "ExecuteCommand", "PutAttributes", "RunTask", "StartTask",
			"StopTask", "UpdateContainerAgent", "UpdateContainerInstancesState"}},
		{Name: "Cluster resource read actions", Burst: 100, PerSecond: 20, Ops: []string{
			"DescribeContainerInstances", "DescribeTasks", "ListAttributes", "ListContainerInstances", "ListTasks"}},
		{Name: "Agent modify actions", Burst: 200, PerSecond: 120, Ops: []string{
			"RegisterContainerInstance", "SubmitAttachmentStateChanges", "SubmitContainerStateChange", "SubmitTaskStateChange"}},
		{Name: "Service modify actions", Burst: 50, PerSecond: 5, Ops: []string{
			"CreateService", "DeleteService", "UpdateService"}},
		{Name: "Service read actions", Burst: 100, PerSecond: 20, Ops: []string{"DescribeServices", "ListServices"}},
		{Name: "Service deployment actions", Burst: 50, PerSecond: 20, Ops: []string{
			"DescribeServiceDeployments", "ListServiceDeployments"}},
		{Name: "Service revision actions", Burst: 50, PerSecond: 20, Ops: []string{"DescribeServiceRevisions"}},
		{Name: "Task protection actions", Burst: 200, PerSecond: 80, Ops: []string{
			"UpdateTaskProtection", "GetTaskProtection"}},
		{Name: "Cluster service resource read actions", Burst: 10, PerSecond: 1, Ops: []string{"ListServicesByNamespace"}},
	}
}
