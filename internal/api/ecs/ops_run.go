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

		front.Bind("CreateService", a.CreateService),
		front.Bind("UpdateService", a.UpdateService),
		front.Bind("DescribeServices", a.DescribeServices),
		front.Bind("ListServices", a.ListServices),
		front.Bind("DeleteService", a.DeleteService),
	}
}
