// Package rollout keeps a promise: a service runs its tasks.
//
// It reads services, deployments, service deployments, task definitions, container instances, subnets and the tasks
// of services. It makes those tasks and asks for their end (Task.Desired), notes what it has seen of them
// (Task.SeenHealthy, SeenStopped), and alone writes Deployment.Status to DesiredCount, the life of service
// deployments, Service.Throttle, SteadyAt and Notices, the end of a deleted service, and the lines of a
// service's story that speak of all this.
//
// # Rules
//
// With desired tasks asked for, healthy tasks never go below ⌈desired×minimumHealthyPercent⌉ by a stop of ours,
// and tasks that are not on their way out never go above ⌊desired×maximumPercent⌋ by a start of ours. Healthy
// is RUNNING, with HEALTHY from the health checks of its essential containers where it has some, else for
// Config.HealthyAfter, and for 40 s while others of its deployment end soon after they ran. New tasks are started
// before old ones are stopped wherever the maximum leaves room. An old task that only time keeps from being
// healthy is neither counted on nor given up until it is told: the clock may have been set back.
//
// A rollback makes the deployment that was last COMPLETED the PRIMARY one again: its tasks that still run are
// kept. It stays known, although it may have no task left, for as long as a newer one is IN_PROGRESS.
//
// A service at rest with AZ rebalancing moves one task at a time from the zone that has most to the one that has
// fewest: one more than desired starts, and the surplus leaves when it is healthy.
//
// # Not promised
//
// Where a task runs is control/schedule's to say. A task that waits for room counts as started.
package rollout
