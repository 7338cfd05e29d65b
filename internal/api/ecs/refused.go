package ecs

// Refused names every operation of the model that is not served, with the reason that the caller reads behind "<operation>
// is not served by Longshore: " and that SCOPE.md lists.
func Refused() map[string]string {
	const (
		daemons  = "daemons belong to Managed Instances; a DAEMON service runs one task on every instance."
		express  = "Express Gateway services need a load balancer, which is not served yet."
		taskSets = "task sets need the EXTERNAL controller; only the rolling one (ECS) is served."
	)
	return map[string]string{
		"ContinueServiceDeployment":     "only rolling deployments are served, and those never wait to be continued.",
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
		"ExecuteCommand":                "execute-command is not served yet; use docker exec on the node.",
		"ListDaemonDeployments":         daemons,
		"ListDaemonTaskDefinitions":     daemons,
		"ListDaemons":                   daemons,
		"ListServicesByNamespace":       "Service Connect namespaces are not served yet.",
		"RegisterDaemonTaskDefinition":  daemons,
		"UpdateContainerAgent":          "agents are updated on the machines that they run on.",
		"UpdateDaemon":                  daemons,
		"UpdateExpressGatewayService":   express,
		"UpdateServicePrimaryTaskSet":   taskSets,
		"UpdateTaskSet":                 taskSets,
	}
}
