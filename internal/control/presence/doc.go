// Package presence declares silent instances and their tasks lost.
//
// A disconnected agent keeps its tasks running, and ECS keeps showing them as they were last seen. Amazon's
// hosts end with their instance; ours may have burned down without a word, so after Config.LostAfter of silence
// the tasks of an instance are STOPPED, with the reason, and their services replace them. The clock starts at
// the disconnection, but never before this loop did: while no server ran, no agent could be connected. Tasks
// of a deregistered (INACTIVE) instance are lost at once.
//
// Reads container instances and their tasks. Writes, for tasks that are lost, everything that dispatch writes
// when an agent reports a task STOPPED. An agent that returns later is told to stop what it still runs of them.
package presence
