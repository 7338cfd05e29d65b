// Package taskrun runs tasks as containers: it brings each task of the agent protocol to its desired status in
// dependency order, reports what really happened, and finds its containers again after any restart.
//
// One runner owns one task. Plan decides, purely, from what is known of the containers and the time; a runner carries
// out what was decided, at most one transition per container at a time, and lets nothing but the engine's own word
// (an inspection) say that a container has stopped. Events are hints to look.
//
// Concurrency: a Machine is safe for concurrent use. No lock is held across an engine call.
//
// Not promised: a size limit for a task's writable layers (recorded as not enforced unless the storage driver can).
package taskrun
