// Package attach gives every placed task its network interface, and then hands it to its instance.
//
// A task with an instance that is still PROVISIONING becomes PENDING: at once, or, when it has a network of
// its own, together with its interface, whose address no other live task holds. A burst of tasks of one
// cluster is served in one Update. Without a free address the task waits and says so; every address that is
// given back wakes it. A task that is to stop before it is PENDING was never told to the agent and ends here.
//
// Reads tasks, instances, subnets, VPCs and security groups. Writes Task.Interface, Task.Waiting (code
// RESOURCE:ENI), Task.Last (PENDING; STOPPED of a task the agent never knew, with the fields that go with it),
// Task.Zone of a FARGATE task when only a subnet of another zone has an address left, and events of services.
// api/ecs writes the interface of the tasks that it makes where it can do so in RunTask.
package attach
