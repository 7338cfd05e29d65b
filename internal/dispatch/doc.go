// Package dispatch is the server side of the ECS agent protocol: it hands placed tasks to their agents and
// writes down what the agents observe.
//
// It reads tasks, task definitions and instances. It alone writes what is observed: Task.Last, containers,
// health, connectivity and timestamps; Interface.Status; Instance.Connected, versions, runtime health and
// sequence number. An agent may speak only of the tasks that were placed on its own instance, and gets only
// their credentials.
//
// # Concurrency
//
// Run follows the store and wakes the sessions whose tasks changed. A session is one goroutine that reads
// frames and one that owns everything else. What was delivered is remembered per connection only: payloads
// are idempotent, so a reconnect sends them all again, followed by a manifest.
package dispatch
