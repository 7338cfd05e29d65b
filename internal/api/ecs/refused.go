package ecs

// Refused names every operation of the model that is not served, with the reason that the caller reads and that
// SCOPE.md lists.
func Refused() map[string]string {
	const (
		daemons  = "Daemons of Managed Instances are not served by Longshore. A DAEMON service runs one task on every instance."
		express  = "Express Gateway services are not served by Longshore: they need a load balancer, which is not served yet."
		taskSets = "Task sets are not served by Longshore: only the rolling deployment controller (ECS) is."
	)
	return map[string]string{
		"ContinueServiceDeployment":     "Blue/green, linear and canary deployments are not served by Longshore, so none waits to be continued.",
		"CreateDaemon":                  daemons,
		"CreateExpressGatewayService":   express,
		"CreateTaskSet":                 taskSets,
		"DeleteDaemon":                  daemons,
		"DeleteDaemonTaskDefinition":    daemons,
		"DeleteExpressGatewayService":   express,
		"DeleteTaskSet":                 taskSets,
		"DescribeDaemon":                daemons,
		"DescribeDaemonDeployments":     daemons,
		"DescribeDaemonRevisions":       daemons,
		"DescribeDaemonTaskDefinition":  daemons,
		"DescribeExpressGatewayService": express,
		"DescribeTaskSets":              taskSets,
		"ExecuteCommand":                "Execute command is not served by Longshore yet. Use docker exec on the node.",
		"ListDaemonDeployments":         daemons,
		"ListDaemonTaskDefinitions":     daemons,
		"ListDaemons":                   daemons,
		"ListServicesByNamespace":       "Service Connect namespaces are not served by Longshore.",
		"RegisterDaemonTaskDefinition":  daemons,
		"UpdateContainerAgent":          "Agents are updated where they run; Longshore cannot do it for them.",
		"UpdateDaemon":                  daemons,
		"UpdateExpressGatewayService":   express,
		"UpdateServicePrimaryTaskSet":   taskSets,
		"UpdateTaskSet":                 taskSets,
	}
}
