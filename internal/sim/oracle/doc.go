// Package oracle says whether a control plane and its nodes kept their promises: it is told of every durable commit
// and of everything that the engines did, and calls out each broken invariant at the event that broke it.
//
// It keeps books of its own and decides from those alone, by rules that are written here a second time and not
// borrowed from the code under test:
//
//	D1 D2 what was published is there after every restart, all of it, and nothing else
//	D4 D6 revisions, event keys, ids and task definition numbers strictly increase and are never used again
//	D5    a RunTask with one startedBy of the workload makes no more tasks than it asked for
//	O1    at most one live container for each container of a task, on all nodes together
//	O2    a live container belongs to a task that is not STOPPED
//	O3    lastStatus moves forward only; STOPPED means that the process is gone and stays gone
//	O4    once faults stop, every service runs what is asked for
//	O5    no stop of the scheduler leaves too few healthy tasks, no start makes too many
//	O6    nothing waits long without a machine-readable reason
//	O7    no instance is promised more than it has, and no task waits for room that is there
//	O8    exit codes, OOM kills, stop codes and reasons are those of the engine
//
// # Concurrency
//
// None: it has no goroutines and no locks. Its owner feeds it from one goroutine at a time.
//
// # Not promised
//
// DAEMON services are not held to O5: how many tasks they want follows from the instances.
package oracle
