// Package schedule gives every waiting task an instance, or writes down why it still waits.
//
// A burst of tasks of one cluster is placed in one Update, oldest first. A task that finds no room keeps
// waiting with a code and a reason, and its service says so once in its events, until a change of an
// instance or of another task may have made room: then all waiting tasks of the cluster are tried again at
// once. A task that is to stop before it has an instance ends here.
//
// Reads instances, tasks, task definitions, services, subnets and, through the Board, what instances have
// left. Writes Task.Instance, Task.Zone, Task.Waiting, Task.Last (PENDING of a task that needs no interface;
// STOPPED of a task without an instance, with the fields that go with it) and events of services.
// RunTask and StartTask of api/ecs write the same fields of the tasks that they make.
//
// Follow keeps a place.Board in step with the store; it runs once on every server, whoever runs the loop.
package schedule
