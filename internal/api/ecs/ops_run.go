package ecs

import "longshore/internal/aws/front"

// runOps are the operations on what runs: tasks, services, deployments, container instances.
func (a *API) runOps() []front.Op {
	return []front.Op{
		front.Bind("RunTask", a.RunTask),
		front.Bind("StartTask", a.StartTask),
		front.Bind("StopTask", a.StopTask),
		front.Bind("DescribeTasks", a.DescribeTasks),
		front.Bind("ListTasks", a.ListTasks),
		front.Bind("UpdateTaskProtection", a.UpdateTaskProtection),
		front.Bind("GetTaskProtection", a.GetTaskProtection),

		front.Bind("CreateService", a.CreateService),
		front.Bind("UpdateService", a.UpdateService),
		front.Bind("DescribeServices", a.DescribeServices),
		front.Bind("ListServices", a.ListServices),
		front.Bind("DeleteService", a.DeleteService),

		front.Bind("ListServiceDeployments", a.ListServiceDeployments),
		front.Bind("DescribeServiceDeployments", a.DescribeServiceDeployments),
		front.Bind("DescribeServiceRevisions", a.DescribeServiceRevisions),
		front.Bind("StopServiceDeployment", a.StopServiceDeployment),

		front.Bind("DescribeContainerInstances", a.DescribeContainerInstances),
		front.Bind("ListContainerInstances", a.ListContainerInstances),
		front.Bind("UpdateContainerInstancesState", a.UpdateContainerInstancesState),
		front.Bind("DeregisterContainerInstance", a.DeregisterContainerInstance),
	}
}
