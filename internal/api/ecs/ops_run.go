package ecs

import "longshore/internal/aws/front"

// runOps are the operations on what runs: tasks, services, deployments, container instances.
func (a *API) runOps() []front.Op {
	return []front.Op{}
}
